/** Map tiles of the exchange itself, if it has some. */

import type { RasterSourceSpecification } from "maplibre-gl";

export interface TileSource {
  readonly min_zoom: number;
  readonly max_zoom: number;
  /** West, south, east, north. */
  readonly bounds_deg: readonly [number, number, number, number];
  readonly attribution: string;
}

const PATH = "/console/tiles";

/** Null where the exchange has no tiles. */
export async function loadTiles(): Promise<TileSource | null> {
  const answer = await fetch(PATH);
  if (!answer.ok) throw new Error(`map tiles: ${answer.status}`);
  return ((await answer.json()) as { source: TileSource | null }).source;
}

/** No attribution: MapLibre would read it as HTML. */
export function rasterOf(tiles: TileSource): RasterSourceSpecification {
  return {
    type: "raster",
    tiles: [`${location.origin}${PATH}/{z}/{x}/{y}`],
    tileSize: 256,
    minzoom: tiles.min_zoom,
    maxzoom: tiles.max_zoom,
    bounds: [...tiles.bounds_deg],
  };
}
