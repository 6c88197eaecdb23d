/** Dragging the handles of a draft: a press near one takes hold of it, and the map stays where it is. */

import type { LngLat, Map as MapLibre, MapMouseEvent, MapTouchEvent, Point } from "maplibre-gl";
import type { LatLon } from "../api/wire";
import { wrapLon } from "../units/position";

/** How far from a handle a press may be, in pixels: a finger's half. */
const REACH_PX = 14;

export type Dragged = (place: number, to: LatLon, isLast: boolean) => void;

/** Which of some points on the screen is nearest and within reach; -1: none. */
export function nearest(points: readonly { x: number; y: number }[], at: { x: number; y: number }): number {
  let found = -1;
  let best_px = REACH_PX;
  points.forEach((point, k) => {
    const away_px = Math.hypot(point.x - at.x, point.y - at.y);
    if (away_px <= best_px) [found, best_px] = [k, away_px];
  });
  return found;
}

export class HandleDrag {
  /** Whether the last press was on a handle: its click then adds nothing. */
  isHeld = false;
  private held = -1;
  private last: LatLon | null = null;

  constructor(
    private readonly map: MapLibre,
    private readonly handles: () => readonly LatLon[],
    private readonly tell: Dragged,
  ) {
    for (const event of ["mousedown", "touchstart"] as const) map.on(event, this.press);
    for (const event of ["mousemove", "touchmove"] as const) map.on(event, this.move);
    for (const event of ["mouseup", "touchend", "touchcancel"] as const) map.on(event, this.release);
  }

  stop(): void {
    for (const event of ["mousedown", "touchstart"] as const) this.map.off(event, this.press);
    for (const event of ["mousemove", "touchmove"] as const) this.map.off(event, this.move);
    for (const event of ["mouseup", "touchend", "touchcancel"] as const) this.map.off(event, this.release);
  }

  private readonly press = (event: MapMouseEvent | MapTouchEvent): void => {
    const points = this.handles().map((handle): Point => this.map.project([handle.lon_deg, handle.lat_deg]));
    this.held = nearest(points, event.point);
    this.last = null;
    this.isHeld = this.held >= 0;
    if (this.isHeld) event.preventDefault();
  };

  private readonly move = (event: MapMouseEvent | MapTouchEvent): void => {
    if (this.held < 0) return;
    event.preventDefault();
    this.last = placeOf(event.lngLat);
    this.tell(this.held, this.last, false);
  };

  private readonly release = (): void => {
    const { held, last } = this;
    this.held = -1;
    if (held >= 0 && last) this.tell(held, last, true);
  };
}

function placeOf({ lat, lng }: LngLat): LatLon {
  const round = (value: number): number => Number(value.toFixed(6));
  return { lat_deg: round(lat), lon_deg: round(wrapLon(lng)) };
}
