/** One refusal: who was refused, what was in the way, what settled it or what may be done. */

import type { Refusal } from "../api/wire";
import { movedBody } from "../plans/body";
import { planName } from "../plans/naming";
import type { Pair } from "../plans/pairs";
import type { Selection } from "../plans/view";
import type { Context } from "../shell/context";
import type { Key } from "../words/words";
import { foreign, h, ltr } from "../shell/dom";
import { pairSentence } from "./open";
import { button, conflictFacts, facts, partyMark, planLink, showAt, volumeTable } from "./parts";
import { printConflict } from "./print";
import { settlementText } from "./settlement";
import { askWays } from "./ways";

type Chosen = Extract<Selection, { kind: "refusal" }>;

/** What is looked at comes first: a refusal may have several conflicts. */
export function refusalDetail(context: Context, { refusalId, place }: Chosen): HTMLElement {
  const refusal = context.known.refusals.get(refusalId);
  if (!refusal) return h("p", { class: "calm" }, context.say(context.known.isLoaded ? "refusal.gone" : "loading"));
  const isMine = refusal.is_mine;
  const pairs = context.shown
    .allPairs()
    .filter(({ selection }) => selection.kind === "refusal" && selection.refusalId === refusalId);
  const chosenFirst = <T>(all: readonly T[]): readonly T[] => [...all.slice(place, place + 1), ...all.toSpliced(place, 1)];
  const isOpen = !refusal.settlement.is_settled;
  return h(
    "article",
    {},
    h("h2", { tabindex: "-1" }, context.say(titleOf(refusal, pairs))),
    chosenFirst(pairs).map((pair) => h("p", {}, pairSentence(context, pair))),
    h("p", { class: `state ${isOpen ? "open" : "settled"}` }, settlementText(context, refusal.settlement)),
    refusalFacts(context, refusal),
    isMine && isOpen ? doSomething(context, refusal) : null,
    h("h3", {}, context.say("refusal.conflicts", { n: refusal.conflicts.length })),
    chosenFirst(refusal.conflicts).map((conflict) =>
      h(
        "section",
        { class: "conflict" },
        conflictFacts(context, conflict),
        h(
          "div",
          { class: "actions" },
          button(context, "conflict.show", () =>
            showAt(context, conflict.start, conflict.outline.flat(), conflict.upper_m),
          ),
          button(context, "print", () => printConflict(context, conflict, { refusal })),
        ),
      ),
    ),
    refusal.is_complete === false ? h("p", { class: "bad" }, context.say("refusal.incomplete")) : null,
    refusal.volumes
      ? h(
          "details",
          {},
          h("summary", {}, context.say("refusal.volumes", { n: refusal.volumes.length })),
          volumeTable(context, refusal.volumes),
        )
      : h("p", { class: "calm" }, context.say("refusal.shared_only")),
  );
}

function titleOf(refusal: Refusal, pairs: readonly Pair[]): Key {
  if (refusal.is_mine) return "refusal.title";
  return pairs.some((pair) => pair.isMine) ? "refusal.title_other" : "conflict.title";
}

function refusalFacts(context: Context, refusal: Refusal): HTMLElement {
  return facts([
    [context.say("refusal.by"), partyMark(context, refusal.party_id)],
    refusal.title ? [context.say("title"), foreign(refusal.title)] : null,
    refusal.plan_id
      ? [
          context.say("plan"),
          context.known.plans.has(refusal.plan_id)
            ? planLink(context, refusal.plan_id, refusal.party_id)
            : foreign(planName({ title: refusal.title, plan_id: refusal.plan_id, party_id: refusal.party_id }, context.known)),
        ]
      : null,
    refusal.act ? [context.say("refusal.act"), context.say(`refused.${refusal.act}`)] : null,
    [context.say("refusal.at"), ltr(context.units.dateTime(Date.parse(refusal.at)))],
    (refusal.attempts ?? 1) > 1
      ? [
          context.say("refusal.attempts"),
          ltr(`${refusal.attempts} · ${context.units.dateTime(Date.parse(refusal.last_at))}`),
        ]
      : null,
  ]);
}

/** An own refusal that is open: ways out, asked for anew, and declared with one press. */
function doSomething(context: Context, refusal: Refusal): HTMLElement | null {
  const { plan_id, volumes } = refusal;
  if (!volumes || !plan_id || !context.may("plans.write")) return null;
  const standing = context.known.plans.get(plan_id);
  const own = standing?.own_plans ? { own_plans: standing.own_plans } : {};
  return h(
    "section",
    {},
    h("h3", {}, context.say("refusal.what_now")),
    askWays(
      context,
      async () => {
        const ways_out = { time_s: 7200, height_m: 600, sideways_m: 10_000 };
        const body = { volumes, priority: standing?.priority ?? 0, ...own, ignore_plan_id: plan_id, ways_out };
        const found = await context.api.check(body);
        return found.conflicts.length === 0 ? null : found.ways_out;
      },
      async (way) => {
        const body = standing
          ? movedBody({ ...standing, title: refusal.title ?? standing.title }, way.volumes)
          : { volumes: way.volumes, title: refusal.title ?? "" };
        const plan = await context.api.declare(plan_id, body, standing?.version ?? null);
        context.known.takePlan(plan);
        context.notices.show("good", context.say("plan.moved"));
        context.select({ kind: "plan", planId: plan.plan_id });
      },
    ),
  );
}
