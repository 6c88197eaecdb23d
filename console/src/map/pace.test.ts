import { expect, test } from "vitest";
import { isPaintedByProcessor, Pace } from "./pace";

/** Frames of a movement, so many ms apart; the time after the last. */
function move(pace: Pace, count: number, apart_ms: number, from_ms = 0): number {
  let now_ms = from_ms;
  for (let k = 0; k < count; k += 1) pace.stir((now_ms += apart_ms), true);
  return now_ms;
}

test("at rest everything is at least as fine as the screen, and borders are smooth", () => {
  expect(new Pace().ratios(1)).toEqual({ ground: 1, volumes: 2 });
  expect(new Pace().ratios(3)).toEqual({ ground: 3, volumes: 3 });
});

test("a machine that keeps up draws every pixel while it moves", () => {
  const pace = new Pace();
  move(pace, 500, 16);
  expect(pace.ratios(1)).toEqual({ ground: 1, volumes: 1 });
});

test("a slow machine draws fewer and fewer, but never less than a quarter; and all of them at rest", () => {
  const pace = new Pace();
  move(pace, 3, 120);
  const some = pace.ratios(1).ground;
  expect(some).toBeLessThan(1);
  const now_ms = move(pace, 50, 120, 360);
  expect(pace.ratios(1).ground).toBe(0.5);
  pace.rest();
  expect(pace.ratios(1)).toEqual({ ground: 1, volumes: 2 });
  // It remembers what it could do.
  expect(pace.stir(now_ms + 5_000, true)).toBe(true);
  expect(pace.ratios(1).ground).toBe(0.5);
});

test("it becomes finer again when frames are quick", () => {
  const pace = new Pace();
  const now_ms = move(pace, 20, 120);
  move(pace, 300, 10, now_ms);
  expect(pace.ratios(1).ground).toBe(1);
});

test("one slow frame is no slow machine", () => {
  const pace = new Pace();
  let now_ms = move(pace, 10, 16);
  for (let k = 0; k < 20; k += 1) {
    now_ms = move(pace, 1, 120, now_ms);
    now_ms = move(pace, 5, 16, now_ms);
  }
  expect(pace.ratios(1).ground).toBe(1);
});

test("what changes once a second, as the clock does, is drawn sharply each time", () => {
  const pace = new Pace();
  for (let now_ms = 0; now_ms < 20_000; now_ms += 1_000) {
    expect(pace.stir(now_ms, false)).toBe(false);
    expect(pace.isMoving).toBe(false);
  }
});

test("what changes at every frame is a movement from the second change on", () => {
  const pace = new Pace();
  expect(pace.stir(0, false)).toBe(false);
  expect(pace.stir(16, false)).toBe(true);
  expect(pace.ratios(1).volumes).toBe(1);
});

test("a machine that paints on its processor is coarse from the first movement on, and sharp at rest", () => {
  const renderer = "ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE)), SwiftShader driver)";
  expect(["", "ANGLE (Intel, Mesa Intel(R) UHD Graphics 620)", renderer].map(isPaintedByProcessor)).toEqual([
    false,
    false,
    true,
  ]);
  const pace = new Pace();
  pace.beginCoarse();
  expect(pace.ratios(1)).toEqual({ ground: 1, volumes: 2 });
  pace.stir(0, true);
  expect(pace.ratios(1)).toEqual({ ground: 0.5, volumes: 0.5 });
});
