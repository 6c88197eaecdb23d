/** Drafts that outlive the screen, a change of language and a reload: in this tab, for this account, until declared. */

import type { PlanView } from "../api/wire";
import { type DraftState, draftOf, newDraft } from "./draft";
import { differences } from "./merge";

export interface Kept {
  readonly planId: string;
  /** The version that is being changed; null: a plan that is new. */
  readonly base: PlanView | null;
  readonly draft: DraftState;
}

const PREFIX = "detente.console.draft.1";

function keyOf(accountId: string, planId: string | null): string {
  return `${PREFIX}.${accountId}.${planId ?? "new"}`;
}

export function keep(accountId: string, { planId, base, draft }: Kept): void {
  try {
    const key = keyOf(accountId, base && planId);
    sessionStorage.setItem(key, JSON.stringify({ planId, base, draft }));
    sessionStorage.setItem(`${PREFIX}.${accountId}`, key);
  } catch {
    // A browser that keeps nothing, or is full: the draft is still on the screen.
  }
}

/** @param planId the plan to change, "new" for a plan that is new, null for whatever was last at hand */
export function recall(accountId: string, planId: string | null): Kept | null {
  try {
    const key =
      planId === null
        ? (sessionStorage.getItem(`${PREFIX}.${accountId}`) ?? "")
        : keyOf(accountId, planId === "new" ? null : planId);
    const kept = JSON.parse(sessionStorage.getItem(key) ?? "null") as Kept | null;
    return kept && Array.isArray(kept.draft.volumes) && kept.draft.volumes.length > 0 ? kept : null;
  } catch {
    return null;
  }
}

/** Whether somebody would miss it: an untouched form and an untouched plan are made anew instead. */
function isTyped({ base, draft }: Kept): boolean {
  if (base) return differences(draftOf(base), draft).length > 0;
  return draft.title !== "" || draft.remarks !== "" || draft.volumes.some((one) => one.points.length > 0);
}

/**
 * Where the screen begins: with what was typed before, else with the plan as it stands, else with a new one.
 *
 * @param plan the plan to change, if it may be changed
 * @param freshId the id of a plan that is new
 */
export function beginning(
  kept: Kept | null,
  plan: PlanView | undefined,
  freshId: string,
  now_ms: number,
): Kept & { readonly isTyped: boolean } {
  if (kept && isTyped(kept)) return { ...kept, isTyped: true };
  if (plan) return { planId: plan.plan_id, base: plan, draft: draftOf(plan), isTyped: false };
  return { planId: freshId, base: null, draft: newDraft(now_ms), isTyped: false };
}

/** The draft was declared, or is of no use any more. */
export function forget(accountId: string, planId: string | null): void {
  try {
    sessionStorage.removeItem(keyOf(accountId, planId));
  } catch {
    // What was not kept need not be forgotten.
  }
}

/** Whoever signs in next in this tab finds nothing. */
export function forgetAll(): void {
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
  } catch {
    // As above.
  }
}
