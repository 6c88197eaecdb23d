/** Volumes out of a GeoJSON file, as docs/formats.md has it. Pure; the exchange checks what it says. */

import type { Datum, LatLon, PlanVolume, Shape } from "../api/wire";

export interface FilePlan {
  readonly id: string;
  readonly title: string;
  readonly volumes: readonly PlanVolume[];
}

/** A file that is not what it should be; `where` names the Feature. */
export class FileFault extends Error {
  constructor(
    readonly what: "no_json" | "no_feature" | "geometry" | "property" | "holes",
    readonly where: string,
  ) {
    super(`${what} ${where}`);
  }
}

const DATUMS: readonly Datum[] = ["WGS84", "AMSL", "STD"];
const MAX_VOLUMES = 256;

/** The plans of a file; Features of one id are one plan. */
export function readGeoJson(text: string): FilePlan[] {
  const plans = new Map<string, { title: string; volumes: PlanVolume[] }>();
  featuresOf(text).forEach((feature, k) => {
    const properties = record(feature["properties"]) ?? {};
    const id = String(properties["id"] ?? feature["id"] ?? `#${k + 1}`);
    const plan = plans.get(id) ?? {
      title: String(properties["title"] ?? properties["id"] ?? "").slice(0, 200),
      volumes: [],
    };
    for (const shape of shapesOf(record(feature["geometry"]), properties, id))
      plan.volumes.push(volumeOf(shape, properties, id));
    if (plan.volumes.length > MAX_VOLUMES) throw new FileFault("geometry", id);
    plans.set(id, plan);
  });
  return [...plans].map(([id, plan]) => ({ id, ...plan }));
}

type Json = Readonly<Record<string, unknown>>;

function featuresOf(text: string): Json[] {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    throw new FileFault("no_json", "");
  }
  const read = record(value);
  const features = read?.["type"] === "FeatureCollection" ? read["features"] : [value];
  const found = Array.isArray(features) ? features.map(record).filter((one) => one?.["type"] === "Feature") : [];
  if (found.length === 0) throw new FileFault("no_feature", "");
  return found as Json[];
}

function record(value: unknown): Json | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

function volumeOf(shape: Shape, properties: Json, id: string): PlanVolume {
  const datum = properties["datum"] ?? "WGS84";
  const [start, end] = [instant(properties["start"], id), instant(properties["end"], id)];
  const known = DATUMS.find((one) => one === datum);
  if (!known) throw new FileFault("property", `${id}: datum`);
  return {
    shape,
    lower_m: numberOf(properties, "lower_m", id),
    upper_m: numberOf(properties, "upper_m", id),
    start,
    end,
    datum: known,
  };
}

function instant(value: unknown, id: string): string {
  const hasZone = typeof value === "string" && /(?:Z|[+-]\d\d:\d\d)$/i.test(value);
  const ms = hasZone ? Date.parse(value) : Number.NaN;
  if (!Number.isFinite(ms)) throw new FileFault("property", `${id}: start, end`);
  return new Date(ms).toISOString();
}

function numberOf(properties: Json, name: string, id: string): number {
  const value = properties[name];
  if (typeof value !== "number" || !Number.isFinite(value)) throw new FileFault("property", `${id}: ${name}`);
  return value;
}

function shapesOf(geometry: Json | null, properties: Json, id: string): Shape[] {
  const coordinates = geometry?.["coordinates"];
  const each = (make: (part: unknown) => Shape): Shape[] => (Array.isArray(coordinates) ? coordinates.map(make) : []);
  const point = (part: unknown): Shape => ({
    kind: "circle",
    center: position(part, id),
    radius_m: numberOf(properties, "radius_m", id),
  });
  const line = (part: unknown): Shape => ({
    kind: "corridor",
    path: positions(part, id),
    width_m: numberOf(properties, "width_m", id),
  });
  const area = (part: unknown): Shape => polygon(part, id);
  switch (geometry?.["type"]) {
    case "Point":
      return [point(coordinates)];
    case "MultiPoint":
      return each(point);
    case "LineString":
      return [line(coordinates)];
    case "MultiLineString":
      return each(line);
    case "Polygon":
      return [area(coordinates)];
    case "MultiPolygon":
      return each(area);
    case "GeometryCollection": {
      const parts = geometry["geometries"];
      return Array.isArray(parts) ? parts.flatMap((part) => shapesOf(record(part), properties, id)) : [];
    }
    default:
      throw new FileFault("geometry", id);
  }
}

function polygon(rings: unknown, id: string): Shape {
  if (!Array.isArray(rings) || rings.length === 0) throw new FileFault("geometry", id);
  if (rings.length > 1) throw new FileFault("holes", id);
  const vertices = positions(rings[0], id);
  const [first, last] = [vertices[0], vertices.at(-1)];
  const isClosed = first && last && first.lat_deg === last.lat_deg && first.lon_deg === last.lon_deg;
  return { kind: "polygon", vertices: isClosed ? vertices.slice(0, -1) : vertices };
}

function positions(value: unknown, id: string): LatLon[] {
  if (!Array.isArray(value)) throw new FileFault("geometry", id);
  return value.map((part) => position(part, id));
}

function position(value: unknown, id: string): LatLon {
  const [lon_deg, lat_deg] = Array.isArray(value) ? (value as unknown[]) : [];
  if (typeof lon_deg !== "number" || typeof lat_deg !== "number" || Math.abs(lat_deg) > 90 || Math.abs(lon_deg) > 180) {
    throw new FileFault("geometry", id);
  }
  return { lat_deg, lon_deg };
}
