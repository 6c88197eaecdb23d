/** Ways out: asked for, shown on the map, taken with one press. */

import type { WayOut, WaysOut } from "../api/wire";
import type { Context } from "../shell/context";
import { fill, h, ltr } from "../shell/dom";
import { shiftTime } from "../map/label_texts";

/** What a way out changes, in one line. */
export function wayText(context: Context, way: WayOut): HTMLElement {
  const { units } = context;
  if (way.kind === "time") return h("span", {}, context.say("way.time"), " ", ltr(shiftTime(way.shift_s, context)));
  if (way.kind === "height") {
    const sign = way.shift_up_m < 0 ? "↓" : "↑";
    return h(
      "span",
      {},
      context.say("way.height"),
      " ",
      ltr(`${sign} ${units.heightDifference(Math.abs(way.shift_up_m))}`),
    );
  }
  return h("span", {}, context.say("way.sideways"), " ", ltr(units.shift(way.shift_east_m, way.shift_north_m)));
}

/** The offers as a list; `take` is called with the one that is pressed. */
export function wayList(
  context: Context,
  ways: WaysOut,
  show: (way: WayOut | null) => void,
  take: (way: WayOut) => void,
): HTMLElement {
  const offer = (way: WayOut): HTMLElement =>
    h(
      "li",
      {
        on: {
          mouseenter: () => show(way),
          mouseleave: () => show(null),
          focusin: () => show(way),
          focusout: () => show(null),
        },
      },
      wayText(context, way),
      h("button", { type: "button", class: "primary", on: { click: () => take(way) } }, context.say("way.take")),
    );
  const none = (one: WaysOut["none"][number]): HTMLElement =>
    h("li", { class: "none" }, h("span", {}, context.say(`way.${one.kind}`), ": ", h("bdi", { dir: "auto" }, one.why)));
  return h("ul", { class: "ways" }, ways.offers.map(offer), ways.none.map(none));
}

/** A button that asks, and a place for what was offered. */
export function askWays(
  context: Context,
  ask: () => Promise<WaysOut | null>,
  take: (way: WayOut) => Promise<void>,
): HTMLElement {
  const host = h("div", { "aria-live": "polite" });
  const press = h("button", { type: "button", on: { click: () => void run() } }, context.say("way.ask"));
  const show = (way: WayOut | null): void =>
    context.map.showDraft(way === null ? null : { volumes: [], handles: [], conflicts: [], way });

  async function run(): Promise<void> {
    press.disabled = true;
    fill(host, h("p", {}, context.say("way.looking")));
    try {
      const ways = await ask();
      if (!ways) fill(host, h("p", { class: "calm" }, context.say("way.free")));
      else
        fill(
          host,
          wayList(context, ways, show, (way) => void takeOne(way)),
        );
    } catch (error) {
      fill(host);
      context.notices.trouble(error);
    } finally {
      press.disabled = false;
    }
  }

  async function takeOne(way: WayOut): Promise<void> {
    show(null);
    // As long as offers stand there, the detail is not made anew.
    const offered = [...host.childNodes];
    fill(host);
    try {
      await take(way);
    } catch (error) {
      fill(host, offered);
      context.notices.trouble(error);
    }
  }

  return h("div", { class: "ask-ways" }, press, host);
}
