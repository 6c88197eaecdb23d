/** The box beside the pointer that says what it is over. */

import { planName } from "../plans/naming";
import type { Context } from "../shell/context";
import { fill, foreign, h, ltr } from "../shell/dom";
import { settlementText } from "../detail/settlement";
import type { Piece } from "./scene";
import type { Item } from "./table";

/** What the pointer may be over. */
export type Target = Item | Piece;

export function isPiece(target: Target): target is Piece {
  return "isSelected" in target;
}

export interface HoverBox {
  readonly element: HTMLElement;
  show(target: Target | undefined, x: number, y: number, context: Context): void;
}

export function hoverBox(): HoverBox {
  const element = h("div", { class: "hover", "aria-hidden": "true", hidden: true });
  return {
    element,
    show(target, x, y, context): void {
      element.hidden = !target;
      if (!target) return;
      fill(element, isPiece(target) ? ofPiece(target, context) : ofItem(target, context));
      element.style.transform = `translate(${x + 14}px, ${y + 14}px)`;
    },
  };
}

function ofItem({ plan, volume }: Item, context: Context): HTMLElement[] {
  return [
    h("strong", {}, foreign(planName(plan, context.known))),
    h("div", {}, foreign(context.known.partyName(plan.party_id)), " · ", context.say(`state.${plan.state}`)),
    h("div", {}, ltr(context.units.band(volume.lower_m, volume.upper_m, volume.datum))),
    h("div", {}, ltr(context.units.span(volume.start, volume.end))),
  ];
}

function ofPiece({ settlement, refusalId }: Piece, context: Context): HTMLElement[] {
  const refusal = context.known.refusals.get(refusalId ?? "");
  return [
    h("strong", {}, settlement ? settlementText(context, settlement) : context.say("map.open_conflict")),
    refusal ? h("div", {}, foreign(refusal.title ?? context.known.partyName(refusal.party_id))) : h("div", {}),
  ];
}
