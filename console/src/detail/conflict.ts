/** One conflict between plans that both stand. */

import type { Context } from "../shell/context";
import { h } from "../shell/dom";
import { button, conflictFacts, facts, partyMark, planLink, showAt } from "./parts";
import { waysFor } from "./plan";
import { printConflict } from "./print";

export function conflictDetail(context: Context, planId: string, place: number): HTMLElement {
  const plan = context.known.plans.get(planId);
  const conflict = context.known.standing.get(planId)?.[place];
  if (!plan || !conflict)
    return h("p", { class: "calm" }, context.say(context.known.isLoaded ? "conflict.gone" : "loading"));
  const mayMove = plan.is_mine && context.may("plans.write") && plan.state !== "contingent" && plan.state !== "ended";
  return h(
    "article",
    {},
    h("h2", { tabindex: "-1" }, context.say("conflict.title")),
    h("p", { class: "state open" }, context.say("conflict.standing")),
    facts([
      [context.say("plan.mine"), planLink(context, planId, plan.party_id)],
      [context.say("party"), partyMark(context, plan.party_id)],
    ]),
    conflictFacts(context, conflict),
    h(
      "div",
      { class: "actions" },
      button(context, "conflict.show", () =>
        showAt(context, conflict.start, conflict.outline.flat(), conflict.upper_m),
      ),
      button(context, "print", () => printConflict(context, conflict, { plan })),
    ),
    mayMove ? h("section", {}, h("h3", {}, context.say("refusal.what_now")), waysFor(context, plan)) : null,
  );
}
