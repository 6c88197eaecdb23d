/** Heights as text: metres or feet, with the datum; flight levels for pressure altitudes. */

import type { Datum } from "../api/wire";
import type { HeightUnit } from "./choice";
import { formatNumber, unitSign } from "./number";

export const FOOT_M = 0.3048;

/** What a height is measured from, as it is written behind the number. */
export const DATUM_MARK: Readonly<Record<Datum, string>> = { WGS84: "WGS84", AMSL: "AMSL", STD: "STD", AGL: "AGL" };

/** A flight level such as `FL350`; between levels with its tens of feet: `FL352.5` does not exist, so it is rounded. */
export function formatFlightLevel(pressure_alt_m: number): string {
  const level = Math.round(pressure_alt_m / FOOT_M / 100);
  return level < 0 ? `FL-${String(-level).padStart(2, "0")}` : `FL${String(level).padStart(3, "0")}`;
}

export function formatHeight(height_m: number, datum: Datum, unit: HeightUnit, locale: string): string {
  if (datum === "STD" && unit === "ft") return formatFlightLevel(height_m);
  return `${bare(height_m, unit, locale)} ${unitSign(unit, locale)} ${DATUM_MARK[datum]}`;
}

/** A band of heights, the unit and datum said once: `500–1,500 m AMSL`, `FL330–FL350`. */
export function formatBand(lower_m: number, upper_m: number, datum: Datum, unit: HeightUnit, locale: string): string {
  if (datum === "STD" && unit === "ft") return `${formatFlightLevel(lower_m)}–${formatFlightLevel(upper_m)}`;
  return `${bare(lower_m, unit, locale)}–${bare(upper_m, unit, locale)} ${unitSign(unit, locale)} ${DATUM_MARK[datum]}`;
}

/** A difference of heights, such as a depth or a shift; without datum. */
export function formatHeightDifference(difference_m: number, unit: HeightUnit, locale: string): string {
  const value = unit === "ft" ? difference_m / FOOT_M : difference_m;
  return `${formatNumber(value, locale, Math.abs(value) < 10 ? 1 : 0)} ${unitSign(unit, locale)}`;
}

function bare(height_m: number, unit: HeightUnit, locale: string): string {
  return formatNumber(Math.round(unit === "ft" ? height_m / FOOT_M : height_m), locale);
}

/** Metres out of what was typed in a unit; null if it is no number. */
export function parseHeight(text: string, unit: HeightUnit): number | null {
  const value = Number(text.replace(/[\s\u00a0\u202f]/g, "").replace(",", "."));
  if (text.trim() === "" || !Number.isFinite(value)) return null;
  return unit === "ft" ? value * FOOT_M : value;
}
