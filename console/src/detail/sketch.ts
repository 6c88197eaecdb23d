/** A small map as SVG, for paper: the shared piece, both plans' volumes, grid, scale, north. */

import type { Conflict, LatLon, PlanVolume } from "../api/wire";
import { gridLabel, gridLines, gridStep } from "../map/grid";
import { boundsOf, continuous, ringOf } from "../map/rings";
import type { Context } from "../shell/context";
import { svg } from "../shell/dom";
import { scaleLength } from "../units/distance";

const WIDTH = 640;
const HEIGHT = 420;
const METRES_A_DEGREE = 111_320;

export interface Sketched {
  readonly name: string;
  readonly volumes: readonly PlanVolume[];
  readonly dash: string;
}

interface Frame {
  readonly x: (lon_deg: number) => number;
  readonly y: (lat_deg: number) => number;
  readonly bounds: readonly [number, number, number, number];
  readonly pixel_m: number;
}

/** Draws volumes whose time meets the conflict's. */
export function sketch(context: Context, conflict: Conflict, plans: readonly Sketched[]): SVGSVGElement {
  const pieces = conflict.outline.map((ring) => continuous(ring));
  const shapes = plans.map((plan) => ({
    ...plan,
    rings: meeting(plan.volumes, conflict).map((volume) => ringOf(volume.shape)),
  }));
  const points = [...pieces.flat(), ...shapes.flatMap((shape) => shape.rings.flat()), conflict.place];
  const frame = frameOf(points);
  return svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "sketch", role: "img", "aria-label": context.say("print.map") },
    gridOf(frame),
    shapes.flatMap((shape) =>
      shape.rings.map((ring) => svg("path", { d: path(ring, frame), class: "shape", "stroke-dasharray": shape.dash })),
    ),
    pieces.map((ring) => svg("path", { d: path(ring, frame), class: "piece" })),
    svg("circle", { cx: frame.x(conflict.place.lon_deg), cy: frame.y(conflict.place.lat_deg), r: 3, class: "dot" }),
    scaleOf(context, frame),
    svg("text", { x: WIDTH - 24, y: 24, class: "north" }, "N ↑"),
  );
}

function meeting(volumes: readonly PlanVolume[], conflict: Conflict): readonly PlanVolume[] {
  const margin_ms = conflict.separation.time_s * 1000;
  return volumes.filter(
    (volume) =>
      Date.parse(volume.start) < Date.parse(conflict.end) + margin_ms &&
      Date.parse(conflict.start) - margin_ms < Date.parse(volume.end),
  );
}

function frameOf(points: readonly LatLon[]): Frame {
  const [south, west, north, east] = boundsOf(points);
  const squeeze = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const wide = Math.max((east - west) * squeeze, 1e-4);
  const high = Math.max(north - south, 1e-4);
  const scale = Math.min((WIDTH - 90) / wide, (HEIGHT - 90) / high);
  const [middleLon, middleLat] = [(west + east) / 2, (south + north) / 2];
  const [halfLon, halfLat] = [WIDTH / 2 / scale / squeeze, HEIGHT / 2 / scale];
  return {
    x: (lon) => WIDTH / 2 + (lon - middleLon) * squeeze * scale,
    y: (lat) => HEIGHT / 2 - (lat - middleLat) * scale,
    bounds: [middleLat - halfLat, middleLon - halfLon, middleLat + halfLat, middleLon + halfLon],
    pixel_m: METRES_A_DEGREE / scale,
  };
}

function path(ring: readonly LatLon[], frame: Frame): string {
  return `M${ring.map((point) => `${frame.x(point.lon_deg).toFixed(1)} ${frame.y(point.lat_deg).toFixed(1)}`).join("L")}Z`;
}

function gridOf(frame: Frame): SVGGElement {
  const [south, west, north, east] = frame.bounds;
  const step = gridStep(Math.max(east - west, north - south));
  const group = svg("g", { class: "grid" });
  for (const lon of gridLines(west, east, step)) {
    group.append(svg("line", { x1: frame.x(lon), x2: frame.x(lon), y1: 0, y2: HEIGHT }));
    group.append(svg("text", { x: frame.x(lon) + 2, y: HEIGHT - 4 }, gridLabel(lon, step, "E", "W")));
  }
  for (const lat of gridLines(south, north, step)) {
    group.append(svg("line", { x1: 0, x2: WIDTH, y1: frame.y(lat), y2: frame.y(lat) }));
    group.append(svg("text", { x: 2, y: frame.y(lat) - 2 }, gridLabel(lat, step, "N", "S")));
  }
  return group;
}

function scaleOf(context: Context, frame: Frame): SVGGElement {
  const length_m = scaleLength(frame.pixel_m * 150);
  const length = length_m / frame.pixel_m;
  return svg(
    "g",
    { class: "scale" },
    svg("line", { x1: 20, x2: 20 + length, y1: HEIGHT - 24, y2: HEIGHT - 24 }),
    svg("text", { x: 20, y: HEIGHT - 29 }, context.units.distance(length_m)),
  );
}
