/** What a plan is called where there is room for one line. */

import type { PlanView } from "../api/wire";

/** The title, or the beginning of the id where there is none (or none that the viewer may see). */
export function planName(plan: Pick<PlanView, "title" | "plan_id">): string {
  return plan.title?.trim() || shortId(plan.plan_id);
}

export function shortId(id: string): string {
  return id.length > 8 ? id.slice(0, 8) : id;
}
