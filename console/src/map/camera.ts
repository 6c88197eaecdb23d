/** Where the map looks from: first view, views that hold something, the view in the address. */

import type { Map as MapLibre } from "maplibre-gl";
import type { LatLon, PlanView } from "../api/wire";
import { boundsOf, ringOf } from "./rings";

const NEAREST_ZOOM = 14;
const TILT_DEG = 50;

export interface Camera {
  readonly center: [number, number];
  readonly zoom: number;
  readonly bearing: number;
  readonly pitch: number;
}

/** `lat,lon,zoom,bearing,pitch`; null if it is none. */
export function decodeCamera(text: string | null): Camera | null {
  const numbers = (text ?? "").split(",").map(Number);
  const [lat, lon, zoom, bearing = 0, pitch = 0] = numbers;
  if (text === null || lat === undefined || lon === undefined || zoom === undefined) return null;
  if (numbers.some((value) => !Number.isFinite(value)) || Math.abs(lat) > 85 || Math.abs(lon) > 540) return null;
  return { center: [lon, lat], zoom, bearing, pitch: Math.min(60, Math.max(0, pitch)) };
}

export function encodeCamera(map: MapLibre): string {
  const { lat, lng } = map.getCenter();
  const round = (value: number, digits: number): number => Number(value.toFixed(digits));
  return [round(lat, 5), round(lng, 5), round(map.getZoom(), 2), round(map.getBearing(), 1), round(map.getPitch(), 1)].join(",");
}

export function fitPoints(map: MapLibre, points: Iterable<LatLon>, isAnimated = true): void {
  const [south, west, north, east] = boundsOf(points);
  if (!(south <= north)) return;
  map.fitBounds(
    [[west, Math.max(-85, south)], [east, Math.min(85, north)]],
    { padding: 60, maxZoom: NEAREST_ZOOM, animate: isAnimated && !prefersStill(), duration: 500, pitch: map.getPitch(), bearing: map.getBearing() },
  );
}

/** All points of the borders of some plans. */
export function* pointsOf(plans: Iterable<PlanView>): Generator<LatLon> {
  for (const plan of plans) for (const volume of plan.volumes ?? []) yield* outlineOf(volume.shape);
}

function outlineOf(shape: Parameters<typeof ringOf>[0]): Iterable<LatLon> {
  return shape.kind === "polygon" ? shape.vertices : shape.kind === "corridor" ? shape.path : ringOf(shape);
}

export function tilt(map: MapLibre, isTilted: boolean): void {
  map.easeTo({ pitch: isTilted ? TILT_DEG : 0, duration: prefersStill() ? 0 : 400 });
}

function prefersStill(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
