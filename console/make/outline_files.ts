/** Packs the outline of the world before a build: Natural Earth at 1:110 and 1:50 million, as world-atlas has it. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { feature, mesh } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import type { MultiPolygon, Polygon } from "geojson";
import { packOutline } from "../src/map/outline.ts";

type Atlas = Topology<{ countries: GeometryCollection; land: GeometryCollection }>;

const PACKAGE = new URL("../node_modules/world-atlas/", import.meta.url);
/** Steps a degree: 4 km and 550 m at the equator, finer than these outlines know their coasts. */
const SOURCES = {
  coarse: { file: "countries-110m.json", steps_a_deg: 25 },
  fine: { file: "countries-50m.json", steps_a_deg: 200 },
} as const;

export function packedOutline(fineness: keyof typeof SOURCES): ReturnType<typeof packOutline> {
  const { file, steps_a_deg } = SOURCES[fineness];
  const atlas = JSON.parse(readFileSync(new URL(file, PACKAGE), "utf8")) as Atlas;
  const land = feature(atlas, atlas.objects.land).features.map((one) => one.geometry as Polygon | MultiPolygon);
  return packOutline(
    land,
    mesh(atlas, atlas.objects.countries, (a, b) => a !== b),
    steps_a_deg,
  );
}

/** They go into the package they are made of, so that its licence is listed with the page's. */
export function writeOutlines(): void {
  const folder = new URL("packed/", PACKAGE);
  mkdirSync(folder, { recursive: true });
  for (const fineness of Object.keys(SOURCES) as (keyof typeof SOURCES)[]) {
    writeFileSync(new URL(`${fineness}.json`, folder), JSON.stringify(packedOutline(fineness)));
  }
}
