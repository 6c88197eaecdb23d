/** The screen at the left: what needs the viewer first, then the plans; filters above. */

import { attention, type Attention } from "../plans/attention";
import { planName } from "../plans/naming";
import { isSameSelection, type Selection } from "../plans/view";
import type { PlanView } from "../api/wire";
import type { Context, Screen } from "../shell/context";
import { fill, foreign, h, ltr } from "../shell/dom";
import { formatCountdown } from "../units/time";
import { partyMark } from "../detail/parts";
import { heightOf } from "../map/camera";
import { STATE_STYLE } from "../map/palette";
import { mountFilters } from "./filters";
import { RefusalRows } from "./refusals";
import { Rows } from "./rows";

const MOST_ATTENTION = 60;

export const listScreen: Screen = {
  id: "plans",
  title: "screen.plans",
  mount(host, context) {
    const screen = new ListScreen(host, context);
    return () => screen.unmount();
  },
};

class ListScreen {
  private readonly attentionHost = h("div", { class: "attention" });
  private readonly countText = h("span", { class: "count" });
  private readonly rows: Rows<PlanView>;
  private readonly refusals: RefusalRows;
  private readonly tabs: HTMLElement;
  private tab: "plans" | "refusals" = "plans";
  private readonly undo: (() => void)[] = [];
  private attentionKey: string | null = null;
  private shownKey = "";

  constructor(
    host: HTMLElement,
    private readonly context: Context,
  ) {
    const filters = mountFilters(context);
    this.rows = new Rows<PlanView>("plan", context.say("list.plans"), {
      idOf: (plan) => plan.plan_id,
      paint: (plan) => this.planRow(plan),
      choose: (plan) => this.choose(plan),
    });
    this.refusals = new RefusalRows(context, (selection) => this.open(selection, null));
    this.tabs = h("div", { class: "list-tabs", role: "group", "aria-label": context.say("list.what") });
    host.append(
      h(
        "div",
        { class: "list-screen" },
        h(
          "section",
          { "aria-label": context.say("list.attention") },
          h("h2", {}, context.say("list.attention")),
          this.attentionHost,
        ),
        filters.element,
        h("section", { class: "plans" }, this.tabs, this.rows.element, this.refusals.element),
      ),
    );
    const timer = setInterval(() => this.tick(), 1000);
    this.undo.push(
      () => clearInterval(timer),
      filters.unmount,
      context.known.subscribe(() => this.update()),
      context.view.subscribe((view, before) => {
        if (view.instant_ms === before.instant_ms || view.selection !== before.selection) this.update();
      }),
    );
    this.update();
  }

  unmount(): void {
    for (const undo of this.undo) undo();
    this.rows.unmount();
    this.refusals.unmount();
  }

  private update(): void {
    const { context } = this;
    const plans = context.shown.plans();
    const { selection } = context.view.get();
    this.rows.set(plans, selection?.kind === "plan" ? selection.planId : null, context.shown.key() !== this.shownKey);
    this.shownKey = context.shown.key();
    const all = context.known.plans.size;
    const key = plans.length === all ? "list.count" : "list.count_of";
    this.refusals.update();
    this.showTabs();
    fill(
      this.countText,
      context.known.isLoaded
        ? context.say(key, { n: plans.length, all })
        : context.say("list.loading", { n: context.known.loaded }),
    );
    this.rows.showEmpty(this.emptyText(plans.length, all));
    this.attentionKey = null;
    this.tick();
  }

  private showTabs(): void {
    const { context, tab } = this;
    const one = (name: "plans" | "refusals", label: string): HTMLElement =>
      h(
        "button",
        {
          type: "button",
          class: "chip",
          "aria-pressed": String(tab === name),
          on: { click: () => this.chooseTab(name) },
        },
        label,
      );
    const focused = this.tabs.contains(document.activeElement);
    fill(
      this.tabs,
      one("plans", context.say("list.plans")),
      one("refusals", `${context.say("list.refusals")} ${context.units.number(context.known.refusals.size)}`),
      this.countText,
    );
    if (focused) this.tabs.querySelector<HTMLElement>("[aria-pressed=true]")?.focus();
    this.countText.hidden = tab !== "plans";
    this.rows.element.hidden = tab !== "plans";
    this.refusals.element.hidden = tab !== "refusals";
  }

  private chooseTab(name: "plans" | "refusals"): void {
    this.tab = name;
    this.update();
  }

  private emptyText(shown: number, all: number): string | null {
    if (shown > 0 || !this.context.known.isLoaded) return null;
    return this.context.say(all > 0 ? "list.filtered_out" : "list.empty");
  }

  /** The clocks; the lines themselves are made anew only when they change. */
  private tick(): void {
    const { context } = this;
    const now_ms = context.clock.now();
    const items = attention(
      {
        plans: context.known.plans.values(),
        planOf: (id) => context.known.plans.get(id),
        refusals: context.known.refusals.values(),
        standing: context.known.standing,
      },
      now_ms,
    );
    const key = items.map((item) => `${item.kind}${JSON.stringify(item.selection)}`).join();
    if (key !== this.attentionKey) {
      this.attentionKey = key;
      fill(
        this.attentionHost,
        items.length
          ? this.attentionRows(items)
          : h("p", { class: "calm" }, context.known.isLoaded ? context.say("list.calm") : context.say("loading")),
      );
    }
    for (const clock of this.attentionHost.querySelectorAll<HTMLElement>("[data-clock]")) {
      const at_ms = Number(clock.dataset["clock"]);
      const away = formatCountdown(at_ms - now_ms);
      clock.textContent = at_ms > now_ms ? `−${away}` : `+${away}`;
      clock.classList.toggle("soon", at_ms - now_ms < 600_000);
    }
  }

  private attentionRows(items: readonly Attention[]): HTMLElement[] {
    const { selection } = this.context.view.get();
    const rows = items
      .slice(0, MOST_ATTENTION)
      .map((item) => this.attentionRow(item, isSameSelection(item.selection, selection)));
    const more = items.length - MOST_ATTENTION;
    if (more > 0) rows.push(h("p", { class: "calm" }, this.context.say("list.more", { n: more })));
    return rows;
  }

  private attentionRow(item: Attention, isSelected: boolean): HTMLElement {
    const { context } = this;
    const name = planName({ title: item.title, plan_id: item.planId ?? "" });
    const other = item.otherId
      ? [" ", h("span", { class: "with" }, context.say("with"), " "), this.party(item.otherId)]
      : [];
    return h(
      "button",
      {
        type: "button",
        class: `need ${item.kind}`,
        "aria-pressed": String(isSelected),
        on: { click: () => this.open(item.selection, item.planId) },
      },
      h("span", { class: "kind" }, context.say(`attention.${item.kind}`)),
      h("span", { class: "clock num", dir: "ltr", "data-clock": item.clock_ms }),
      h("span", { class: "who" }, this.party(item.partyId), name ? [" ", foreign(name, "title")] : null, other),
    );
  }

  private open(selection: Selection, planId: string | null): void {
    this.context.select(selection);
    const start = this.startOf(selection);
    if (start !== null) this.context.view.set({ instant_ms: start });
    const places = this.placesOf(selection, planId);
    if (places.length) this.context.map.fit(places, this.heightAt(selection));
  }

  /** A conflict is shown as it begins; a plan at whatever instant is shown. */
  private startOf(selection: Selection): number | null {
    const { known } = this.context;
    const conflict =
      selection.kind === "refusal"
        ? known.refusals.get(selection.refusalId)?.conflicts[0]
        : selection.kind === "conflict"
          ? known.standing.get(selection.planId)?.[selection.place]
          : undefined;
    return conflict ? Date.parse(conflict.start) : null;
  }

  private heightAt(selection: Selection): number {
    const { known } = this.context;
    if (selection.kind === "plan")
      return heightOf([known.plans.get(selection.planId)].filter((plan) => plan !== undefined));
    const conflicts =
      selection.kind === "refusal"
        ? known.refusals.get(selection.refusalId)?.conflicts
        : known.standing.get(selection.planId);
    return Math.max(0, ...(conflicts ?? []).map((conflict) => conflict.upper_m));
  }

  private placesOf(selection: Selection, planId: string | null): { lat_deg: number; lon_deg: number }[] {
    const { known } = this.context;
    if (selection.kind === "refusal")
      return known.refusals.get(selection.refusalId)?.conflicts.flatMap((one) => one.outline.flat()) ?? [];
    if (selection.kind === "conflict")
      return [...(known.standing.get(selection.planId)?.[selection.place]?.outline.flat() ?? [])];
    return planId ? this.pathOf(planId) : [];
  }

  private pathOf(planId: string): { lat_deg: number; lon_deg: number }[] {
    const volumes = this.context.known.plans.get(planId)?.volumes ?? [];
    return volumes.flatMap(({ shape }) =>
      shape.kind === "circle" ? [shape.center] : shape.kind === "corridor" ? shape.path : shape.vertices,
    );
  }

  private choose(plan: PlanView): void {
    this.context.select({ kind: "plan", planId: plan.plan_id });
    const places = this.pathOf(plan.plan_id);
    if (places.length) this.context.map.fit(places, heightOf([plan]));
  }

  private planRow(plan: PlanView): HTMLElement[] {
    const { context } = this;
    const inConflict = context.shown.inConflict().has(plan.plan_id);
    return [
      h(
        "span",
        { class: `mark ${plan.state}`, title: context.say(`state.${plan.state}`) },
        STATE_STYLE[plan.state].mark,
      ),
      h(
        "span",
        { class: "name" },
        foreign(planName(plan)),
        inConflict ? h("span", { class: "warn", title: context.say("in_conflict") }, " ⚠") : null,
      ),
      h("span", { class: "when" }, ltr(context.units.spanShort(plan.start, plan.end))),
      h("span", { class: "by" }, this.party(plan.party_id), " · ", context.say(`state.${plan.state}`)),
    ];
  }

  private party(partyId: string): HTMLElement {
    return partyMark(this.context, partyId);
  }
}
