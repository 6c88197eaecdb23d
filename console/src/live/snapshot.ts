/** Everything that this viewer may see now, a page at a time. */

import { type Api, pagesOf } from "../api/client";
import type { Known } from "../plans/known";
import { readRefusals } from "./refusals";

const PAGE = 1_000;
/** Plans that ended longer ago than this are not asked for. */
const BACK_MS = 24 * 3_600_000;
const STATES = ["accepted", "activated", "nonconforming", "contingent", "ended"];

/** Reads plans and refusals into `known`; a plan in the stream's news that is newer wins by its version. */
export async function readSnapshot(api: Api, known: Known, now_ms: number): Promise<void> {
  const start = new Date(now_ms - BACK_MS).toISOString();
  const seen = new Set<string>();
  known.takeParties(await api.parties());
  for await (const page of pagesOf((after) => api.queryPlans({ start, states: STATES, limit: PAGE, ...after }))) {
    for (const plan of page.plans) {
      seen.add(plan.plan_id);
      known.takePlan(plan);
    }
    known.loaded = seen.size;
    known.touch();
  }
  known.keepOnly(seen);
  await readRefusals(api, known);
  known.isLoaded = true;
  known.touch();
}
