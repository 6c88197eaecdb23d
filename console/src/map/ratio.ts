/** How many pixels MapLibre draws for one of the page's layout. */

import type { Map as MapLibre } from "maplibre-gl";

/**
 * Draws with another number of pixels from now on.
 *
 * MapLibre takes this for a new size, and a new size ends what moves it: a drag would end as soon as the map begins
 * to draw more coarsely because of it. The map is as large as before, so nothing is to end.
 */
export function setRatio(map: MapLibre, ratio: number): void {
  if (map.getPixelRatio() === ratio) return;
  map.stop = () => map;
  try {
    map.setPixelRatio(ratio);
  } finally {
    Reflect.deleteProperty(map, "stop");
  }
}
