/** All refusals that the viewer may know of, a page at a time; what changes of them comes with the stream. */

import { type Api, pagesOf } from "../api/client";
import { Problem } from "../api/problem";
import type { Known } from "../plans/known";

const PAGE = 200;

/** Reads refusals into `known` and forgets those that are no longer there. */
export async function readRefusals(api: Api, known: Known): Promise<void> {
  const seen = new Set<string>();
  try {
    for await (const page of pagesOf((after) => api.queryRefusals({ limit: PAGE, ...after }))) {
      for (const refusal of page.refusals) {
        seen.add(refusal.refusal_id);
        known.takeRefusal(refusal);
      }
    }
  } catch (error) {
    // An exchange that does not remember refusals still has plans to show.
    if (!(error instanceof Problem) || error.status !== 404) throw error;
  }
  known.keepOnlyRefusals(seen);
}
