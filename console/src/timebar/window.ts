/** The window of time that the bar shows. Pure. */

export type Window = readonly [number, number];

const HOUR_MS = 3_600_000;
const SHORTEST_MS = 10 * 60_000;
const LONGEST_MS = 31 * 24 * HOUR_MS;

/** Holds now and what is planned within a day or so; more is a matter of zooming out. */
export function firstWindow(span: Window | null, now_ms: number): Window {
  const from_ms = Math.max(Math.min(span?.[0] ?? Infinity, now_ms - HOUR_MS), now_ms - 12 * HOUR_MS);
  const to_ms = Math.min(Math.max(span?.[1] ?? -Infinity, now_ms + 3 * HOUR_MS), now_ms + 60 * HOUR_MS);
  const edge_ms = (to_ms - from_ms) * 0.02;
  return [from_ms - edge_ms, to_ms + edge_ms];
}

/** Smaller (factor below 1) or larger, with one instant staying where it is. */
export function zoomWindow(window: Window, factor: number, around_ms: number): Window {
  const span_ms = window[1] - window[0];
  const wanted_ms = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, span_ms * factor));
  const share = (around_ms - window[0]) / span_ms;
  const from_ms = around_ms - wanted_ms * share;
  return [from_ms, from_ms + wanted_ms];
}

export function moveWindow(window: Window, by_ms: number): Window {
  return [window[0] + by_ms, window[1] + by_ms];
}

/** The same window, moved if need be so that the instant is in it. */
export function keepIn(window: Window, instant_ms: number): Window {
  const span_ms = window[1] - window[0];
  if (instant_ms < window[0]) return [instant_ms - span_ms * 0.1, instant_ms + span_ms * 0.9];
  if (instant_ms > window[1]) return [instant_ms - span_ms * 0.9, instant_ms + span_ms * 0.1];
  return window;
}
