/** Where the map looks from: first view, views that hold something, the view in the address. */

import type { Map as MapLibre } from "maplibre-gl";
import type { LatLon, PlanView } from "../api/wire";
import { boundsOf, ringOf } from "./rings";

const NEAREST_ZOOM = 14;
export const TILT_DEG = 50;

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
  return [
    round(lat, 5),
    round(lng, 5),
    round(map.getZoom(), 2),
    round(map.getBearing(), 1),
    round(map.getPitch(), 1),
  ].join(",");
}

/** How much of the map's height the way up to the highest point may take. */
const HEIGHT_SHARE = 0.3;
const MARGIN_SHARE = 0.14;

/**
 * Moves the view so that points are in it.
 *
 * @param height_m how high above the ground they are; counts when the map is tilted
 */
export function fitPoints(map: MapLibre, points: Iterable<LatLon>, height_m = 0, isAnimated = true): void {
  const [south, west, north, east] = boundsOf(points);
  if (!(south <= north)) return;
  const box: [[number, number], [number, number]] = [
    [west, Math.max(-85, south)],
    [east, Math.min(85, north)],
  ];
  // The drawer may have opened just now; what is fitted must fit into what is left.
  map.resize();
  const { clientWidth, clientHeight } = map.getContainer();
  const padding = Math.round(Math.min(clientWidth, clientHeight) * MARGIN_SHARE);
  const camera = map.cameraForBounds(box, { padding, maxZoom: NEAREST_ZOOM, bearing: map.getBearing() });
  if (!camera?.center) return;
  const rise_m = height_m * Math.sin((map.getPitch() * Math.PI) / 180);
  const highest_px = clientHeight * HEIGHT_SHARE;
  const nearest = rise_m > 0 ? zoomAt(rise_m / highest_px, (south + north) / 2) : NEAREST_ZOOM;
  const zoom = Math.min(camera.zoom ?? NEAREST_ZOOM, nearest);
  const offset: [number, number] = [0, rise_m / metresAPixel(zoom, (south + north) / 2)];
  const isStill = !isAnimated || prefersStill();
  map.easeTo({ center: camera.center, zoom, offset, duration: 500, animate: !isStill });
}

const EQUATOR_M = 40_075_016;

/** Metres on the ground for a pixel in the middle of the map. */
export function metresAPixel(zoom: number, lat_deg: number): number {
  return (EQUATOR_M * Math.cos((lat_deg * Math.PI) / 180)) / (512 * 2 ** zoom);
}

function zoomAt(metres: number, lat_deg: number): number {
  return Math.log2((EQUATOR_M * Math.cos((lat_deg * Math.PI) / 180)) / (512 * metres));
}

/** All points of the borders of some plans. */
export function* pointsOf(plans: Iterable<PlanView>): Generator<LatLon> {
  for (const plan of plans) for (const volume of plan.volumes ?? []) yield* outlineOf(volume.shape);
}

function outlineOf(shape: Parameters<typeof ringOf>[0]): Iterable<LatLon> {
  return shape.kind === "polygon" ? shape.vertices : shape.kind === "corridor" ? shape.path : ringOf(shape);
}

export function tilt(map: MapLibre, isTilted: boolean): void {
  // A flat map is upright, as a chart is: its degrees stand at its edges.
  const view = isTilted ? { pitch: TILT_DEG } : { pitch: 0, bearing: 0 };
  map.easeTo({ ...view, duration: prefersStill() ? 0 : 400 });
}

function prefersStill(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** The highest that some plans reach, in metres as declared. */
export function heightOf(plans: Iterable<PlanView>): number {
  let height_m = 0;
  for (const plan of plans) for (const volume of plan.volumes ?? []) height_m = Math.max(height_m, volume.upper_m);
  return height_m;
}
