/** How many plans are there, and how many were refused, per slice of a window of time. Pure. */

import type { PlanView, Refusal } from "../api/wire";

export interface Density {
  /** Plans of the viewer's party and of others that are there in each slice. */
  readonly mine: Int32Array;
  readonly others: Int32Array;
  /** Conflicts of refusals that are open, and of those that are settled. */
  readonly open: Int32Array;
  readonly settled: Int32Array;
  readonly most: number;
}

export function densityOf(
  plans: Iterable<PlanView>,
  refusals: Iterable<Refusal>,
  from_ms: number,
  to_ms: number,
  slices: number,
): Density {
  const mine = new Int32Array(slices + 1);
  const others = new Int32Array(slices + 1);
  const open = new Int32Array(slices);
  const settled = new Int32Array(slices);
  const width_ms = (to_ms - from_ms) / slices;
  for (const plan of plans) {
    const first = Math.floor((Date.parse(plan.start) - from_ms) / width_ms);
    const last = Math.ceil((Date.parse(plan.end) - from_ms) / width_ms);
    if (last <= 0 || first >= slices) continue;
    const row = plan.is_mine ? mine : others;
    const begin = Math.max(0, first);
    row[begin] = (row[begin] ?? 0) + 1;
    if (last < slices) row[last] = (row[last] ?? 0) - 1;
  }
  for (const refusal of refusals) {
    const start = refusal.conflicts[0]?.start ?? refusal.at;
    const slice = Math.floor((Date.parse(start) - from_ms) / width_ms);
    const row = refusal.settlement.is_settled ? settled : open;
    if (slice >= 0 && slice < slices) row[slice] = (row[slice] ?? 0) + 1;
  }
  let most = 1;
  for (let k = 0; k < slices; k += 1) {
    if (k > 0) {
      mine[k] = (mine[k] ?? 0) + (mine[k - 1] ?? 0);
      others[k] = (others[k] ?? 0) + (others[k - 1] ?? 0);
    }
    most = Math.max(most, (mine[k] ?? 0) + (others[k] ?? 0));
  }
  return { mine: mine.subarray(0, slices), others: others.subarray(0, slices), open, settled, most };
}

const STEPS_MS = [
  60_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000,
  172_800_000, 604_800_000,
];

/** The step between marks of a time axis so that there are at most `most`. */
export function axisStep(span_ms: number, most: number): number {
  return STEPS_MS.find((step) => span_ms / step <= most) ?? (STEPS_MS.at(-1) as number);
}
