/** Conflicts as pairs of plans: who wanted what somebody else had, where and when, and whether it is settled. Pure. */

import type { Conflict, PlanView, Refusal, Settlement } from "../api/wire";
import { planName, type Names } from "./naming";
import { foldText, isAt } from "./select";
import type { Selection, View } from "./view";

/** One of the two plans of a pair, as far as the viewer may know it. */
export interface Side {
  readonly partyId: string;
  readonly planId: string | null;
  readonly title: string | null;
}

export interface Pair {
  readonly id: string;
  readonly selection: Selection;
  /** Whose plan was refused, or, where both stand, the viewer's own. */
  readonly asked: Side;
  /** What was in its way. */
  readonly held: Side;
  readonly conflict: Conflict;
  readonly start_ms: number;
  /** Null: both plans stand, and nothing has settled it. */
  readonly settlement: Settlement | null;
  readonly isMine: boolean;
}

/** `past`: nothing settled it, and its time is over. */
export type PairState = "open" | "settled" | "past";
export type PairFilters = Pick<View, "parties" | "text" | "onlyMine" | "settled" | "when" | "sort">;

interface Facts {
  readonly plans: ReadonlyMap<string, PlanView>;
  readonly refusals: Iterable<Refusal>;
  readonly standing: ReadonlyMap<string, readonly Conflict[]>;
}

/** Every pair that is known: one for each plan in the way of a refused one, one for each two that stand. */
export function pairsOf({ plans, refusals, standing }: Facts): Pair[] {
  const pairs: Pair[] = [];
  for (const refusal of refusals) {
    const { refusal_id: refusalId, party_id: partyId, plan_id: planId } = refusal;
    const title = refusal.title ?? titleOf(plans, planId);
    refusal.conflicts.forEach((conflict, place) => {
      pairs.push({
        id: `r-${refusalId}-${place}`,
        selection: { kind: "refusal", refusalId, place },
        asked: { partyId, planId, title },
        held: heldBy(conflict, plans),
        conflict,
        start_ms: Date.parse(conflict.start),
        settlement: refusal.settlement,
        isMine: refusal.is_mine || isOwn(plans, conflict.plan_id),
      });
    });
  }
  return [...pairs, ...standingPairs(plans, standing)];
}

function standingPairs(
  plans: ReadonlyMap<string, PlanView>,
  standing: ReadonlyMap<string, readonly Conflict[]>,
): Pair[] {
  const pairs: Pair[] = [];
  const seen = new Set<string>();
  for (const [planId, conflicts] of standing) {
    const plan = plans.get(planId);
    if (!plan || plan.state === "ended") continue;
    conflicts.forEach((conflict, place) => {
      // Two plans of one's own are asked about one by one: they are one pair all the same.
      const key = [planId, conflict.plan_id ?? "", conflict.start].sort().join();
      if (seen.has(key)) return;
      if (conflict.plan_id) seen.add(key);
      pairs.push({
        id: `s-${planId}-${place}`,
        selection: { kind: "conflict", planId, place },
        asked: { partyId: plan.party_id, planId, title: plan.title },
        held: heldBy(conflict, plans),
        conflict,
        start_ms: Date.parse(conflict.start),
        settlement: null,
        isMine: true,
      });
    });
  }
  return pairs;
}

function heldBy(conflict: Conflict, plans: ReadonlyMap<string, PlanView>): Side {
  return { partyId: conflict.party_id, planId: conflict.plan_id, title: titleOf(plans, conflict.plan_id) };
}

function titleOf(plans: ReadonlyMap<string, PlanView>, planId: string | null): string | null {
  return (planId && plans.get(planId)?.title) || null;
}

function isOwn(plans: ReadonlyMap<string, PlanView>, planId: string | null): boolean {
  return planId !== null && plans.get(planId)?.is_mine === true;
}

/** What a side is called in a sentence. */
export function sideName(side: Side, names: Names): string {
  return planName({ title: side.title, plan_id: side.planId ?? "", party_id: side.partyId }, names);
}

export function stateOf(pair: Pair, now_ms: number): PairState {
  if (pair.settlement?.is_settled) return "settled";
  return Date.parse(pair.conflict.end) <= now_ms ? "past" : "open";
}

/** How many there are of each, for a line that says what became of the day. */
export function countStates(pairs: Iterable<Pair>, now_ms: number): Readonly<Record<PairState, number>> {
  const counts = { open: 0, settled: 0, past: 0 };
  for (const pair of pairs) counts[stateOf(pair, now_ms)] += 1;
  return counts;
}

/**
 * Pairs that the filters let through, open ones first.
 *
 * @param instant_ms the instant that is shown; "now" and "ahead" are meant from there
 */
export function filterPairs(
  pairs: readonly Pair[],
  filters: PairFilters,
  names: Names,
  now_ms: number,
  instant_ms: number,
): Pair[] {
  const wanted = foldText(filters.text);
  const found = pairs.filter(
    (pair) =>
      (!filters.onlyMine || pair.isMine) &&
      isOfParties(pair, filters.parties) &&
      (filters.settled === "all" || stateOf(pair, now_ms) === filters.settled) &&
      isWhen(pair, filters.when, instant_ms) &&
      (wanted === "" || foldText(textOf(pair, names)).includes(wanted)),
  );
  const isOpen = (pair: Pair): number => (stateOf(pair, now_ms) === "open" ? 0 : 1);
  const deep = filters.sort === "depth";
  return found.sort(
    (a, b) =>
      isOpen(a) - isOpen(b) ||
      (deep ? b.conflict.horizontal_depth_m - a.conflict.horizontal_depth_m : 0) ||
      a.start_ms - b.start_ms ||
      (a.id < b.id ? -1 : 1),
  );
}

/** One party: it is on either side. Two: one on each side. More: both sides are among them. */
function isOfParties({ asked, held }: Pair, parties: readonly string[]): boolean {
  const one = parties.includes(asked.partyId);
  const other = parties.includes(held.partyId);
  if (parties.length < 2) return parties.length === 0 || one || other;
  return one && other && (parties.length > 2 || asked.partyId !== held.partyId);
}

function isWhen({ conflict }: Pair, when: View["when"], instant_ms: number): boolean {
  if (when === "all") return true;
  return when === "now" ? isAt(conflict, instant_ms) : Date.parse(conflict.end) > instant_ms;
}

function textOf(pair: Pair, names: Names): string {
  const side = (one: Side): string =>
    `${sideName(one, names)}\n${one.planId ?? ""}\n${one.partyId}\n${names.partyName(one.partyId)}`;
  return `${side(pair.asked)}\n${side(pair.held)}`;
}
