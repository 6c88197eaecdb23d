/** A file of plans on its way to the exchange, which reads it: what goes with it, and what is wrong with it. */

import type { Problem } from "../api/problem";
import type { FileDefaults } from "../api/wire";
import type { DraftState } from "./draft";

export const MAX_FILE_BYTES = 4 * 1_048_576;
export const FILE_TYPES = ".geojson,.json,.kml,.kmz,application/geo+json,application/vnd.google-earth.kml+xml";

const SHOWN_FAULTS = 5;
const CHUNK = 32_768;

/** What the form says already, for the features that do not say it themselves. */
export function defaultsOf(draft: DraftState): FileDefaults {
  const { lower_m, upper_m, datum, radius_m, width_m, start_ms, end_ms } = draft;
  const [start, end] = [new Date(start_ms).toISOString(), new Date(end_ms).toISOString()];
  return { start, end, lower_m, upper_m, datum, radius_m, width_m };
}

/** Bytes as base64; in chunks, since a function takes only so many arguments. */
export function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(text);
}

/** What is wrong with a file, a line each; the first few, then how many more. */
export function faultLines(problem: Problem): string[] {
  const faults = problem.document.faults ?? [];
  if (faults.length === 0) return [problem.message];
  const lines = faults
    .slice(0, SHOWN_FAULTS)
    .map(({ feature, field, expected, actual }) =>
      [feature === null ? "" : `#${feature} `, `${field}: ${actual} → ${expected}`].join(""),
    );
  return faults.length > SHOWN_FAULTS ? [...lines, `+ ${faults.length - SHOWN_FAULTS}`] : lines;
}
