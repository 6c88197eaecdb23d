/** What needs the viewer first: conflicts, refusals and states, each with the clock that makes it urgent. */

import type { Conflict, PlanView, Refusal } from "../api/wire";
import type { Selection } from "./view";

export type AttentionKind =
  "contingent" | "nonconforming" | "standing" | "refused" | "in_my_way" | "overdue" | "ending" | "others";

/** One thing to look at. The lower the rank, the sooner. */
export interface Attention {
  readonly kind: AttentionKind;
  readonly rank: number;
  readonly selection: Selection;
  readonly partyId: string;
  readonly otherId: string | null;
  readonly title: string | null;
  readonly planId: string | null;
  /** The instant that its clock counts to or from, in ms. */
  readonly clock_ms: number;
  readonly isMine: boolean;
}

const RANK: Readonly<Record<AttentionKind, number>> = {
  contingent: 0,
  nonconforming: 1,
  standing: 2,
  refused: 3,
  overdue: 4,
  in_my_way: 5,
  ending: 6,
  others: 7,
};

/** A plan that may end this soon is worth a line. */
const ENDING_MS = 5 * 60_000;

export interface Knowledge {
  readonly plans: Iterable<PlanView>;
  readonly planOf: (id: string) => PlanView | undefined;
  readonly refusals: Iterable<Refusal>;
  readonly standing: Iterable<readonly [string, readonly Conflict[]]>;
}

/** Everything that needs attention at `now_ms`, most urgent first. */
export function attention(knowledge: Knowledge, now_ms: number): Attention[] {
  const found: Attention[] = [];
  for (const plan of knowledge.plans) {
    const item = ofPlan(plan, now_ms);
    if (item) found.push(item);
  }
  for (const [planId, conflicts] of knowledge.standing) {
    const plan = knowledge.planOf(planId);
    if (!plan || plan.state === "ended") continue;
    conflicts.forEach((conflict, place) => {
      if (Date.parse(conflict.end) <= now_ms) return;
      found.push(
        make("standing", plan, { kind: "conflict", planId, place }, Date.parse(conflict.start), conflict.party_id),
      );
    });
  }
  for (const refusal of knowledge.refusals) {
    const item = ofRefusal(refusal, knowledge.planOf, now_ms);
    if (item) found.push(item);
  }
  return found.sort((a, b) => a.rank - b.rank || a.clock_ms - b.clock_ms || (key(a) < key(b) ? -1 : 1));
}

function ofPlan(plan: PlanView, now_ms: number): Attention | null {
  const selection: Selection = { kind: "plan", planId: plan.plan_id };
  if (plan.state === "contingent" || plan.state === "nonconforming") {
    return make(plan.state, plan, selection, Date.parse(plan.changed), null);
  }
  if (!plan.is_mine) return null;
  const start_ms = Date.parse(plan.start);
  const end_ms = Date.parse(plan.end);
  if (plan.state === "accepted" && start_ms <= now_ms && now_ms < end_ms) {
    return make("overdue", plan, selection, start_ms, null);
  }
  if (plan.state === "activated" && now_ms < end_ms && end_ms - now_ms < ENDING_MS) {
    return make("ending", plan, selection, end_ms, null);
  }
  return null;
}

function ofRefusal(refusal: Refusal, planOf: Knowledge["planOf"], now_ms: number): Attention | null {
  if (refusal.settlement.is_settled) return null;
  const starts = refusal.conflicts.map((conflict) => Date.parse(conflict.start));
  const ends = refusal.conflicts.map((conflict) => Date.parse(conflict.end));
  if (ends.length && Math.max(...ends) <= now_ms) return null;
  const isMine = refusal.is_mine;
  // Whoever sees everything, such as an observer, also sees what is between others.
  const inOurs = refusal.conflicts.find((one) => one.plan_id !== null && planOf(one.plan_id)?.is_mine);
  const kind: AttentionKind = isMine ? "refused" : inOurs ? "in_my_way" : "others";
  return {
    kind,
    rank: RANK[kind] * 2 + (isMine ? 0 : 1),
    selection: { kind: "refusal", refusalId: refusal.refusal_id, place: 0 },
    partyId: refusal.party_id,
    otherId: (inOurs ?? refusal.conflicts[0])?.party_id ?? null,
    title: refusal.title,
    planId: refusal.plan_id,
    clock_ms: starts.length ? Math.min(...starts) : Date.parse(refusal.at),
    isMine,
  };
}

function make(
  kind: AttentionKind,
  plan: PlanView,
  selection: Selection,
  clock_ms: number,
  otherId: string | null,
): Attention {
  return {
    kind,
    rank: RANK[kind] * 2 + (plan.is_mine ? 0 : 1),
    selection,
    partyId: plan.party_id,
    otherId,
    title: plan.title,
    planId: plan.plan_id,
    clock_ms,
    isMine: plan.is_mine,
  };
}

function key(item: Attention): string {
  return JSON.stringify(item.selection);
}
