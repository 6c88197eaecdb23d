/** Opens something: selects it, goes to its place and, for a conflict, to the instant at which it begins. */

import type { Conflict } from "../api/wire";
import { heightOf, pointsOf as allPoints } from "../map/camera";
import { type Pair, type Side, sideName } from "../plans/pairs";
import type { Selection } from "../plans/view";
import type { Context } from "../shell/context";
import { pointsOf } from "./parts";

/** @param conflict which one, where the selection has several; absent: the first */
export function open(context: Context, selection: Selection, conflict = firstConflict(context, selection)): void {
  context.select(selection);
  if (conflict) return goTo(context, selection, conflict);
  const plan = selection.kind === "plan" ? context.known.plans.get(selection.planId) : undefined;
  if (plan?.volumes?.length) context.map.fit(allPoints([plan]), heightOf([plan]));
}

/** What both plans hold meanwhile is in view, and else the shared piece. */
function goTo(context: Context, selection: Selection, conflict: Conflict): void {
  const { plans, refusals } = context.known;
  const refusal = selection.kind === "refusal" ? refusals.get(selection.refusalId) : undefined;
  const askedId = selection.kind === "conflict" ? selection.planId : refusal?.plan_id;
  const volumes = [
    ...(refusal?.volumes ?? []),
    ...[askedId, conflict.plan_id].flatMap((id) => (id && plans.get(id)?.volumes) || []),
  ].filter((one) => Date.parse(one.start) < Date.parse(conflict.end) && Date.parse(conflict.start) < Date.parse(one.end));
  const points = [...conflict.outline.flat(), ...volumes.flatMap(pointsOf)];
  context.view.set({ instant_ms: Date.parse(conflict.start) });
  context.map.fit(points.length ? points : [conflict.place], conflict.upper_m);
}

export function firstConflict({ known }: Context, selection: Selection): Conflict | undefined {
  if (selection.kind === "refusal") return known.refusals.get(selection.refusalId)?.conflicts[selection.place];
  return selection.kind === "conflict" ? known.standing.get(selection.planId)?.[selection.place] : undefined;
}

/** What a side is called; one that its party does not show has no name. */
export function sideText(context: Context, side: Side): string {
  return side.title || side.planId ? sideName(side, context.known) : context.say("pair.hidden");
}

/** Which two, whose, where, when, how deep: in a sentence. */
export function pairSentence(context: Context, pair: Pair): string {
  const { units, known } = context;
  const { conflict, asked, held } = pair;
  return context.say("pair.sentence", {
    a: sideText(context, asked),
    a_party: known.partyName(asked.partyId),
    b: sideText(context, held),
    b_party: known.partyName(held.partyId),
    from: units.dateTime(pair.start_ms),
    to: units.time(Date.parse(conflict.end)),
    heights: units.band(conflict.lower_m, conflict.upper_m, conflict.datum),
    where: units.position(conflict.place),
    ground: units.distance(conflict.horizontal_depth_m),
    height: units.heightDifference(conflict.vertical_depth_m),
    time: units.seconds(conflict.time_depth_s),
  });
}
