/** The ground that MapLibre draws: sea, land, coasts and borders. No other host is asked for anything. */

import type { FeatureCollection } from "geojson";
import type { StyleSpecification } from "maplibre-gl";
import type { Ground } from "./palette";
import type { World } from "./outline";
import { rasterOf, type TileSource } from "./tiles";

const GROUNDS: Readonly<Record<Ground, { sea: string; land: string; coast: string; border: string }>> = {
  dark: { sea: "#0d151d", land: "#16212b", coast: "#3d5468", border: "#465c70" },
  light: { sea: "#dfe8ef", land: "#f6f6f2", coast: "#8ba0b2", border: "#a5a59b" },
};

/** What shows where nothing is drawn: the map's element has it, since a layer of its own would fill the map once more. */
export function seaColor(ground: Ground): string {
  return GROUNDS[ground].sea;
}

/**
 * The style of the ground.
 *
 * All lines and areas are of one source: for each source the map marks its tiles anew, which fills the whole map
 * once and is most of the work where a processor paints.
 */
export function groundStyle(ground: Ground, world: World | null, tiles: TileSource | null): StyleSpecification {
  const colors = GROUNDS[ground];
  const style: StyleSpecification = { version: 8, sources: {}, layers: [] };
  if (!world) return style;
  style.sources = { world: { type: "geojson", data: featuresOf(world), tolerance: 0.2 } };
  style.layers.push(
    { ...of("land"), type: "fill", paint: { "fill-color": colors.land, "fill-antialias": false } },
    { ...of("coast"), type: "line", paint: { "line-color": colors.coast, "line-width": 1 } },
    {
      ...of("borders"),
      type: "line",
      paint: { "line-color": colors.border, "line-width": 1.2, "line-dasharray": [4, 2] },
    },
  );
  if (tiles) {
    style.sources["tiles"] = rasterOf(tiles);
    const coast = style.layers.findIndex((layer) => layer.id === "coast");
    style.layers.splice(coast, 1, { id: "tiles", type: "raster", source: "tiles", paint: { "raster-fade-duration": 0 } });
  }
  return style;
}

function of(kind: keyof World): { id: string; source: string; filter: ["==", string, string] } {
  return { id: kind, source: "world", filter: ["==", "kind", kind] };
}

function featuresOf(world: World): FeatureCollection {
  const kinds = ["land", "coast", "borders"] as const;
  return {
    type: "FeatureCollection",
    features: kinds.map((kind) => ({ type: "Feature", properties: { kind }, geometry: world[kind] })),
  };
}
