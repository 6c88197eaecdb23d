/** Positions by distance and bearing on the WGS 84 ellipsoid, good enough to draw (about a metre in 100 km). */

import type { LatLon } from "../api/wire";

const A_M = 6_378_137;
const F = 1 / 298.257_223_563;
const E2 = F * (2 - F);
const RAD = Math.PI / 180;
/** Up to here the ellipsoid is taken as the sphere that fits it best at the place. */
const SHORT_M = 20_000;

export interface Reach {
  readonly distance_m: number;
  readonly bearing_deg: number;
}

/** Where one comes from a place after a distance in a direction (Vincenty 1975, direct, beyond 20 km). */
export function destination(from: LatLon, bearing_deg: number, distance_m: number): LatLon {
  if (distance_m <= SHORT_M) return near(from, bearing_deg, distance_m);
  return vincenty(from, bearing_deg, distance_m);
}

function near(from: LatLon, bearing_deg: number, distance_m: number): LatLon {
  const radius_m = localRadius(from.lat_deg, bearing_deg);
  const lat = from.lat_deg * RAD;
  const reach = distance_m / radius_m;
  const sinTo = Math.sin(lat) * Math.cos(reach) + Math.cos(lat) * Math.sin(reach) * Math.cos(bearing_deg * RAD);
  const to = Math.asin(Math.min(1, Math.max(-1, sinTo)));
  const turn = Math.atan2(
    Math.sin(bearing_deg * RAD) * Math.sin(reach) * Math.cos(lat),
    Math.cos(reach) - Math.sin(lat) * sinTo,
  );
  // The sphere's radius is right along the bearing, yet latitude grows with the meridian's own radius.
  const meridian_m = (A_M * (1 - E2)) / (1 - E2 * Math.sin(lat) ** 2) ** 1.5;
  const normal_m = A_M / Math.sqrt(1 - E2 * Math.sin(lat) ** 2);
  return {
    lat_deg: from.lat_deg + ((to - lat) / RAD) * (radius_m / meridian_m),
    lon_deg: from.lon_deg + (turn / RAD) * (radius_m / normal_m),
  };
}

/** The radius of curvature in a direction (Euler). */
function localRadius(lat_deg: number, bearing_deg: number): number {
  const w = 1 - E2 * Math.sin(lat_deg * RAD) ** 2;
  const meridian_m = (A_M * (1 - E2)) / w ** 1.5;
  const normal_m = A_M / Math.sqrt(w);
  const along = Math.cos(bearing_deg * RAD) ** 2;
  return 1 / (along / meridian_m + (1 - along) / normal_m);
}

function vincenty(from: LatLon, bearing_deg: number, distance_m: number): LatLon {
  const b_m = A_M * (1 - F);
  const sinA1 = Math.sin(bearing_deg * RAD);
  const cosA1 = Math.cos(bearing_deg * RAD);
  const tanU1 = (1 - F) * Math.tan(from.lat_deg * RAD);
  const cosU1 = 1 / Math.hypot(1, tanU1);
  const sinU1 = tanU1 * cosU1;
  const sigma1 = Math.atan2(tanU1, cosA1);
  const sinA = cosU1 * sinA1;
  const cos2A = 1 - sinA * sinA;
  const u2 = (cos2A * (A_M ** 2 - b_m ** 2)) / b_m ** 2;
  const a = 1 + (u2 / 16384) * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)));
  const b = (u2 / 1024) * (256 + u2 * (-128 + u2 * (74 - 47 * u2)));
  let sigma = distance_m / (b_m * a);
  for (let turn = 0; turn < 20; turn += 1) {
    const c2 = Math.cos(2 * sigma1 + sigma);
    const s = Math.sin(sigma);
    const step =
      b *
      s *
      (c2 + (b / 4) * (Math.cos(sigma) * (2 * c2 * c2 - 1) - (b / 6) * c2 * (4 * s * s - 3) * (4 * c2 * c2 - 3)));
    const next = distance_m / (b_m * a) + step;
    const change = Math.abs(next - sigma);
    sigma = next;
    if (change < 1e-12) break;
  }
  const s = Math.sin(sigma);
  const c = Math.cos(sigma);
  const c2 = Math.cos(2 * sigma1 + sigma);
  const tmp = sinU1 * s - cosU1 * c * cosA1;
  const lat = Math.atan2(sinU1 * c + cosU1 * s * cosA1, (1 - F) * Math.hypot(sinA, tmp));
  const lambda = Math.atan2(s * sinA1, cosU1 * c - sinU1 * s * cosA1);
  const cc = (F / 16) * cos2A * (4 + F * (4 - 3 * cos2A));
  const lon = lambda - (1 - cc) * F * sinA * (sigma + cc * s * (c2 + cc * c * (2 * c2 * c2 - 1)));
  return { lat_deg: lat / RAD, lon_deg: from.lon_deg + lon / RAD };
}

/** Up to this difference in degrees Gauss's mid-latitude formulas are as good as a drawing needs. */
const MIDDLE_DEG = 3;

/** Distance and first bearing from one place to another. */
export function reach(from: LatLon, to: LatLon): Reach {
  const isNear = Math.abs(to.lat_deg - from.lat_deg) < MIDDLE_DEG && Math.abs(to.lon_deg - from.lon_deg) < MIDDLE_DEG;
  return isNear && Math.abs(from.lat_deg) < 85 ? midLatitude(from, to) : spherical(from, to);
}

function midLatitude(from: LatLon, to: LatLon): Reach {
  const middle = ((from.lat_deg + to.lat_deg) / 2) * RAD;
  const w = 1 - E2 * Math.sin(middle) ** 2;
  const turn = (to.lon_deg - from.lon_deg) * RAD;
  const east_m = (A_M / Math.sqrt(w)) * Math.cos(middle) * turn;
  const north_m = ((A_M * (1 - E2)) / w ** 1.5) * (to.lat_deg - from.lat_deg) * RAD;
  // The bearing is that at the middle; meridians have turned by half the convergence until there.
  const bearing_deg = (Math.atan2(east_m, north_m) - (turn * Math.sin(middle)) / 2) / RAD;
  return { distance_m: Math.hypot(east_m, north_m), bearing_deg: (bearing_deg + 360) % 360 };
}

function spherical(from: LatLon, to: LatLon): Reach {
  const [lat1, lat2] = [from.lat_deg * RAD, to.lat_deg * RAD];
  const turn = (to.lon_deg - from.lon_deg) * RAD;
  const bearing_deg =
    Math.atan2(
      Math.sin(turn) * Math.cos(lat2),
      Math.cos(lat1) * Math.sin(lat2) - Math.sin(lat1) * Math.cos(lat2) * Math.cos(turn),
    ) / RAD;
  const half = Math.sin((lat2 - lat1) / 2) ** 2 + Math.cos(lat1) * Math.cos(lat2) * Math.sin(turn / 2) ** 2;
  const middle_deg = (from.lat_deg + to.lat_deg) / 2;
  return {
    distance_m: 2 * Math.asin(Math.min(1, Math.sqrt(half))) * localRadius(middle_deg, bearing_deg),
    bearing_deg: (bearing_deg + 360) % 360,
  };
}

/** Points along the shortest path between two places, the first included and the last not, at most `step_m` apart. */
export function along(from: LatLon, to: LatLon, step_m: number): LatLon[] {
  const { distance_m } = reach(from, to);
  const count = Math.max(1, Math.ceil(distance_m / step_m));
  const points: LatLon[] = [from];
  const [a, b] = [unit(from), unit(to)];
  const angle = Math.acos(Math.min(1, Math.max(-1, a[0] * b[0] + a[1] * b[1] + a[2] * b[2])));
  for (let k = 1; k < count; k += 1) {
    const p = Math.sin(angle * (1 - k / count)) / Math.sin(angle);
    const q = Math.sin((angle * k) / count) / Math.sin(angle);
    const [x, y, z] = [p * a[0] + q * b[0], p * a[1] + q * b[1], p * a[2] + q * b[2]];
    points.push({ lat_deg: Math.atan2(z, Math.hypot(x, y)) / RAD, lon_deg: Math.atan2(y, x) / RAD });
  }
  return points;
}

function unit(place: LatLon): readonly [number, number, number] {
  const [lat, lon] = [place.lat_deg * RAD, place.lon_deg * RAD];
  return [Math.cos(lat) * Math.cos(lon), Math.cos(lat) * Math.sin(lon), Math.sin(lat)];
}
