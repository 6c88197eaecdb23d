// The outline that the build makes of world-atlas: no line of it may cross the whole map.
import type { Position } from "geojson";
import { describe, expect, test } from "vitest";
import { packedOutline } from "../make/outline_files";
import { packOutline, unpackOutline, type World } from "../src/map/outline";

function widestStep(line: Position[]): number {
  let widest = 0;
  line.forEach(([lon_deg = 0], k) => {
    const [before_deg] = line[k - 1] ?? [lon_deg];
    widest = Math.max(widest, Math.abs(lon_deg - (before_deg ?? 0)));
  });
  return widest;
}

function withPole(world: World): Position[][] {
  return world.land.coordinates.flat().filter((ring) => ring.some(([, lat_deg = 0]) => lat_deg <= -89.9));
}

describe.each(["coarse", "fine"] as const)("the %s outline", (fineness) => {
  const world = unpackOutline(packedOutline(fineness));

  test("has no edge across the map: not at the antimeridian, not along a pole", () => {
    expect(Math.max(...world.coast.coordinates.map(widestStep))).toBeLessThan(20);
    expect(Math.max(...world.borders.coordinates.map(widestStep))).toBeLessThan(40);
  });

  test("is within a turn of Greenwich, beyond 180° only where a shape is", () => {
    for (const line of [...world.coast.coordinates, ...world.borders.coordinates]) {
      const lons = line.map(([lon_deg = 0]) => lon_deg);
      const middle = (Math.min(...lons) + Math.max(...lons)) / 2;
      expect(Math.abs(middle)).toBeLessThanOrEqual(180);
    }
  });

  test("has Antarctica closed over the pole, once, and every other ring by itself", () => {
    expect(withPole(world)).toHaveLength(1);
    for (const ring of world.land.coordinates.flat()) expect(ring.at(-1)).toEqual(ring[0]);
  });
});

test("a ring across the antimeridian comes back in one piece, within a step of where it was", () => {
  const ring = [
    [179, 60],
    [-179.123, 61],
    [-178, 59],
    [179, 60],
  ];
  const packed = packOutline(
    [{ type: "Polygon", coordinates: [ring] }],
    { type: "MultiLineString", coordinates: [] },
    200,
  );
  const [[back = []] = []] = unpackOutline(packed).land.coordinates;
  expect(back).toHaveLength(4);
  back.forEach(([lon_deg = 0, lat_deg = 0], k) => {
    const [expected_lon = 0, expected_lat = 0] = ring[k] ?? [];
    const off_deg = ((((lon_deg - expected_lon + 180) % 360) + 360) % 360) - 180;
    expect(Math.abs(off_deg)).toBeLessThanOrEqual(1 / 400);
    expect(lat_deg).toBe(expected_lat);
  });
  expect(widestStep(back)).toBeLessThanOrEqual(3);
});

test("a lake across the antimeridian stays in its land", () => {
  const land = [
    [170, 50],
    [-170, 50],
    [-170, 60],
    [170, 60],
    [170, 50],
  ];
  const lake = [
    [-175, 54],
    [-174, 54],
    [-174, 55],
    [-175, 54],
  ];
  const packed = packOutline(
    [{ type: "Polygon", coordinates: [land, lake] }],
    { type: "MultiLineString", coordinates: [] },
    10,
  );
  const [rings = []] = unpackOutline(packed).land.coordinates;
  const [outer = [], inner = []] = rings.map((ring) => ring.map(([lon_deg = 0]) => lon_deg));
  expect(Math.min(...inner)).toBeGreaterThan(Math.min(...outer));
  expect(Math.max(...inner)).toBeLessThan(Math.max(...outer));
});
