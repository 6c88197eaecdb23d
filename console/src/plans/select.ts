/** Pure selections over what is known: what the filters let through, what is there at an instant. */

import type { Conflict, PlanView, Refusal } from "../api/wire";
import { type Names, planName } from "./naming";
import type { View } from "./view";

export type Filters = Pick<View, "parties" | "states" | "text" | "onlyMine" | "onlyConflict">;

/** What a filter by text compares: case and accents do not matter. */
export function foldText(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase();
}

/** Ids of plans that stand in a conflict or are named in a refusal that nothing has settled. */
export function plansInConflict(
  standing: ReadonlyMap<string, readonly Conflict[]>,
  refusals: Iterable<Refusal>,
): Set<string> {
  const ids = new Set<string>();
  for (const [planId, conflicts] of standing) {
    if (conflicts.length === 0) continue;
    ids.add(planId);
    for (const conflict of conflicts) if (conflict.plan_id) ids.add(conflict.plan_id);
  }
  for (const refusal of refusals) {
    if (refusal.settlement.is_settled) continue;
    if (refusal.plan_id) ids.add(refusal.plan_id);
    for (const conflict of refusal.conflicts) if (conflict.plan_id) ids.add(conflict.plan_id);
  }
  return ids;
}

export function passes(plan: PlanView, filters: Filters, inConflict: ReadonlySet<string>, names: Names): boolean {
  if (filters.onlyMine && !plan.is_mine) return false;
  if (filters.parties.length && !filters.parties.includes(plan.party_id)) return false;
  if (!filters.states.includes(plan.state)) return false;
  if (filters.onlyConflict && !inConflict.has(plan.plan_id)) return false;
  if (filters.text === "") return true;
  const wanted = foldText(filters.text);
  const text = `${planName(plan, names)}\n${plan.plan_id}\n${plan.party_id}\n${names.partyName(plan.party_id)}`;
  return foldText(text).includes(wanted);
}

/** Plans that the filters let through, by start and id. */
export function filterPlans(
  plans: Iterable<PlanView>,
  filters: Filters,
  inConflict: ReadonlySet<string>,
  names: Names,
): PlanView[] {
  const found: PlanView[] = [];
  for (const plan of plans) if (passes(plan, filters, inConflict, names)) found.push(plan);
  return found.sort(byStart);
}

export function byStart(a: PlanView, b: PlanView): number {
  return Date.parse(a.start) - Date.parse(b.start) || (a.plan_id < b.plan_id ? -1 : 1);
}

/** Whether something from `start` to `end` is there at an instant; the end is exclusive. */
export function isAt(span: { readonly start: string; readonly end: string }, instant_ms: number): boolean {
  return Date.parse(span.start) <= instant_ms && instant_ms < Date.parse(span.end);
}

/**
 * The instant that a page opens at: now, or the first start ahead when nothing is in force now, so that whoever opens
 * the page the evening before does not look at an empty map.
 *
 * @returns null for now
 */
export function firstInstant(plans: Iterable<PlanView>, now_ms: number): number | null {
  let first = Infinity;
  for (const plan of plans) {
    if (plan.state === "ended") continue;
    if (isAt(plan, now_ms)) return null;
    const start_ms = Date.parse(plan.start);
    if (start_ms > now_ms) first = Math.min(first, start_ms);
  }
  return Number.isFinite(first) ? first : null;
}

/** The window that holds all of the plans, or null without plans. */
export function spanOf(plans: Iterable<PlanView>): readonly [number, number] | null {
  let from = Infinity;
  let to = -Infinity;
  for (const plan of plans) {
    from = Math.min(from, Date.parse(plan.start));
    to = Math.max(to, Date.parse(plan.end));
  }
  return from < to ? [from, to] : null;
}
