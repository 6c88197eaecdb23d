/** Which plans and conflicts are shown: by text, party, only mine; plans by state, conflicts by what settled them. */

import { type ListName, SETTLED, SORTS, STATES, type View, WHEN } from "../plans/view";
import type { Context } from "../shell/context";
import { type Child, fill, foreign, h } from "../shell/dom";
import { STATE_STYLE } from "../map/palette";
import { USUAL } from "./empty";

export interface Mounted {
  readonly element: HTMLElement;
  readonly unmount: () => void;
  readonly update: () => void;
}

/** @param list which list they narrow at the moment */
export function mountFilters(context: Context, list: () => ListName): Mounted {
  const text = h("input", {
    type: "search",
    id: "filter-text",
    "aria-label": context.say("filter.text"),
    placeholder: context.say("filter.text"),
    value: context.view.get().text,
    on: { input: () => context.view.set({ text: text.value.slice(0, 200) }) },
  });
  const choices = h("div", { class: "chips" });
  const parties = h("div", { class: "chips", role: "group", "aria-label": context.say("filter.parties"), title: context.say("filter.parties") });
  const reset = h(
    "button",
    { type: "button", class: "link", on: { click: () => context.view.set(USUAL) } },
    context.say("filter.reset"),
  );
  const body = h("div", { class: "filter-body" }, choices, parties, reset);
  const details = h("details", { class: "filters" }, h("summary", {}, context.say("filter")), body);

  function render(): void {
    const view = context.view.get();
    if (document.activeElement !== text) text.value = view.text;
    const focused = document.activeElement?.id;
    fill(
      choices,
      toggle("mine", context.say("filter.mine"), view.onlyMine, { onlyMine: !view.onlyMine }),
      list() === "plans" ? planChips(view) : pairChips(view),
    );
    fill(
      parties,
      partyIds().map((id) => partyChip(id, view.parties)),
    );
    details.open = details.open || !isUsual();
    reset.hidden = isUsual();
    // The chips are made anew; the keyboard stays where it was.
    if (focused?.startsWith("filter-")) document.getElementById(focused)?.focus();
  }

  function toggle(name: string, label: string, isOn: boolean, patch: Partial<View>): HTMLElement {
    return chip(`filter-${name}`, [label], isOn, () => context.view.set(patch));
  }

  function planChips(view: View): HTMLElement[] {
    return [
      toggle("conflict", context.say("filter.conflict"), view.onlyConflict, { onlyConflict: !view.onlyConflict }),
      ...STATES.map((state) =>
        toggle(
          state,
          `${STATE_STYLE[state].mark} ${context.say(`state.${state}`)}`,
          view.states.includes(state),
          { states: STATES.filter((one) => (one === state ? !view.states.includes(one) : view.states.includes(one))) },
        ),
      ),
    ];
  }

  function pairChips(view: View): HTMLElement[] {
    return [
      pick("settled", SETTLED, view.settled, (one) => context.say(`filter.settled.${one}`)),
      pick("when", WHEN, view.when, (one) => context.say(`filter.when.${one}`)),
      pick("sort", SORTS, view.sort, (one) => context.say(`filter.sort.${one}`)),
    ];
  }

  function pick<N extends "settled" | "when" | "sort">(
    name: N,
    values: readonly View[N][],
    now: View[N],
    label: (value: View[N]) => string,
  ): HTMLElement {
    const select = h(
      "select",
      {
        id: `filter-${name}`,
        "aria-label": context.say(`filter.${name}`),
        on: { change: () => context.view.set({ [name]: select.value } as Partial<View>) },
      },
      values.map((value) => h("option", { value, selected: value === now }, label(value))),
    );
    return select;
  }

  function partyIds(): string[] {
    const ids = new Set<string>();
    for (const plan of context.known.plans.values()) ids.add(plan.party_id);
    for (const { asked, held } of context.shown.allPairs()) ids.add(asked.partyId).add(held.partyId);
    return [...ids].sort();
  }

  function partyChip(id: string, chosen: readonly string[]): HTMLElement {
    const dot = h("i", { class: "dot", "aria-hidden": "true" });
    dot.style.background = context.partyColor(id);
    return chip(`filter-party-${id}`, [dot, foreign(context.known.partyName(id))], chosen.includes(id), () => {
      const now = context.view.get().parties;
      context.view.set({ parties: now.includes(id) ? now.filter((one) => one !== id) : [...now, id] });
    });
  }

  function isUsual(): boolean {
    const view = context.view.get();
    return Object.entries(USUAL).every(([name, value]) => String(view[name as keyof View]) === String(value));
  }

  render();
  let shownFor = "";
  const rerender = (): void => {
    const { instant_ms: _instant, selection: _selection, ...filters } = context.view.get();
    const key = JSON.stringify(filters) + list() + partyIds().join();
    if (key === shownFor) return;
    shownFor = key;
    render();
  };
  const undo = [
    context.view.subscribe((view, before) => {
      if (view.instant_ms === before.instant_ms) rerender();
    }),
    context.known.subscribe(rerender),
  ];
  return {
    element: h("div", { class: "filter-box" }, text, details),
    update: rerender,
    unmount: () => {
      for (const one of undo) one();
    },
  };
}

function chip(id: string, children: Child[], isOn: boolean, change: () => void): HTMLElement {
  const press = { type: "button", class: "chip", id, "aria-pressed": String(isOn), on: { click: change } };
  return h("button", press, children);
}
