/** Every refusal that is remembered, open ones first. */

import type { Refusal } from "../api/wire";
import { partyMark } from "../detail/parts";
import { settlementShort } from "../detail/settlement";
import { shortId } from "../plans/naming";
import { foldText } from "../plans/select";
import type { Selection, View } from "../plans/view";
import type { Context } from "../shell/context";
import { foreign, h, ltr } from "../shell/dom";
import { Rows } from "./rows";

export class RefusalRows {
  readonly element: HTMLElement;
  private readonly rows: Rows<Refusal>;
  private shownFor = "";
  private list: readonly Refusal[] = [];

  constructor(
    private readonly context: Context,
    open: (selection: Selection) => void,
  ) {
    this.rows = new Rows<Refusal>("refusal", context.say("list.refusals"), {
      idOf: (refusal) => refusal.refusal_id,
      paint: (refusal) => this.row(refusal),
      choose: (refusal) => open({ kind: "refusal", refusalId: refusal.refusal_id }),
    });
    this.element = this.rows.element;
  }

  unmount(): void {
    this.rows.unmount();
  }

  update(): void {
    const { known, view, shown } = this.context;
    const isChanged = this.shownFor !== shown.key();
    if (isChanged) {
      this.shownFor = shown.key();
      this.list = sortRefusals(
        [...known.refusals.values()].filter((refusal) =>
          passes(refusal, view.get(), known.partyName(refusal.party_id)),
        ),
      );
    }
    const { selection } = view.get();
    this.rows.set(this.list, selection?.kind === "refusal" ? selection.refusalId : null, isChanged);
    this.rows.showEmpty(this.list.length === 0 && known.isLoaded ? this.context.say("list.no_refusals") : null);
  }

  private row(refusal: Refusal): HTMLElement[] {
    const { context } = this;
    const first = refusal.conflicts[0];
    const isOpen = !refusal.settlement.is_settled;
    const others = [...new Set(refusal.conflicts.map((conflict) => conflict.party_id))];
    return [
      h("span", { class: `mark ${isOpen ? "open" : "settled"}`, "aria-hidden": "true" }, isOpen ? "◆" : "✓"),
      h(
        "span",
        { class: "name" },
        foreign(refusal.title || shortId(refusal.plan_id ?? context.known.partyName(refusal.party_id))),
      ),
      h("span", { class: "when" }, first ? ltr(context.units.spanShort(first.start, first.end)) : null),
      h(
        "span",
        { class: "by" },
        context.say("with"),
        " ",
        others.map((id) => [partyMark(context, id), " "]),
        "· ",
        settlementShort(context, refusal.settlement),
      ),
    ];
  }
}

/** Open ones first, by when their conflict begins; then the settled ones, likewise. */
export function sortRefusals(refusals: Refusal[]): Refusal[] {
  const start = (refusal: Refusal): number => Date.parse(refusal.conflicts[0]?.start ?? refusal.at);
  return refusals.sort(
    (a, b) =>
      Number(a.settlement.is_settled) - Number(b.settlement.is_settled) ||
      start(a) - start(b) ||
      (a.refusal_id < b.refusal_id ? -1 : 1),
  );
}

function passes(refusal: Refusal, view: View, partyName: string): boolean {
  if (view.onlyMine && !refusal.is_mine) return false;
  if (
    view.parties.length &&
    !view.parties.includes(refusal.party_id) &&
    !refusal.conflicts.some((one) => view.parties.includes(one.party_id))
  )
    return false;
  if (view.text === "") return true;
  return foldText(`${refusal.title ?? ""}\n${refusal.plan_id ?? ""}\n${refusal.party_id}\n${partyName}`).includes(
    foldText(view.text),
  );
}
