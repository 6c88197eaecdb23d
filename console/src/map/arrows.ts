/** Arrows as one line each: a shaft and a head with two barbs. */

import type { Arrow } from "./scene";

const HEAD_PX = 12;
const BARB_DEG = 28;
const METRES_A_DEGREE = 111_320;

type Point = readonly [number, number, number];

/** The points of an arrow; one that only rises has its barbs in the east-up plane. */
export function arrowPath(arrow: Arrow, hasHeights: boolean, pixel_m: number): Point[] {
  const from: Point = hasHeights ? arrow.from : [arrow.from[0], arrow.from[1], 0];
  const to: Point = hasHeights ? arrow.to : [arrow.to[0], arrow.to[1], 0];
  const metres_lon = METRES_A_DEGREE * Math.cos((from[1] * Math.PI) / 180);
  const east_m = (to[0] - from[0]) * metres_lon;
  const north_m = (to[1] - from[1]) * METRES_A_DEGREE;
  const up_m = to[2] - from[2];
  const flat_m = Math.hypot(east_m, north_m);
  if (flat_m < 1 && Math.abs(up_m) < 1) return [from, to];
  const head_m = HEAD_PX * pixel_m;
  const isRising = flat_m < 1;
  const angle = isRising ? Math.atan2(up_m, 0) : Math.atan2(north_m, east_m);
  const barb = (sign: number): Point => {
    const turned = angle + Math.PI + (sign * BARB_DEG * Math.PI) / 180;
    const [along_m, across_m] = [Math.cos(turned) * head_m, Math.sin(turned) * head_m];
    return isRising
      ? [to[0] + along_m / metres_lon, to[1], to[2] + across_m]
      : [to[0] + along_m / metres_lon, to[1] + across_m / METRES_A_DEGREE, to[2]];
  };
  return [from, to, barb(1), to, barb(-1)];
}
