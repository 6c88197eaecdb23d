/** Two people changed one plan: what the other changed, and one's own changes made again on top. Pure. */

import { type DraftState, shapeOf, type VolumeDraft } from "./draft";

const TEXTS = ["title", "remarks", "priority", "sharing", "own_plans"] as const;
export type TextField = (typeof TEXTS)[number];

/** One thing that is not as it was. */
export type Difference =
  | { readonly kind: "text"; readonly field: TextField }
  /** `place`: which volume; it may be missing on one side. */
  | { readonly kind: "volume"; readonly place: number };

export function differences(before: DraftState, after: DraftState): Difference[] {
  const found: Difference[] = [];
  for (const field of TEXTS) if (before[field] !== after[field]) found.push({ kind: "text", field });
  for (let place = 0; place < Math.max(before.volumes.length, after.volumes.length); place += 1)
    if (!isSame(before.volumes[place], after.volumes[place])) found.push({ kind: "volume", place });
  return found;
}

/**
 * What the other made of it, with one's own changes made again: where both changed the same, one's own counts.
 *
 * Volumes are matched by their place while there are as many of them on all sides; else one's own count all or none.
 */
export function redo(base: DraftState, mine: DraftState, theirs: DraftState): DraftState {
  const changed = differences(base, mine);
  const texts = Object.fromEntries(changed.flatMap((one) => (one.kind === "text" ? [[one.field, mine[one.field]]] : [])));
  const places = new Set(changed.flatMap((one) => (one.kind === "volume" ? [one.place] : [])));
  const isEven = base.volumes.length === mine.volumes.length && base.volumes.length === theirs.volumes.length;
  const even = (): VolumeDraft[] => theirs.volumes.map((one, k) => (places.has(k) ? (mine.volumes[k] ?? one) : one));
  const volumes = isEven ? even() : places.size > 0 ? mine.volumes : theirs.volumes;
  return { ...theirs, ...texts, volumes, at: Math.min(mine.at, volumes.length - 1) };
}

function isSame(one: VolumeDraft | undefined, other: VolumeDraft | undefined): boolean {
  return identity(one) === identity(other);
}

/** What is declared of a volume; what the form keeps for other shapes does not count. */
function identity(volume: VolumeDraft | undefined): string {
  if (!volume) return "";
  const { kind, points, lower_m, upper_m, datum, start_ms, end_ms } = volume;
  return JSON.stringify([shapeOf(volume) ?? [kind, points], lower_m, upper_m, datum, start_ms, end_ms]);
}
