/** Instants, spans and countdowns as text. UTC unless the viewer asks for local time. */

import type { TimeZoneChoice } from "./choice";

export const DAY_MS = 86_400_000;

/** `14:05:30Z`, or `16:05:30+02` in local time; without seconds if they are not wanted. */
export function formatTime(instant_ms: number, zone: TimeZoneChoice, hasSeconds = true): string {
  const shift_min = zone === "utc" ? 0 : -new Date(instant_ms).getTimezoneOffset();
  const shifted = new Date(instant_ms + shift_min * 60_000).toISOString();
  return shifted.slice(11, hasSeconds ? 19 : 16) + zoneMark(zone, shift_min);
}

/** `2026-07-01`, the date at that place in time. */
export function formatDate(instant_ms: number, zone: TimeZoneChoice): string {
  const shift_min = zone === "utc" ? 0 : -new Date(instant_ms).getTimezoneOffset();
  return new Date(instant_ms + shift_min * 60_000).toISOString().slice(0, 10);
}

export function formatDateTime(instant_ms: number, zone: TimeZoneChoice, hasSeconds = true): string {
  return `${formatDate(instant_ms, zone)} ${formatTime(instant_ms, zone, hasSeconds)}`;
}

/** From when to when; the date only where it is not today's, or where it changes. */
export function formatSpan(from_ms: number, to_ms: number, now_ms: number, zone: TimeZoneChoice): string {
  const today = formatDate(now_ms, zone);
  const first = formatDate(from_ms, zone);
  const last = formatDate(to_ms, zone);
  const start = first === today ? formatTime(from_ms, zone) : formatDateTime(from_ms, zone);
  const end = last === first ? formatTime(to_ms, zone) : formatDateTime(to_ms, zone);
  return `${start}–${end}`;
}

/** The same where there is little room: to the minute, the date without the year, the zone said once. */
export function formatSpanShort(from_ms: number, to_ms: number, now_ms: number, zone: TimeZoneChoice): string {
  const first = formatDate(from_ms, zone);
  const last = formatDate(to_ms, zone);
  const date = first === formatDate(now_ms, zone) ? "" : `${first.slice(5)} `;
  const end = last === first ? "" : `${last.slice(5)} `;
  return `${date}${formatTime(from_ms, zone, false).slice(0, 5)}–${end}${formatTime(to_ms, zone, false)}`;
}

/** `+02`, `-0330`, `Z`. */
function zoneMark(zone: TimeZoneChoice, shift_min: number): string {
  if (zone === "utc") return "Z";
  const size = Math.abs(shift_min);
  const hours = String(Math.floor(size / 60)).padStart(2, "0");
  const minutes = size % 60 === 0 ? "" : String(size % 60).padStart(2, "0");
  return `${shift_min < 0 ? "-" : "+"}${hours}${minutes}`;
}

/** A span as a clock: `0:45`, `12:30`, `3:05:00`, `2d 03:00`. Never negative. */
export function formatCountdown(span_ms: number): string {
  const seconds = Math.floor(Math.abs(span_ms) / 1000);
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor((seconds % 86_400) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const two = (value: number): string => String(value).padStart(2, "0");
  if (days > 0) return `${days}d ${two(hours)}:${two(minutes)}`;
  if (hours > 0) return `${hours}:${two(minutes)}:${two(seconds % 60)}`;
  return `${minutes}:${two(seconds % 60)}`;
}

/** Seconds with as many units as they need: `40 s`, `7 min 30 s`, `2 h 5 min`. */
export function formatSeconds(span_s: number, locale: string): string {
  const total = Math.round(Math.abs(span_s) * (Math.abs(span_s) < 10 ? 10 : 1)) / (Math.abs(span_s) < 10 ? 10 : 1);
  const unit = (value: number, name: "hour" | "minute" | "second"): string =>
    new Intl.NumberFormat(locale, {
      style: "unit",
      unit: name,
      unitDisplay: "short",
      maximumFractionDigits: 1,
    }).format(value);
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = Math.round((total % 60) * 10) / 10;
  const parts: string[] = [];
  if (hours) parts.push(unit(hours, "hour"));
  if (minutes) parts.push(unit(minutes, "minute"));
  if ((seconds && !hours) || parts.length === 0) parts.push(unit(seconds, "second"));
  return parts.join(" ");
}

/** `2026-07-01 10:05`, with seconds if there are any: how an instant in UTC is typed. */
export function writeInstant(instant_ms: number): string {
  const text = new Date(instant_ms).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, text.slice(17, 19) === "00" ? 16 : 19)}`;
}

/** An instant in UTC out of what was typed: date and time, with or without `T`, seconds and `Z`. */
export function parseInstant(text: string): number | null {
  const found = /^(\d{4}-\d\d-\d\d)[T\s]+(\d\d:\d\d)(:\d\d)?\s*Z?$/i.exec(text.trim());
  if (!found) return null;
  const value = Date.parse(`${found[1]}T${found[2]}${found[3] ?? ":00"}Z`);
  return Number.isFinite(value) ? value : null;
}
