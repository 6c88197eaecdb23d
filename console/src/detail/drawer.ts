/** The drawer at the right: the detail of what is selected. */

import type { Context } from "../shell/context";
import { fill, h } from "../shell/dom";
import { isSameSelection, type Selection } from "../plans/view";
import { conflictDetail } from "./conflict";
import { planDetail } from "./plan";
import { refusalDetail } from "./refusal";

export class Drawer {
  readonly element: HTMLElement;
  private readonly body = h("div", { class: "drawer-body" });
  private readonly undo: (() => void)[] = [];
  private shownFor: string | null = null;
  private selection: Selection | null = null;

  constructor(private readonly context: Context) {
    this.element = h(
      "aside",
      { class: "drawer", "aria-label": context.say("detail") },
      h(
        "button",
        {
          type: "button",
          class: "icon close",
          "aria-label": context.say("close"),
          on: { click: () => context.select(null) },
        },
        "×",
      ),
      this.body,
    );
    this.undo.push(
      context.view.subscribe((view, before) => {
        if (view.selection !== before.selection) this.update(true);
      }),
      context.known.subscribe(() => this.update(false)),
    );
    this.update(false);
  }

  unmount(): void {
    for (const undo of this.undo) undo();
    this.element.remove();
  }

  private update(isByViewer: boolean): void {
    const { selection } = this.context.view.get();
    const isOther = !isSameSelection(selection, this.selection);
    this.selection = selection;
    const key = this.key(selection);
    if (key === this.shownFor) return;
    this.shownFor = key;
    this.element.classList.toggle("empty", selection === null);
    // Whoever closes it by keyboard goes on in the list.
    if (selection === null && this.element.contains(document.activeElement))
      document.querySelector<HTMLElement>(".rows:not([hidden])")?.focus();
    if (selection === null) return fill(this.body, h("p", { class: "calm" }, this.context.say("detail.none")));
    // A form that is being filled in is not taken away because something else changed.
    if (!isOther && this.body.querySelector("form.confirm, .ways")) return;
    const scrolled = isOther ? 0 : this.element.scrollTop;
    fill(this.body, this.detail(selection));
    this.element.scrollTop = scrolled;
    if (isByViewer && isOther) this.body.querySelector<HTMLElement>("h2")?.focus({ preventScroll: true });
  }

  private detail(selection: Selection): HTMLElement {
    if (selection.kind === "plan") return planDetail(this.context, selection.planId);
    if (selection.kind === "refusal") return refusalDetail(this.context, selection);
    return conflictDetail(this.context, selection.planId, selection.place);
  }

  /** Changes when what is shown would read differently. */
  private key(selection: Selection | null): string {
    if (selection === null) return "";
    const { known } = this.context;
    if (selection.kind === "refusal") {
      return JSON.stringify([selection, known.refusals.get(selection.refusalId)?.settlement, known.isLoaded]);
    }
    const plan = known.plans.get(selection.planId);
    const beside = known.standing.get(selection.planId)?.map((one) => [one.plan_id, one.start, one.end]);
    return JSON.stringify([
      selection,
      plan?.version,
      plan?.state,
      plan?.changed,
      selection.kind === "plan" ? null : beside,
      known.isLoaded,
    ]);
  }
}
