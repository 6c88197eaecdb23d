/** What settled a refusal, as text. */

import type { Settlement } from "../api/wire";
import { shiftTime } from "../map/label_texts";
import type { Context } from "../shell/context";
import { h, ltr } from "../shell/dom";

/** What settled a refusal, in one line. */
export function settlementText(context: Context, settlement: Settlement): HTMLElement {
  const kind = settlement.kind ?? (settlement.is_settled ? "somehow" : "none");
  const detail = settlementDetail(context, settlement);
  const version = settlement.version ? ` · ${context.say("plan.version")} ${settlement.version}` : "";
  return h("span", {}, context.say(`settled.${kind}`), detail ? " " : null, detail ? ltr(detail) : null, version);
}

/** The same for a list: what it was moved in, and by how much. */
export function settlementShort(context: Context, settlement: Settlement): HTMLElement {
  const { kind } = settlement;
  if (kind !== "time" && kind !== "height" && kind !== "sideways")
    return settlementText(context, { ...settlement, version: null });
  return h("span", {}, context.say(`way.${kind}`), " ", ltr(settlementDetail(context, settlement) ?? ""));
}

function settlementDetail(context: Context, settlement: Settlement): string | null {
  const { units } = context;
  if (settlement.kind === "time") return shiftTime(settlement.shift_s ?? 0, context);
  if (settlement.kind === "height") {
    const up_m = settlement.shift_up_m ?? 0;
    return `${up_m < 0 ? "↓" : "↑"} ${units.heightDifference(Math.abs(up_m))}`;
  }
  if (settlement.kind === "sideways") return units.shift(settlement.shift_east_m ?? 0, settlement.shift_north_m ?? 0);
  return null;
}
