/**
 * The outline of the world, packed for the way to the page: nothing but lines, as differences of whole steps. The
 * build packs it (`vite.config.ts`), the page unpacks it. Pure.
 */

import type { LineString, MultiLineString, MultiPolygon, Polygon, Position } from "geojson";

/** Nearer to a pole there is no coast. */
const POLAR_DEG = 89.9;

/** x, y, then the way to each next point, all in steps. */
type PackedLine = readonly number[];

export interface PackedOutline {
  readonly steps_a_deg: number;
  readonly land: readonly (readonly PackedLine[])[];
  readonly borders: readonly PackedLine[];
}

export interface World {
  readonly land: MultiPolygon;
  /** The land's edges without those that only close it over a pole. */
  readonly coast: MultiLineString;
  readonly borders: MultiLineString;
}

export function packOutline(
  land: readonly (Polygon | MultiPolygon)[],
  borders: MultiLineString,
  steps_a_deg: number,
): PackedOutline {
  const polygons = land.flatMap((one) => (one.type === "Polygon" ? [one.coordinates] : one.coordinates));
  return {
    steps_a_deg,
    land: polygons
      .map((rings) => rings.map((ring) => packLine(ring, steps_a_deg)).filter(isLine))
      .filter((rings) => rings.length > 0),
    borders: borders.coordinates.map((line) => packLine(line, steps_a_deg)),
  };
}

export function unpackOutline(packed: PackedOutline): World {
  const polygons = packed.land.map((rings) => nearGreenwich(rings.map((ring) => unpackLine(ring, packed.steps_a_deg))));
  return {
    land: { type: "MultiPolygon", coordinates: polygons.map((rings) => rings.map(closedOverPole)) },
    coast: { type: "MultiLineString", coordinates: polygons.flat() },
    borders: {
      type: "MultiLineString",
      coordinates: packed.borders.flatMap((line) => nearGreenwich([unpackLine(line, packed.steps_a_deg)])),
    },
  };
}

function packLine(line: LineString["coordinates"], steps_a_deg: number): PackedLine {
  const packed: number[] = [];
  let [x, y] = [0, 0];
  for (const [lon_deg = 0, lat_deg = 0] of line) {
    // Where the source closes a ring along the edge of its own map; here the ring ends a turn from its start.
    if (Math.abs(lat_deg) > POLAR_DEG) continue;
    const next_x = Math.round(lon_deg * steps_a_deg);
    const next_y = Math.round(lat_deg * steps_a_deg);
    if (packed.length > 0 && next_x === x && next_y === y) continue;
    packed.push(next_x - x, next_y - y);
    [x, y] = [next_x, next_y];
  }
  return packed;
}

/** The source has a ring that is nothing but the edge along the pole. */
function isLine(packed: PackedLine): boolean {
  return packed.length > 0;
}

/** Longitudes go on beyond 180° where the line does, instead of jumping around the world. */
function unpackLine(packed: PackedLine, steps_a_deg: number): Position[] {
  const turn = 360 * steps_a_deg;
  const line: Position[] = [];
  let [x, y] = [0, 0];
  for (let k = 0; k < packed.length; k += 2) {
    const by = packed[k] ?? 0;
    x += k === 0 ? by : by - Math.round(by / turn) * turn;
    y += packed[k + 1] ?? 0;
    line.push([x / steps_a_deg, y / steps_a_deg]);
  }
  return line;
}

/** Moves the lines of one shape by whole turns: the first one's middle to within 180°, the others to the first. */
function nearGreenwich(lines: Position[][]): Position[][] {
  const middle = (line: Position[]): number => {
    const lons = line.map(([lon_deg = 0]) => lon_deg);
    return (Math.min(...lons) + Math.max(...lons)) / 2;
  };
  let home_deg = 0;
  return lines.map((line, k) => {
    const turn_deg = Math.round((middle(line) - home_deg) / 360) * 360;
    const moved = line.map(([lon_deg = 0, lat_deg = 0]) => [lon_deg - turn_deg, lat_deg]);
    if (k === 0) home_deg = middle(moved);
    return moved;
  });
}

/** A ring around a pole ends a whole turn from its start: its inside is on the side of the pole. */
function closedOverPole(ring: Position[]): Position[] {
  const [first, last] = [ring[0], ring.at(-1)];
  if (!first || !last || Math.abs((last[0] ?? 0) - (first[0] ?? 0)) < 180) return ring;
  const pole_deg = (first[1] ?? 0) < 0 ? -90 : 90;
  return [...ring, [last[0] ?? 0, pole_deg], [first[0] ?? 0, pole_deg], first];
}
