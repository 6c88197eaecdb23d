/** Labels, grid and times of arrows over the map: drawn on a canvas, whose text shapes every script. */

import { WebMercatorViewport } from "@deck.gl/core";
import type { Map as MapLibre } from "maplibre-gl";
import { gridLabel, gridLines, gridStep } from "./grid";
import { type Ground, INKS } from "./palette";

export interface Label {
  readonly place: readonly [number, number, number];
  readonly text: string;
  readonly isStrong: boolean;
}

const FONT = "12px system-ui, sans-serif";
const STRONG_FONT = "600 12px system-ui, sans-serif";
const GRID_FONT = "10px system-ui, sans-serif";
const LINE_PX = 17;
const MOST_LABELS = 120;

export class LabelCanvas {
  readonly element: HTMLCanvasElement;
  private readonly pen: CanvasRenderingContext2D;
  private labels: readonly Label[] = [];
  private ground: Ground = "dark";
  /** Boxes of labels that are already there: left, top, right, bottom of each. */
  private readonly taken = new Float64Array(MOST_LABELS * 4);

  constructor(private readonly map: MapLibre) {
    this.element = document.createElement("canvas");
    this.element.className = "labels";
    this.element.setAttribute("aria-hidden", "true");
    this.element.dir = "ltr";
    const pen = this.element.getContext("2d", { willReadFrequently: true }); // painted by the processor: text is faster so
    if (!pen) throw new Error("no 2D canvas");
    this.pen = pen;
    // Above deck.gl's canvas, which is in the container of the map's controls.
    map.getContainer().append(this.element);
    map.on("render", () => this.draw());
  }

  set(labels: readonly Label[], ground: Ground): void {
    this.labels = labels;
    this.ground = ground;
    this.draw();
  }

  private draw(): void {
    const { clientWidth: width, clientHeight: height } = this.map.getContainer();
    const ratio = window.devicePixelRatio || 1;
    if (this.element.width !== Math.round(width * ratio) || this.element.height !== Math.round(height * ratio)) {
      this.element.width = Math.round(width * ratio);
      this.element.height = Math.round(height * ratio);
    }
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.pen.clearRect(0, 0, width, height);
    if (width === 0 || height === 0) return;
    this.drawGrid(width, height);
    this.drawLabels(width, height);
  }

  private drawGrid(width: number, height: number): void {
    const { pen, map } = this;
    const bounds = map.getBounds();
    const [west, east] = [bounds.getWest(), bounds.getEast()];
    const [south, north] = [Math.max(-85, bounds.getSouth()), Math.min(85, bounds.getNorth())];
    const step = gridStep(Math.max(east - west, (north - south) * 1.3));
    const isUpright = map.getPitch() < 1 && map.getBearing() === 0;
    pen.strokeStyle = INKS[this.ground].grid;
    pen.fillStyle = INKS[this.ground].label;
    pen.globalAlpha = 1;
    pen.lineWidth = 1;
    pen.font = GRID_FONT;
    pen.textBaseline = "alphabetic";
    pen.beginPath();
    const lons = gridLines(west, east, step);
    const lats = gridLines(south, north, step);
    for (const lon of lons) this.line(lon, south, lon, north);
    for (const lat of lats) this.line(west, lat, east, lat);
    pen.stroke();
    if (!isUpright) return;
    pen.globalAlpha = 0.6;
    for (const lon of lons) {
      const x = map.project([lon, south]).x;
      const wrapped = ((((lon + 180) % 360) + 360) % 360) - 180;
      if (x > 40 && x < width - 40) pen.fillText(gridLabel(wrapped, step, "E", "W"), x + 3, 11);
    }
    for (const lat of lats) {
      const y = map.project([west, lat]).y;
      if (y > 60 && y < height - 40) pen.fillText(gridLabel(lat, step, "N", "S"), 3, y - 3);
    }
    pen.globalAlpha = 1;
  }

  private line(lon1: number, lat1: number, lon2: number, lat2: number): void {
    const from = this.map.project([lon1, lat1]);
    const to = this.map.project([lon2, lat2]);
    this.pen.moveTo(from.x, from.y);
    this.pen.lineTo(to.x, to.y);
  }

  private drawLabels(width: number, height: number): void {
    if (this.labels.length === 0) return;
    const viewport = viewportOf(this.map, width, height);
    const { pen } = this;
    const inks = INKS[this.ground];
    pen.textBaseline = "middle";
    let count = 0;
    for (const label of this.labels) {
      if (count >= MOST_LABELS) break;
      const [at, y] = viewport.project(label.place as [number, number, number]) as [number, number];
      if (!(at > 0 && at < width && y > 0 && y < height)) continue;
      pen.font = label.isStrong ? STRONG_FONT : FONT;
      const half = pen.measureText(label.text).width / 2 + 4;
      const x = Math.min(width - half, Math.max(half, at));
      const top = this.free(x - half, y - LINE_PX - 4, x + half, count);
      if (top === null) continue;
      pen.fillStyle = inks.labelGround;
      pen.fillRect(x - half, top, half * 2, LINE_PX);
      pen.fillStyle = inks.label;
      pen.textAlign = "center";
      pen.fillText(label.text, x, top + LINE_PX / 2 + 0.5);
      count += 1;
    }
    pen.textAlign = "start";
  }

  /** A height at which the box hides no other label; null if there is none near its place. */
  private free(left: number, wanted: number, right: number, count: number): number | null {
    for (const shift of [0, LINE_PX + 10, -LINE_PX, LINE_PX * 2 + 10]) {
      const top = wanted + shift;
      let isFree = true;
      for (let k = 0; k < count * 4 && isFree; k += 4) {
        const [l, t, r, b] = [this.taken[k], this.taken[k + 1], this.taken[k + 2], this.taken[k + 3]] as [
          number,
          number,
          number,
          number,
        ];
        isFree = right < l || left > r || top + LINE_PX < t || top > b;
      }
      if (!isFree) continue;
      this.taken.set([left, top, right, top + LINE_PX], count * 4);
      return top;
    }
    return null;
  }
}

/** The camera of MapLibre as deck.gl has it, to project points in the air. */
export function viewportOf(map: MapLibre, width: number, height: number): WebMercatorViewport {
  const { lng, lat } = map.getCenter();
  return new WebMercatorViewport({
    width,
    height,
    longitude: lng,
    latitude: lat,
    zoom: map.getZoom(),
    pitch: map.getPitch(),
    bearing: map.getBearing(),
  });
}
