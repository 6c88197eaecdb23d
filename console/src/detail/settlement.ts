/** What settled a conflict, as text. */

import type { Settlement } from "../api/wire";
import { type Pair, sideName, stateOf } from "../plans/pairs";
import type { Context } from "../shell/context";
import type { Key } from "../words/words";

/** What settled a refusal, in one line. */
export function settlementText(context: Context, settlement: Settlement): string {
  const [key, by] = saying(context, settlement);
  return context.say(key, by === null ? {} : { by });
}

/** What settled a pair and which of the two it was done to, or why nothing did. */
export function pairSettlement(context: Context, pair: Pair): string {
  if (pair.settlement === null) return context.say("pair.standing");
  if (stateOf(pair, context.clock.now()) === "past") return context.say("pair.past");
  const how = settlementText(context, pair.settlement);
  const { title, planId } = pair.asked;
  if (!pair.settlement.is_settled || !(title || planId)) return how;
  return context.say("pair.settled_by", { how, who: sideName(pair.asked, context.known) });
}

function saying({ units }: Context, settlement: Settlement): readonly [Key, string | null] {
  const { is_settled, shift_s, shift_up_m, shift_east_m, shift_north_m } = settlement;
  const kind = settlement.kind ?? (is_settled ? "somehow" : "none");
  if (kind === "time") {
    return [(shift_s ?? 0) < 0 ? "settled.earlier" : "settled.later", units.seconds(shift_s ?? 0)];
  }
  if (kind === "height") {
    const up_m = shift_up_m ?? 0;
    return [up_m < 0 ? "settled.lower" : "settled.higher", units.heightDifference(Math.abs(up_m))];
  }
  if (kind === "sideways") return ["settled.sideways", units.shift(shift_east_m ?? 0, shift_north_m ?? 0)];
  return [`settled.${kind}`, null];
}
