/** Which plans are shown: by text, party, state, only mine, only in conflict. */

import type { PlanState } from "../api/wire";
import { DEFAULT_VIEW, STATES } from "../plans/view";
import type { Context } from "../shell/context";
import { fill, foreign, h } from "../shell/dom";
import { STATE_STYLE } from "../map/palette";

export interface Mounted {
  readonly element: HTMLElement;
  readonly unmount: () => void;
}

export function mountFilters(context: Context): Mounted {
  const text = h("input", {
    type: "search",
    id: "filter-text",
    "aria-label": context.say("filter.text"),
    placeholder: context.say("filter.text"),
    value: context.view.get().text,
    on: { input: () => context.view.set({ text: text.value.slice(0, 200) }) },
  });
  const choices = h("div", { class: "chips" });
  const parties = h("div", { class: "chips" });
  const reset = h(
    "button",
    { type: "button", class: "link", on: { click: () => context.view.set(usual()) } },
    context.say("filter.reset"),
  );
  const body = h("div", { class: "filter-body" }, choices, parties, reset);
  const details = h("details", { class: "filters" }, h("summary", {}, context.say("filter")), body);

  function render(): void {
    const view = context.view.get();
    if (document.activeElement !== text) text.value = view.text;
    const focused = [...body.querySelectorAll("button")].findIndex((button) => button === document.activeElement);
    const toggle = (label: string, isOn: boolean, change: () => void): HTMLElement => chip([label], isOn, change);
    fill(
      choices,
      toggle(context.say("filter.mine"), view.onlyMine, () =>
        context.view.set({ onlyMine: !context.view.get().onlyMine }),
      ),
      toggle(context.say("filter.conflict"), view.onlyConflict, () =>
        context.view.set({ onlyConflict: !context.view.get().onlyConflict }),
      ),
      STATES.map((state) =>
        toggle(`${STATE_STYLE[state].mark} ${context.say(`state.${state}`)}`, view.states.includes(state), () =>
          toggleState(state),
        ),
      ),
    );
    fill(
      parties,
      partyIds().map((id) => partyChip(id, view.parties)),
    );
    details.open = details.open || !isUsual();
    reset.hidden = isUsual();
    // The chips are made anew; the keyboard stays where it was.
    if (focused >= 0) body.querySelectorAll("button")[focused]?.focus();
  }

  function partyIds(): string[] {
    const ids = new Set<string>();
    for (const plan of context.known.plans.values()) ids.add(plan.party_id);
    return [...ids].sort();
  }

  function partyChip(id: string, chosen: readonly string[]): HTMLElement {
    const dot = h("i", { class: "dot", "aria-hidden": "true" });
    dot.style.background = context.partyColor(id);
    return chip([dot, foreign(context.known.partyName(id))], chosen.includes(id), () => {
      const now = context.view.get().parties;
      context.view.set({ parties: now.includes(id) ? now.filter((one) => one !== id) : [...now, id] });
    });
  }

  function toggleState(state: PlanState): void {
    const now = context.view.get().states;
    context.view.set({ states: STATES.filter((one) => (one === state ? !now.includes(one) : now.includes(one))) });
  }

  function isUsual(): boolean {
    const view = context.view.get();
    return (
      view.text === "" &&
      !view.onlyMine &&
      !view.onlyConflict &&
      view.parties.length === 0 &&
      view.states.join() === DEFAULT_VIEW.states.join()
    );
  }

  render();
  let shownFor = "";
  const rerender = (): void => {
    const { instant_ms: _instant, selection: _selection, ...filters } = context.view.get();
    const key = JSON.stringify(filters) + partyIds().join();
    if (key === shownFor) return;
    shownFor = key;
    render();
  };
  const undo = [context.view.subscribe(rerender), context.known.subscribe(rerender)];
  return {
    element: h("div", { class: "filter-box" }, text, details),
    unmount: () => {
      for (const one of undo) one();
    },
  };
}

function usual(): Partial<typeof DEFAULT_VIEW> {
  const { text, onlyMine, onlyConflict, parties, states } = DEFAULT_VIEW;
  return { text, onlyMine, onlyConflict, parties, states };
}

function chip(children: (string | HTMLElement)[], isOn: boolean, change: () => void): HTMLElement {
  return h("button", { type: "button", class: "chip", "aria-pressed": String(isOn), on: { click: change } }, children);
}
