/** Positions as text in three notations, and out of text that somebody typed or pasted. */

import { forward, toPoint } from "mgrs";
import type { LatLon } from "../api/wire";
import type { Notation } from "./choice";

/** MGRS covers these latitudes; beyond them the grid is another one (UPS), so decimal degrees are shown. */
const MGRS_SOUTH = -80;
const MGRS_NORTH = 84;

export function formatPosition(place: LatLon, notation: Notation, digits = 5): string {
  if (notation === "mgrs" && place.lat_deg >= MGRS_SOUTH && place.lat_deg < MGRS_NORTH) return formatMgrs(place);
  if (notation === "minutes")
    return `${degreesMinutes(place.lat_deg, 2, "N", "S")} ${degreesMinutes(place.lon_deg, 3, "E", "W")}`;
  return `${decimal(place.lat_deg, "N", "S", digits)} ${decimal(place.lon_deg, "E", "W", digits)}`;
}

/** `32T LT 84012 00973`, to the metre. */
function formatMgrs(place: LatLon): string {
  const text = forward([wrapLon(place.lon_deg), place.lat_deg], 5);
  const found = /^(\d{1,2}[A-Z])([A-Z]{2})(\d{5})(\d{5})$/.exec(text);
  return found ? `${found[1]} ${found[2]} ${found[3]} ${found[4]}` : text;
}

function decimal(value: number, plus: string, minus: string, digits: number): string {
  return `${Math.abs(value).toFixed(digits)}°${value < 0 ? minus : plus}`;
}

function degreesMinutes(value: number, width: number, plus: string, minus: string): string {
  // Counted in thousandths of a minute, so that 59.9996 becomes the next degree and not 60.000.
  const thousandths = Math.round(Math.abs(value) * 60_000);
  const degrees = String(Math.floor(thousandths / 60_000)).padStart(width, "0");
  const minutes = ((thousandths % 60_000) / 1000).toFixed(3).padStart(6, "0");
  return `${degrees}°${minutes}′${value < 0 ? minus : plus}`;
}

/** A longitude within -180 to 180. */
export function wrapLon(lon_deg: number): number {
  const wrapped = ((((lon_deg + 180) % 360) + 360) % 360) - 180;
  return wrapped === -180 && lon_deg > 0 ? 180 : wrapped;
}

/** A position out of text in any of the notations (degrees, minutes and seconds too), or null. */
export function parsePosition(text: string): LatLon | null {
  return parseMgrs(text) ?? parseDegrees(text);
}

function parseMgrs(text: string): LatLon | null {
  const packed = text.replace(/\s+/g, "").toUpperCase();
  const found = /^\d{1,2}[C-HJ-NP-X][A-HJ-NP-Z]{2}(\d*)$/.exec(packed);
  const digits = found?.[1]?.length ?? 1;
  if (!found || digits % 2 !== 0 || digits > 10) return null;
  try {
    const [lon_deg, lat_deg] = toPoint(packed);
    return checked(lat_deg, lon_deg);
  } catch {
    return null;
  }
}

const NUMBER = /\d+(?:\.\d+)?/g;

function parseDegrees(text: string): LatLon | null {
  const clean = text.trim().toUpperCase().replace(/[−–]/g, "-");
  if (!/^[\d\s.,;:°º'"′″’”NSEWO+-]+$/.test(clean)) return null;
  const halves = splitHalves(clean);
  if (!halves) return null;
  const [first, second] = [angle(halves[0]), angle(halves[1])];
  if (first === null || second === null) return null;
  const isSwapped = /[EWO]/.test(halves[0]) || /[NS]/.test(halves[1]);
  return isSwapped ? checked(second, first) : checked(first, second);
}

/** Where the first angle ends: after its letter, else at a comma, else at the middle number. */
function splitHalves(text: string): readonly [string, string] | null {
  const after = /^(.*?[NSEWO])[\s,;]*([\d+-].*[NSEWO])$/.exec(text);
  if (after) return [after[1] ?? "", after[2] ?? ""];
  const before = /^([NSEWO].*?)[\s,;]*([NSEWO].*)$/.exec(text);
  if (before) return [before[1] ?? "", before[2] ?? ""];
  const parts = text.split(/\s*[,;]\s+|\s*[,;]\s*(?=[+-]?\d+\.)|\s+/).filter((part) => part !== "");
  if (parts.length < 2 || parts.length % 2 !== 0) return null;
  const middle = parts.length / 2;
  return [parts.slice(0, middle).join(" "), parts.slice(middle).join(" ")];
}

function angle(text: string): number | null {
  const numbers = text.match(NUMBER)?.map(Number) ?? [];
  const [degrees, minutes = 0, seconds = 0] = numbers;
  if (degrees === undefined || numbers.length > 3 || minutes >= 60 || seconds >= 60) return null;
  const size = degrees + minutes / 60 + seconds / 3600;
  return /[SW]/.test(text) !== /^\s*-/.test(text) ? -size : size;
}

function checked(lat_deg: number, lon_deg: number): LatLon | null {
  return Math.abs(lat_deg) <= 90 && Math.abs(lon_deg) <= 180 ? { lat_deg, lon_deg } : null;
}
