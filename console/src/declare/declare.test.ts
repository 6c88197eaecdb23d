import { describe, expect, test } from "vitest";
import { Problem } from "../api/problem";
import type { FileFault } from "../api/wire";
import { at, NOON } from "../plans/fixtures";
import { addPoint, faultsOf, newDraft, volumesOf, withVolumes } from "./draft";
import { base64, defaultsOf, faultLines } from "./file";

const A = { lat_deg: 46.9, lon_deg: 7.4 };
const B = { lat_deg: 47, lon_deg: 7.5 };

describe("a draft", () => {
  const draft = newDraft(NOON + 1);

  test("begins at the next quarter of an hour and is no plan yet", () => {
    expect(draft.start_ms).toBe(NOON + 900_000);
    expect([faultsOf(draft), volumesOf(draft)]).toEqual([["points"], null]);
  });

  test("a circle has one place, which moves", () => {
    expect(volumesOf(addPoint(addPoint(draft, A), B))?.[0]?.shape).toEqual({
      kind: "circle",
      center: B,
      radius_m: 1000,
    });
  });

  test("a corridor needs two points, a polygon three", () => {
    const line = addPoint(addPoint({ ...draft, kind: "corridor" }, A), B);
    expect(volumesOf(line)?.[0]?.shape).toEqual({ kind: "corridor", path: [A, B], width_m: 500 });
    expect(faultsOf({ ...line, kind: "polygon" })).toEqual(["points"]);
  });

  test("heights and times have an order, sizes are above zero", () => {
    const wrong = { ...addPoint(draft, A), radius_m: 0, lower_m: 120, end_ms: draft.start_ms };
    expect(faultsOf(wrong)).toEqual(["size", "heights", "times"]);
  });

  test("a way out of one volume can be changed again, one of several is kept as it is", () => {
    const volumes = volumesOf(addPoint(draft, A)) ?? [];
    const moved = volumes.map((volume) => ({ ...volume, lower_m: 50, upper_m: 170 }));
    const next = withVolumes(draft, moved);
    expect([next.given, next.lower_m, volumesOf(next)]).toEqual([null, 50, moved]);
    expect(volumesOf(withVolumes(draft, [...moved, ...moved]))).toHaveLength(2);
  });
});

describe("a file", () => {
  test("goes out whole as base64, however long it is", () => {
    const bytes = Uint8Array.from({ length: 100_001 }, (_, k) => k % 256);
    expect(Buffer.from(base64(bytes), "base64").equals(Buffer.from(bytes))).toBe(true);
    expect(base64(new Uint8Array())).toBe("");
  });

  test("takes what the form says along", () => {
    expect(defaultsOf({ ...newDraft(NOON), lower_m: 7, datum: "STD" })).toEqual({
      start: at(0),
      end: at(60),
      lower_m: 7,
      upper_m: 120,
      datum: "STD",
      radius_m: 1000,
      width_m: 500,
    });
  });

  test("that is faulty is told feature by feature, but not without end", () => {
    const fault = { feature: 3, id: null, field: "lower_m", expected: "a number", actual: '"ten"' };
    const problem = (faults: readonly FileFault[]): Problem =>
      new Problem({ type: "about:blank", title: "", status: 400, detail: "as a whole", faults });
    expect(faultLines(problem([]))).toEqual(["as a whole"]);
    expect(faultLines(problem([fault, { ...fault, feature: null }]))).toEqual([
      '#3 lower_m: "ten" → a number',
      'lower_m: "ten" → a number',
    ]);
    expect(faultLines(problem(Array.from({ length: 9 }, () => fault)))).toHaveLength(6);
  });
});
