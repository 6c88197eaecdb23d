/** A plan of one's own again, with other volumes and everything else as it stands. */

import type { PlanBody, PlanView, PlanVolume } from "../api/wire";

export function movedBody(plan: PlanView, volumes: readonly PlanVolume[]): PlanBody {
  return {
    volumes,
    title: plan.title ?? "",
    remarks: plan.remarks ?? "",
    priority: plan.priority,
    sharing: plan.sharing,
    ...(plan.own_plans && { own_plans: plan.own_plans }),
  };
}
