/** What a list says when there is nothing in it: what is so, and what may be done about it. */

import { DEFAULT_VIEW, STATES, type View } from "../plans/view";
import type { Context } from "../shell/context";
import { type Child, h } from "../shell/dom";

export type Emptiness = "none" | "all_ended" | "filtered";

/** Filters that are as usual, to go back to. */
export const USUAL: Partial<View> = (({ text, onlyMine, onlyConflict, parties, states, settled, when }) => ({
  text,
  onlyMine,
  onlyConflict,
  parties,
  states,
  settled,
  when,
}))(DEFAULT_VIEW);

/** Why a list of plans is empty. */
export function whyEmpty(plans: Iterable<{ readonly state: string }>, view: View): Emptiness {
  let isAny = false;
  let isAllEnded = true;
  for (const plan of plans) {
    isAny = true;
    isAllEnded &&= plan.state === "ended";
  }
  if (!isAny) return "none";
  const isNarrow = view.text !== "" || view.onlyMine || view.onlyConflict || view.parties.length > 0;
  return isAllEnded && !isNarrow ? "all_ended" : "filtered";
}

export function emptyPlans(context: Context): Child {
  const { known, view } = context;
  const why = whyEmpty(known.plans.values(), view.get());
  if (why === "all_ended") {
    return [
      context.say("list.all_ended", { n: known.plans.size }),
      press(context.say("list.show_ended"), () => view.set({ states: STATES })),
    ];
  }
  if (why === "filtered") return [context.say("list.filtered_out"), resetFilters(context)];
  return [
    context.say("list.empty"),
    context.may("plans.write")
      ? press(context.say("screen.declare"), () => context.openDeclare(null))
      : h("p", {}, context.say("list.look_on")),
  ];
}

export function emptyConflicts(context: Context): Child {
  if (context.shown.allPairs().length === 0) return context.say("list.no_conflicts");
  return [context.say("list.conflicts_filtered_out"), resetFilters(context)];
}

function resetFilters(context: Context): HTMLElement {
  return press(context.say("filter.reset"), () => context.view.set(USUAL));
}

function press(text: string, click: () => void): HTMLElement {
  return h("button", { type: "button", on: { click } }, text);
}
