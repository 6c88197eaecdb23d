/** Distances on the ground as text. */

import type { HeightUnit } from "./choice";
import { FOOT_M } from "./height";
import { formatNumber, unitSign } from "./number";

export const NAUTICAL_MILE_M = 1852;

/** Metres below 1 km, else kilometres; with feet chosen for heights: feet below a tenth of a mile, else nautical miles. */
export function formatDistance(distance_m: number, unit: HeightUnit, locale: string): string {
  const size_m = Math.abs(distance_m);
  if (unit === "ft") {
    if (size_m < NAUTICAL_MILE_M / 10) return `${formatNumber(distance_m / FOOT_M, locale, 0)} ft`;
    const miles = distance_m / NAUTICAL_MILE_M;
    return `${formatNumber(miles, locale, Math.abs(miles) < 10 ? 2 : 1)} NM`;
  }
  if (size_m >= 1000) return `${formatNumber(distance_m / 1000, locale, size_m < 10_000 ? 2 : 1)} ${unitSign("km", locale)}`;
  return `${formatNumber(distance_m, locale, size_m < 10 ? 1 : 0)} ${unitSign("m", locale)}`;
}

/** A shift on the ground as distance and bearing: `155 m 180°`. */
export function formatShift(east_m: number, north_m: number, unit: HeightUnit, locale: string): string {
  const bearing = Math.round((Math.atan2(east_m, north_m) * 180) / Math.PI + 360) % 360;
  return `${formatDistance(Math.hypot(east_m, north_m), unit, locale)} ${String(bearing).padStart(3, "0")}°`;
}

/** The roundest length that is not longer than `most_m`, for a scale. */
export function scaleLength(most_m: number): number {
  const power = 10 ** Math.floor(Math.log10(most_m));
  for (const step of [5, 2]) if (step * power <= most_m) return step * power;
  return power;
}
