/** The ground that MapLibre draws: sea, land, coasts and borders. No other host is asked for anything. */

import type { StyleSpecification } from "maplibre-gl";
import type { Ground } from "./palette";
import type { World } from "./outline";
import { rasterOf, type TileSource } from "./tiles";

const GROUNDS: Readonly<Record<Ground, { sea: string; land: string; coast: string; border: string }>> = {
  dark: { sea: "#0d151d", land: "#16212b", coast: "#3d5468", border: "#465c70" },
  light: { sea: "#dfe8ef", land: "#f6f6f2", coast: "#8ba0b2", border: "#a5a59b" },
};

export function groundStyle(ground: Ground, world: World | null, tiles: TileSource | null): StyleSpecification {
  const colors = GROUNDS[ground];
  const style: StyleSpecification = {
    version: 8,
    sources: {},
    layers: [{ id: "sea", type: "background", paint: { "background-color": colors.sea } }],
  };
  if (!world) return style;
  style.sources = {
    land: { type: "geojson", data: world.land, tolerance: 0.2 },
    coast: { type: "geojson", data: world.coast, tolerance: 0.2 },
    borders: { type: "geojson", data: world.borders, tolerance: 0.2 },
  };
  style.layers.push(
    { id: "land", type: "fill", source: "land", paint: { "fill-color": colors.land, "fill-antialias": false } },
    { id: "coast", type: "line", source: "coast", paint: { "line-color": colors.coast, "line-width": 1 } },
    {
      id: "borders",
      type: "line",
      source: "borders",
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
