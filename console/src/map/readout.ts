/** What the map says in words: where the pointer is, how long the scale is, where north is. */

import type { Map as MapLibre } from "maplibre-gl";
import type { LatLon } from "../api/wire";
import { fill, h, ltr } from "../shell/dom";
import type { Context } from "../shell/context";
import { NAUTICAL_MILE_M, scaleLength } from "../units/distance";
import { wrapLon } from "../units/position";

const SCALE_PX = 110;

export class Readout {
  readonly element: HTMLElement;
  private readonly place = h("output", { class: "place" });
  private readonly scaleBar = h("div", { class: "scale-bar" });
  private readonly scaleText = h("span", { class: "num" });
  private readonly needle = h("span", { class: "needle", "aria-hidden": "true" }, "▲");
  private readonly north: HTMLButtonElement;
  private readonly copyButton: HTMLButtonElement;
  private pointer: LatLon | null = null;

  constructor(
    private readonly map: MapLibre,
    private readonly context: Context,
  ) {
    this.north = h(
      "button",
      { type: "button", class: "north", on: { click: () => map.easeTo({ bearing: 0 }) } },
      this.needle,
      h("span", { "aria-hidden": "true" }, "N"),
    );
    this.copyButton = h("button", { type: "button", class: "icon copy", on: { click: () => this.copy() } }, "⧉");
    this.element = h(
      "div",
      { class: "readout" },
      this.north,
      h("div", { class: "scale" }, this.scaleText, this.scaleBar),
      h("div", { class: "place-box" }, this.place, this.copyButton),
    );
    map.on("mousemove", (event) => {
      this.pointer = { lat_deg: event.lngLat.lat, lon_deg: wrapLon(event.lngLat.lng) };
      this.showPlace();
    });
    map.on("move", () => this.update());
    map.on("contextmenu", (event) => {
      this.pointer = { lat_deg: event.lngLat.lat, lon_deg: wrapLon(event.lngLat.lng) };
      this.showPlace();
      this.copy();
    });
  }

  /** The pointer's place, or the middle of the map where there is no pointer. */
  at(): LatLon {
    const center = this.map.getCenter();
    return this.pointer ?? { lat_deg: center.lat, lon_deg: wrapLon(center.lng) };
  }

  copy(): void {
    const text = this.context.units.position(this.at());
    navigator.clipboard?.writeText(text).then(
      () => this.context.notices.show("plain", this.context.say("copied"), text),
      () => this.context.notices.show("plain", text),
    );
  }

  update(): void {
    const { context, map } = this;
    // Whoever speaks to the page says what is written there, so the name begins with it.
    this.north.setAttribute("aria-label", `N: ${context.say("map.north")}`);
    this.north.title = context.say("map.north");
    this.copyButton.setAttribute("aria-label", context.say("map.copy"));
    this.copyButton.title = context.say("map.copy");
    this.needle.style.transform = `rotate(${-map.getBearing()}deg)`;
    const { clientWidth, clientHeight } = map.getContainer();
    const y = clientHeight / 2;
    const [left, right] = [map.unproject([clientWidth / 2 - 50, y]), map.unproject([clientWidth / 2 + 50, y])];
    const metres_a_pixel = left.distanceTo(right) / 100;
    if (!(metres_a_pixel > 0)) return;
    const unit_m =
      context.settings.get().height === "ft" && metres_a_pixel * SCALE_PX >= NAUTICAL_MILE_M / 2 ? NAUTICAL_MILE_M : 1;
    const length_m = scaleLength((metres_a_pixel * SCALE_PX) / unit_m) * unit_m;
    this.scaleBar.style.width = `${length_m / metres_a_pixel}px`;
    fill(this.scaleText, ltr(context.units.distance(length_m)));
    this.showPlace();
  }

  private showPlace(): void {
    fill(this.place, ltr(this.context.units.position(this.at())));
  }
}
