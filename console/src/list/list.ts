/** The screen at the left: what needs the viewer first, then the conflicts or the plans; filters above. */

import { attention, type Attention } from "../plans/attention";
import { planName } from "../plans/naming";
import { isSameSelection, type ListName, LISTS } from "../plans/view";
import type { PlanView } from "../api/wire";
import type { Context, Screen } from "../shell/context";
import { type Child, fill, foreign, h, ltr } from "../shell/dom";
import { formatCountdown } from "../units/time";
import { open } from "../detail/open";
import { partyMark } from "../detail/parts";
import { STATE_STYLE } from "../map/palette";
import { ConflictRows } from "./conflicts";
import { emptyPlans, USUAL } from "./empty";
import { mountFilters } from "./filters";
import { Rows } from "./rows";

const MOST_ATTENTION = 60;
const ROW_REM = 2.875;

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
  private readonly countText = h("span", { class: "count", role: "status" });
  private readonly rows: Rows<PlanView>;
  private readonly conflicts: ConflictRows;
  private readonly filters: ReturnType<typeof mountFilters>;
  private readonly tabs: HTMLElement;
  private readonly undo: (() => void)[] = [];
  private attentionKey: string | null = null;
  private shownKey = "";
  /** Decided once, when all is there: a list must not change under the viewer's eyes. */
  private first: ListName | null = null;

  constructor(
    host: HTMLElement,
    private readonly context: Context,
  ) {
    this.filters = mountFilters(context, () => this.list());
    this.rows = new Rows<PlanView>("plan", context.say("list.plans"), ROW_REM, {
      idOf: (plan) => plan.plan_id,
      paint: (plan) => this.planRow(plan),
      choose: (plan) => open(context, { kind: "plan", planId: plan.plan_id }),
    });
    this.conflicts = new ConflictRows(context);
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
        this.filters.element,
        h("section", { class: "plans" }, this.tabs, this.countText, this.rows.element, this.conflicts.element),
      ),
    );
    const timer = setInterval(() => this.tick(), 1000);
    this.undo.push(
      () => clearInterval(timer),
      this.filters.unmount,
      context.known.subscribe(() => this.update()),
      context.feed.subscribe(() => this.update()),
      context.view.subscribe((view, before) => {
        if (view.instant_ms === before.instant_ms || view.selection !== before.selection) this.update();
      }),
    );
    this.update();
  }

  unmount(): void {
    for (const undo of this.undo) undo();
    this.rows.unmount();
    this.conflicts.unmount();
  }

  private list(): ListName {
    const { known, shown, view } = this.context;
    if (known.isLoaded) this.first ??= shown.allPairs().length > 0 ? "conflicts" : "plans";
    return view.get().list ?? this.first ?? "plans";
  }

  private update(): void {
    const { context } = this;
    const plans = context.shown.plans();
    const { selection } = context.view.get();
    const list = this.list();
    this.rows.element.hidden = list !== "plans";
    this.conflicts.element.hidden = list !== "conflicts";
    this.rows.set(plans, selection?.kind === "plan" ? selection.planId : null, context.shown.key() !== this.shownKey);
    this.shownKey = context.shown.key();
    this.filters.update();
    this.showTabs(list);
    const text = this.count(list);
    if (this.countText.textContent !== text) this.countText.textContent = text;
    this.rows.showEmpty(plans.length === 0 ? this.emptyText() : null);
    this.attentionKey = null;
    this.tick();
  }

  private showTabs(list: ListName): void {
    const { context } = this;
    const { open: opened } = context.shown.pairCounts();
    const sizes = { conflicts: context.shown.allPairs().length, plans: context.known.plans.size };
    const more = { conflicts: opened ? ` · ${context.say("list.open_count", { n: opened })}` : "", plans: "" };
    const one = (name: ListName): HTMLElement =>
      h(
        "button",
        {
          type: "button",
          class: name === "conflicts" && opened ? "chip open" : "chip",
          "aria-pressed": String(list === name),
          on: { click: () => context.view.set({ list: name }) },
        },
        `${context.say(`list.${name}`)} ${context.units.number(sizes[name])}${more[name]}`,
      );
    const focused = this.tabs.contains(document.activeElement);
    fill(this.tabs, LISTS.map(one));
    if (focused) this.tabs.querySelector<HTMLElement>("[aria-pressed=true]")?.focus();
  }

  /** How many pass the filters, where that is not all of them. */
  private count(list: ListName): string {
    const { known, shown, say } = this.context;
    if (!known.isLoaded) return known.loaded > 0 ? say("list.loading", { n: known.loaded }) : "";
    const [n, all] =
      list === "plans" ? [shown.plans().length, known.plans.size] : [shown.pairs().length, shown.allPairs().length];
    return n === all ? "" : say("list.count_of", { n, all });
  }

  private emptyText(): Child {
    const { known, feed, say } = this.context;
    if (known.isLoaded) return emptyPlans(this.context);
    return say(feed.state === "lost" ? "list.no_line" : "loading");
  }

  /** The clocks; the lines themselves are made anew only when they change. */
  private tick(): void {
    const { context } = this;
    this.conflicts.update();
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
          : this.calm(),
      );
    }
    for (const clock of this.attentionHost.querySelectorAll<HTMLElement>("[data-clock]")) {
      const at_ms = Number(clock.dataset["clock"]);
      const away = formatCountdown(at_ms - now_ms);
      clock.textContent = at_ms > now_ms ? `−${away}` : `+${away}`;
      clock.classList.toggle("soon", at_ms - now_ms < 600_000);
    }
  }

  /** Nothing needs the viewer: says what was found and settled, and leads there. */
  private calm(): HTMLElement {
    const { context } = this;
    if (!context.known.isLoaded) return h("p", { class: "calm" }, context.say("loading"));
    const counts = context.shown.pairCounts();
    const n = counts.open + counts.settled + counts.past;
    const parts = [
      counts.open ? context.say("list.open_count", { n: counts.open }) : "",
      counts.settled ? context.say("list.settled_count", { n: counts.settled }) : "",
      counts.past ? context.say("list.past_count", { n: counts.past }) : "",
    ].filter(Boolean);
    return h(
      "div",
      { class: "calm" },
      h("p", {}, context.say("list.calm")),
      n > 0
        ? h(
            "p",
            {},
            `${[context.say("list.conflict_count", { n }), ...parts].join(" · ")}. `,
            h(
              "button",
              { type: "button", class: "link", on: { click: () => this.showConflicts() } },
              context.say("list.show_conflicts"),
            ),
          )
        : null,
      context.may("plans.write") ? null : h("p", {}, context.say("list.look_on")),
    );
  }

  private showConflicts(): void {
    this.context.view.set({ ...USUAL, list: "conflicts" });
    this.conflicts.element.focus();
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
    const name = planName({ title: item.title, plan_id: item.planId ?? "", party_id: item.partyId }, context.known);
    const other = item.otherId
      ? [" ", h("span", { class: "with" }, context.say("with"), " "), this.party(item.otherId)]
      : [];
    return h(
      "button",
      {
        type: "button",
        class: `need ${item.kind}`,
        "aria-pressed": String(isSelected),
        on: { click: () => open(context, item.selection) },
      },
      h("span", { class: "kind" }, context.say(`attention.${item.kind}`)),
      h("span", { class: "clock num", dir: "ltr", "data-clock": item.clock_ms }),
      h("span", { class: "who" }, this.party(item.partyId), name ? [" ", foreign(name, "title")] : null, other),
    );
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
        foreign(planName(plan, context.known)),
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
