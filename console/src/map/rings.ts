/** Shapes as rings to draw: circles and corridors become polygons, long edges follow the shortest path. */

import type { LatLon, Shape } from "../api/wire";
import { along, destination, reach } from "./geodesy";

const CIRCLE_SIDES = 64;
/** A corridor's round ends and outer corners have a point at least this often. */
const ARC_DEG = 20;
/** Edges longer than this are filled with points of their shortest path. */
const STEP_M = 50_000;

/** The border of a shape, the first point not repeated, longitudes continuous across the antimeridian. */
export function ringOf(shape: Shape): LatLon[] {
  if (shape.kind === "circle") return continuous(circle(shape.center, shape.radius_m));
  if (shape.kind === "corridor") return continuous(corridor(shape.path, shape.width_m / 2));
  return continuous(filled(shape.vertices));
}

function circle(center: LatLon, radius_m: number): LatLon[] {
  return Array.from({ length: CIRCLE_SIDES }, (_, k) => destination(center, (k * 360) / CIRCLE_SIDES, radius_m));
}

function filled(vertices: readonly LatLon[]): LatLon[] {
  const points: LatLon[] = [];
  vertices.forEach((vertex, k) => {
    const next = vertices[(k + 1) % vertices.length];
    if (next) for (const point of along(vertex, next, STEP_M)) points.push(point);
  });
  return points;
}

/** A line with width: along its left side, round its end, back along its right side, round its start. */
function corridor(path: readonly LatLon[], radius_m: number): LatLon[] {
  const line = withoutRepeats(fineLine(path));
  const [first] = line;
  if (!first) return [];
  if (line.length === 1) return circle(first, radius_m);
  const there = side(line, radius_m);
  const back = side([...line].reverse(), radius_m);
  return [...there, ...back];
}

function fineLine(path: readonly LatLon[]): LatLon[] {
  const points: LatLon[] = [];
  for (let k = 0; k + 1 < path.length; k += 1) {
    const [from, to] = [path[k], path[k + 1]];
    if (from && to) points.push(...along(from, to, STEP_M));
  }
  const last = path.at(-1);
  if (last) points.push(last);
  return points;
}

function withoutRepeats(line: readonly LatLon[]): LatLon[] {
  return line.filter((point, k) => {
    const before = line[k - 1];
    return !before || before.lat_deg !== point.lat_deg || before.lon_deg !== point.lon_deg;
  });
}

/** The left side of a line from its start to its end, then the half circle round its end. */
function side(line: readonly LatLon[], radius_m: number): LatLon[] {
  const points: LatLon[] = [];
  const legs = line.slice(0, -1).map((from, k) => {
    const to = line[k + 1] ?? from;
    return { from, to, out: reach(from, to), into_deg: (reach(to, from).bearing_deg + 180) % 360 };
  });
  legs.forEach((leg, k) => {
    if (k === 0) points.push(destination(leg.from, leg.out.bearing_deg - 90, radius_m));
    const next = legs[k + 1];
    if (!next) {
      arc(points, leg.to, leg.into_deg - 90, 180, radius_m);
      return;
    }
    const turn_deg = ((next.out.bearing_deg - leg.into_deg + 540) % 360) - 180;
    if (turn_deg >= 0) arc(points, leg.to, leg.into_deg - 90, turn_deg, radius_m);
    else inner(points, leg.to, leg.into_deg, turn_deg, radius_m, Math.min(leg.out.distance_m, next.out.distance_m));
  });
  return points;
}

function arc(points: LatLon[], center: LatLon, from_deg: number, turn_deg: number, radius_m: number): void {
  const steps = Math.max(1, Math.ceil(turn_deg / ARC_DEG));
  for (let k = 0; k <= steps; k += 1) points.push(destination(center, from_deg + (turn_deg * k) / steps, radius_m));
}

/** The inside of a bend: where both sides meet, unless the legs are too short for that. */
function inner(
  points: LatLon[],
  corner: LatLon,
  into_deg: number,
  turn_deg: number,
  radius_m: number,
  shortest_m: number,
): void {
  const meet_m = radius_m / Math.cos((turn_deg * Math.PI) / 360);
  const isReachable = radius_m * Math.tan((Math.abs(turn_deg) * Math.PI) / 360) < shortest_m;
  if (isReachable) {
    points.push(destination(corner, into_deg - 90 + turn_deg / 2, meet_m));
    return;
  }
  points.push(destination(corner, into_deg - 90, radius_m), destination(corner, into_deg + turn_deg - 90, radius_m));
}

/** Longitudes without jumps of a whole turn, so that a ring across the antimeridian stays in one piece. */
export function continuous(ring: readonly LatLon[]): LatLon[] {
  let before: number | null = null;
  return ring.map((point) => {
    let lon_deg = point.lon_deg;
    if (before !== null) lon_deg -= Math.round((lon_deg - before) / 360) * 360;
    before = lon_deg;
    return { lat_deg: point.lat_deg, lon_deg };
  });
}

/** The middle of a ring's bounding box: where an arrow starts and a label stands. */
export function middleOf(ring: readonly LatLon[]): LatLon {
  const [south, west, north, east] = boundsOf(ring);
  return { lat_deg: (south + north) / 2, lon_deg: (west + east) / 2 };
}

/** South, west, north, east. */
export function boundsOf(points: Iterable<LatLon>): [number, number, number, number] {
  const bounds: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const point of points) {
    bounds[0] = Math.min(bounds[0], point.lat_deg);
    bounds[1] = Math.min(bounds[1], point.lon_deg);
    bounds[2] = Math.max(bounds[2], point.lat_deg);
    bounds[3] = Math.max(bounds[3], point.lon_deg);
  }
  return bounds;
}

/** A ring as deck.gl takes it: x, y, z of each point, closed. */
export function flatRing(ring: readonly LatLon[], z_m: number): Float64Array {
  const flat = new Float64Array((ring.length + 1) * 3);
  for (let k = 0; k <= ring.length; k += 1) {
    const point = ring[k % ring.length];
    if (point) flat.set([point.lon_deg, point.lat_deg, z_m], k * 3);
  }
  return flat;
}
