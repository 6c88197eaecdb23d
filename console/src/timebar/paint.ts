/** Draws the time bar: density, refusals, axis, now, the instant. */

import { cssColor, type Ground, INKS, partyColor } from "../map/palette";
import { formatDate, formatTime } from "../units/time";
import type { TimeZoneChoice } from "../units/choice";
import { axisStep, type Density } from "./density";
import type { Window } from "./window";

const AXIS_PX = 16;
const DAY_MS = 86_400_000;

export interface Picture {
  readonly window: Window;
  readonly density: Density;
  readonly now_ms: number;
  readonly instant_ms: number;
  readonly isLive: boolean;
  readonly ahead_min: number;
  readonly zone: TimeZoneChoice;
  readonly ground: Ground;
}

export function paint(canvas: HTMLCanvasElement, picture: Picture): void {
  const pen = canvas.getContext("2d", { willReadFrequently: true }); // painted by the processor, as the labels are
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!pen || width === 0) return;
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const scale = width / (picture.window[1] - picture.window[0]);
  const x = (instant_ms: number): number => (instant_ms - picture.window[0]) * scale;
  const floor = height - AXIS_PX;
  paintPast(pen, x(picture.now_ms), floor, picture.ground);
  paintDensity(pen, picture, width, floor);
  paintAxis(pen, picture, x, width, floor);
  paintMarks(pen, picture, x, floor);
}

function paintPast(pen: CanvasRenderingContext2D, now_x: number, floor: number, ground: Ground): void {
  if (now_x <= 0) return;
  pen.fillStyle = ground === "dark" ? "rgba(255,255,255,0.045)" : "rgba(0,0,0,0.05)";
  pen.fillRect(0, 0, now_x, floor);
}

function paintDensity(pen: CanvasRenderingContext2D, picture: Picture, width: number, floor: number): void {
  const { mine, others, open, settled, most } = picture.density;
  const slice = width / mine.length;
  const unit = (floor - 14) / most;
  const own = cssColor(partyColor(0, picture.ground));
  for (let k = 0; k < mine.length; k += 1) {
    const [m, o] = [mine[k] ?? 0, others[k] ?? 0];
    if (o > 0) {
      pen.fillStyle = picture.ground === "dark" ? "rgba(170,185,200,0.45)" : "rgba(90,105,120,0.45)";
      pen.fillRect(k * slice, floor - (m + o) * unit, slice + 0.5, o * unit);
    }
    if (m > 0) {
      pen.fillStyle = own;
      pen.fillRect(k * slice, floor - m * unit, slice + 0.5, m * unit);
    }
    // Settled ones hang as short grey ticks, open ones as long red ones.
    tick(pen, k * slice, slice, settled[k] ?? 0, 6, picture.ground === "dark" ? "#8496a6" : "#72828f");
    tick(pen, k * slice, slice, open[k] ?? 0, 12, cssColor(INKS[picture.ground].alarm));
  }
}

function tick(
  pen: CanvasRenderingContext2D,
  at: number,
  width: number,
  count: number,
  length: number,
  color: string,
): void {
  if (count === 0) return;
  pen.fillStyle = color;
  pen.fillRect(at, 0, Math.max(2, width), length);
}

function paintAxis(
  pen: CanvasRenderingContext2D,
  picture: Picture,
  x: (instant_ms: number) => number,
  width: number,
  floor: number,
): void {
  const inks = INKS[picture.ground];
  const step_ms = axisStep(picture.window[1] - picture.window[0], Math.max(2, width / 90));
  // Marks stand at full hours of the time that is written, also where that is not UTC.
  const shift_ms = picture.zone === "utc" ? 0 : -new Date(picture.now_ms).getTimezoneOffset() * 60_000;
  pen.fillStyle = inks.label;
  pen.strokeStyle = inks.grid;
  pen.font = "11px system-ui, sans-serif";
  pen.textBaseline = "bottom";
  pen.beginPath();
  const first_ms = Math.ceil((picture.window[0] + shift_ms) / step_ms) * step_ms - shift_ms;
  for (let mark_ms = first_ms; mark_ms < picture.window[1]; mark_ms += step_ms) {
    const at = x(mark_ms);
    pen.moveTo(at + 0.5, 0);
    pen.lineTo(at + 0.5, floor + 4);
    const isMidnight = (mark_ms + shift_ms) % DAY_MS === 0;
    const text = isMidnight ? formatDate(mark_ms, picture.zone) : formatTime(mark_ms, picture.zone, false);
    pen.globalAlpha = isMidnight ? 1 : 0.75;
    pen.fillText(text, at + 3, floor + AXIS_PX - 1);
  }
  pen.globalAlpha = 1;
  pen.stroke();
}

function paintMarks(
  pen: CanvasRenderingContext2D,
  picture: Picture,
  x: (instant_ms: number) => number,
  floor: number,
): void {
  const inks = INKS[picture.ground];
  const now_x = Math.round(x(picture.now_ms));
  pen.fillStyle = cssColor(inks.good);
  pen.fillRect(now_x - 0.5, 0, 1.5, floor);
  pen.beginPath();
  pen.moveTo(now_x - 5, 0);
  pen.lineTo(now_x + 6, 0);
  pen.lineTo(now_x + 0.5, 7);
  pen.fill();
  const at = x(picture.instant_ms);
  pen.fillStyle = cssColor(inks.ink);
  pen.globalAlpha = 0.13;
  pen.fillRect(at, 0, x(picture.instant_ms + picture.ahead_min * 60_000) - at, floor);
  pen.globalAlpha = 1;
  if (picture.isLive) return;
  pen.fillRect(at - 1, 0, 2.5, floor);
  pen.beginPath();
  pen.arc(at, floor - 4, 5, 0, Math.PI * 2);
  pen.fill();
}
