/** What a plan is called where there is room for one line. */

import type { PlanView } from "../api/wire";

/** Where parties' names are known. */
export interface Names {
  partyName(partyId: string): string;
}

/** The title; where there is none, or none that the viewer may see, the party's name and the beginning of the id. */
export function planName(plan: Pick<PlanView, "title" | "plan_id" | "party_id">, names: Names): string {
  return plan.title?.trim() || `${names.partyName(plan.party_id)} ${shortId(plan.plan_id)}`.trim();
}

/** The first eight signs of an id in two groups, as they are read out: `2b88 9a90`. */
export function shortId(id: string): string {
  return `${id.slice(0, 4)} ${id.slice(4, 8)}`.trim();
}
