import { expect, test } from "vitest";
import { at, NOON, plan, refusal, settled } from "../plans/fixtures";
import { axisStep, densityOf } from "./density";
import { sliceAt } from "./key";
import { firstWindow, keepIn, moveWindow, zoomWindow } from "./window";

const HOUR = 3_600_000;

test("each slice counts the plans that are there", () => {
  const plans = [
    plan({ is_mine: true, start: at(-100), end: at(61) }),
    plan({ start: at(60), end: at(90) }),
    plan({ start: at(-100), end: at(-50) }),
    plan({ start: at(500), end: at(600) }),
  ];
  const refusals = [refusal(), refusal({ settlement: settled("time") }), refusal({ conflicts: [] })];
  const { mine, others, open, settled: done, most } = densityOf(plans, refusals, NOON, NOON + 2 * HOUR, 4);
  expect([[...mine], [...others], [...open], [...done], most]).toEqual([
    [1, 1, 1, 0],
    [0, 0, 1, 0],
    [1, 0, 0, 0],
    [1, 0, 0, 0],
    2,
  ]);
});

test("an axis has no more marks than asked for", () => {
  expect([axisStep(HOUR, 12), axisStep(24 * HOUR, 12), axisStep(1e15, 2)]).toEqual([300_000, 2 * HOUR, 604_800_000]);
});

test("the first window holds now and the plans of a day", () => {
  const [from, to] = firstWindow([NOON + 5 * HOUR, NOON + 20 * HOUR], NOON);
  expect([from < NOON, to > NOON + 20 * HOUR, to < NOON + 21 * HOUR]).toEqual([true, true, true]);
  const far = firstWindow([NOON - 900 * HOUR, NOON + 900 * HOUR], NOON);
  expect(far[1] - far[0]).toBeLessThan(80 * HOUR);
});

test("zooming keeps the instant in its place, within limits", () => {
  expect(zoomWindow([0, 10 * HOUR], 0.5, 5 * HOUR)).toEqual([2.5 * HOUR, 7.5 * HOUR]);
  const [from, to] = zoomWindow([0, HOUR], 1e-9, 0);
  expect([from, to - from]).toEqual([0, 600_000]);
});

test("a window follows an instant that leaves it", () => {
  expect(keepIn([0, 10], 5)).toEqual([0, 10]);
  expect(keepIn([0, 10], 20)).toEqual([11, 21]);
  expect(keepIn([0, 10], -5)).toEqual([-6, 4]);
  expect(moveWindow([0, 10], 3)).toEqual([3, 13]);
});

test("an instant is in the slice that the bar draws it in, and in none outside of the bar", () => {
  const window = [NOON, NOON + 2 * HOUR] as const;
  expect([0, 29, 30, 119].map((minute) => sliceAt(window, 4, NOON + minute * 60_000))).toEqual([0, 0, 1, 3]);
  expect([sliceAt(window, 4, NOON - 1), sliceAt(window, 4, NOON + 2 * HOUR)]).toEqual([null, null]);
});
