import { describe, expect, test } from "vitest";
import { at, NOON, plan } from "../plans/fixtures";
import { arrowPath } from "./arrows";
import { decodeCamera } from "./camera";
import { along, destination, reach } from "./geodesy";
import { gridLabel, gridLines, gridStep } from "./grid";
import { partyPlaces } from "./palette";
import { continuous, flatRing, ringOf } from "./rings";
import { VolumeTable } from "./table";
import { nearest } from "./handles";

const BERN = { lat_deg: 46.95, lon_deg: 7.45 };

describe("geodesy", () => {
  test("the classic direct problem (Flinders Peak to Buninyong, WGS 84)", () => {
    // Geoscience Australia's example on GRS80, whose flattening differs from WGS 84's by 1e-11.
    const from = { lat_deg: -(37 + 57 / 60 + 3.7203 / 3600), lon_deg: 144 + 25 / 60 + 29.5244 / 3600 };
    const to = destination(from, 306 + 52 / 60 + 5.37 / 3600, 54_972.271);
    expect(to.lat_deg).toBeCloseTo(-(37 + 39 / 60 + 10.1561 / 3600), 7);
    expect(to.lon_deg).toBeCloseTo(143 + 55 / 60 + 35.3839 / 3600, 7);
  });

  test.each([0, 45, 90, 200, 270])("short and long ways meet where one becomes the other, towards %d°", (bearing) => {
    const [short, long] = [destination(BERN, bearing, 20_000), destination(BERN, bearing, 20_000.001)];
    expect(reach(short, long).distance_m).toBeLessThan(3);
  });

  test("a way there is a way back", () => {
    const { distance_m, bearing_deg } = reach(BERN, destination(BERN, 60, 15_000));
    expect(distance_m).toBeGreaterThan(14_990);
    expect(distance_m).toBeLessThan(15_010);
    expect(bearing_deg).toBeCloseTo(60, 1);
  });

  test("a long way has points on it", () => {
    const points = along(BERN, { lat_deg: 46.95, lon_deg: 17.45 }, 50_000);
    expect(points.length).toBe(16);
    expect(Math.max(...points.map((point) => point.lat_deg))).toBeGreaterThan(46.95);
  });
});

describe("rings", () => {
  test("all points of a circle are as far away as its radius", () => {
    for (const point of ringOf({ kind: "circle", center: BERN, radius_m: 5000 })) {
      expect(Math.abs(reach(BERN, point).distance_m - 5000)).toBeLessThan(10);
    }
  });

  test("all points of a corridor's border are half its width away from its line, or outside a bend", () => {
    const path = [BERN, { lat_deg: 46.95, lon_deg: 7.6 }, { lat_deg: 47.05, lon_deg: 7.7 }];
    const ring = ringOf({ kind: "corridor", path, width_m: 2000 });
    const nearest = (point: { lat_deg: number; lon_deg: number }): number =>
      Math.min(
        ...path.slice(1).flatMap((to, k) => along(path[k] ?? to, to, 20).map((one) => reach(one, point).distance_m)),
        ...path.map((one) => reach(one, point).distance_m),
      );
    for (const point of ring) expect(Math.abs(nearest(point) - 1000)).toBeLessThan(15);
  });

  test("a corridor that stays where it is is a circle", () => {
    expect(ringOf({ kind: "corridor", path: [BERN, BERN], width_m: 100 }).length).toBe(64);
  });

  test("across the antimeridian a ring stays in one piece", () => {
    const ring = continuous([
      { lat_deg: 0, lon_deg: 179 },
      { lat_deg: 0, lon_deg: -179 },
      { lat_deg: 1, lon_deg: -179.5 },
    ]);
    expect(ring.map((point) => point.lon_deg)).toEqual([179, 181, 180.5]);
  });

  test("a flat ring is closed", () => {
    expect([...flatRing([BERN, { lat_deg: 0, lon_deg: 1 }], 5)]).toEqual([7.45, 46.95, 5, 1, 0, 5, 7.45, 46.95, 5]);
  });
});

describe("the table of volumes", () => {
  const out = new Int32Array(16);
  const table = new VolumeTable();
  const plans = new Map([
    ["a", plan({ plan_id: "a" })],
    ["b", plan({ plan_id: "b", start: at(30), end: at(90) })],
  ]);
  const there = (minutes: number, to = minutes): string[] => {
    const count = table.collect(NOON + minutes * 60_000, NOON + to * 60_000, out);
    return [...out.subarray(0, count)].map((index) => table.item(index).plan.plan_id);
  };

  test("shows what is there at an instant and passes the filters", () => {
    table.update(plans);
    table.show(["a", "b"]);
    expect([there(-1), there(0), there(45), there(60), there(-5, 31)]).toEqual([
      [],
      ["a"],
      ["a", "b"],
      ["b"],
      ["a", "b"],
    ]);
    table.show(["b"]);
    expect(there(45)).toEqual(["b"]);
  });

  test("a new version takes the place of the old one, and what is gone is not shown", () => {
    plans.set("a", plan({ plan_id: "a", version: 2, start: at(200), end: at(210) }));
    plans.delete("b");
    table.update(plans);
    table.show(["a", "b"]);
    expect([there(45), there(205)]).toEqual([[], ["a"]]);
    expect([table.itemsOf("a").length, table.itemsOf("b").length]).toEqual([1, 0]);
  });

  test("no more than fits is written", () => {
    expect(table.collect(-Infinity, Infinity, new Int32Array(0))).toBe(0);
  });
});

describe("the rest of the map", () => {
  test("grid steps leave at most eight lines", () => {
    expect([300, 10, 1, 0.03].map(gridStep)).toEqual([30, 2, 0.25, 0.005]);
    expect(gridLines(7.1, 8.3, 0.25)).toEqual([7.25, 7.5, 7.75, 8, 8.25]);
    expect([gridLabel(7.25, 0.25, "E", "W"), gridLabel(-8, 1, "E", "W"), gridLabel(0, 1, "N", "S")]).toEqual([
      "7.25°E",
      "8°W",
      "0°",
    ]);
  });

  test("the own party is first, the others are in order of their ids", () => {
    expect([...partyPlaces(["c", "a", "b"], "b")]).toEqual([
      ["b", 0],
      ["a", 1],
      ["c", 2],
    ]);
  });

  test("an arrow has a shaft and two barbs; one that only rises rises", () => {
    const path = arrowPath({ from: [7, 46, 100], to: [7, 46, 300], kind: "height", shift_s: 0 }, true, 1);
    expect(path.length).toBe(5);
    expect(path.every((point) => Math.abs(point[1] - 46) < 1e-9)).toBe(true);
    expect(arrowPath({ from: [7, 46, 100], to: [7, 46, 300], kind: "height", shift_s: 0 }, false, 1).length).toBe(2);
  });

  test.each([null, "", "1,2", "91,0,3", "a,b,c"])("%s is no camera", (text) => expect(decodeCamera(text)).toBeNull());
  test("a camera is read", () =>
    expect(decodeCamera("46,7,5,10,90")).toEqual({ center: [7, 46], zoom: 5, bearing: 10, pitch: 60 }));
});

describe("handles", () => {
  const points = [
    { x: 100, y: 100 },
    { x: 110, y: 100 },
  ];

  test("the nearest within a finger's reach is taken", () => {
    expect([102, 107].map((x) => nearest(points, { x, y: 100 }))).toEqual([0, 1]);
    expect([nearest(points, { x: 100, y: 115 }), nearest([], { x: 0, y: 0 })]).toEqual([-1, -1]);
  });
});
