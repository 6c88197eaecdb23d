/** The key to the bar's colours, and what is written of one slice of it. */

import type { Context } from "../shell/context";
import { h } from "../shell/dom";
import type { Density } from "./density";
import type { Window } from "./window";

const KINDS = ["mine", "others", "open", "settled"] as const;

export function barKey(context: Context): HTMLElement {
  return h(
    "span",
    { class: "bar-key" },
    KINDS.map((kind) =>
      h("span", {}, h("i", { class: `bar-${kind}`, "aria-hidden": "true" }), context.say(`bar.${kind}`)),
    ),
  );
}

/** Which slice of a window an instant is in; null outside. */
export function sliceAt(window: Window, slices: number, instant_ms: number): number | null {
  const slice = Math.floor(((instant_ms - window[0]) / (window[1] - window[0])) * slices);
  return slice >= 0 && slice < slices ? slice : null;
}

/** From when to when, how many plans, how many conflicts. */
export function sliceText(context: Context, window: Window, density: Density, slice: number): string {
  const width_ms = (window[1] - window[0]) / density.mine.length;
  const time = (place: number): string => context.units.time(window[0] + place * width_ms);
  return context.say("bar.slice", {
    from: time(slice),
    to: time(slice + 1),
    mine: density.mine[slice] ?? 0,
    others: density.others[slice] ?? 0,
    open: density.open[slice] ?? 0,
    settled: density.settled[slice] ?? 0,
  });
}

/** The box over the bar that says what the pointer is over. */
export class SliceBox {
  readonly element = h("div", { class: "hover slice", dir: "auto", "aria-hidden": "true", hidden: true });

  /** @param x from the left of the bar; null: nothing is pointed at */
  show(text: string | null, x: number, width: number): void {
    this.element.hidden = text === null;
    if (text === null) return;
    this.element.textContent = text;
    this.element.style.left = `${Math.min(x, Math.max(0, width - this.element.offsetWidth))}px`;
  }
}
