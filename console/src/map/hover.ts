/** The box beside the pointer that says what it is over. */

import { planName } from "../plans/naming";
import type { Context } from "../shell/context";
import { fill, foreign, h, ltr } from "../shell/dom";
import type { Item } from "./table";

export interface HoverBox {
  readonly element: HTMLElement;
  show(item: Item | undefined, x: number, y: number, context: Context): void;
}

export function hoverBox(): HoverBox {
  const element = h("div", { class: "hover", "aria-hidden": "true", hidden: true });
  return {
    element,
    show(item, x, y, context): void {
      element.hidden = !item;
      if (!item) return;
      const { plan, volume } = item;
      fill(
        element,
        h("strong", {}, foreign(planName(plan, context.known))),
        h("div", {}, foreign(context.known.partyName(plan.party_id)), " · ", context.say(`state.${plan.state}`)),
        h("div", {}, ltr(context.units.band(volume.lower_m, volume.upper_m, volume.datum))),
        h("div", {}, ltr(context.units.span(volume.start, volume.end))),
      );
      element.style.transform = `translate(${x + 14}px, ${y + 14}px)`;
    },
  };
}
