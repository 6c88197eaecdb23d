/** What the exchange answered to a draft: what is in the way and the ways out of it. */

import type { CheckResult, WayOut } from "../api/wire";
import { conflictFacts, partyMark } from "../detail/parts";
import { wayList } from "../detail/ways";
import type { Context } from "../shell/context";
import { h, ltr } from "../shell/dom";
import { type DraftState, faultsOf } from "./draft";

export function resultParts(
  context: Context,
  result: CheckResult,
  preview: (way: WayOut | null) => void,
  take: (way: WayOut) => void,
): HTMLElement[] {
  if (result.conflicts.length === 0) return [h("p", { class: "free" }, `✓ ${context.say("declare.free")}`)];
  const parts: HTMLElement[] = [
    h("p", { class: "bad" }, `⚠ ${context.say("declare.in_the_way", { n: result.conflicts.length })}`),
    ...result.conflicts.map((conflict) =>
      h(
        "details",
        { class: "conflict" },
        h(
          "summary",
          {},
          partyMark(context, conflict.party_id),
          " ",
          ltr(context.units.span(conflict.start, conflict.end)),
        ),
        conflictFacts(context, conflict),
      ),
    ),
  ];
  if (result.ways_out)
    parts.push(h("h3", {}, context.say("declare.ways")), wayList(context, result.ways_out, preview, take));
  return parts;
}

/** What is missing, volume by volume where there are several. */
export function faultList(context: Context, draft: DraftState): HTMLElement {
  const isOne = draft.volumes.length === 1;
  return h(
    "ul",
    { class: "faults" },
    draft.volumes.flatMap((volume, k) =>
      faultsOf(volume).map((fault) =>
        h("li", {}, isOne ? "" : `${context.say("edit.volume", { n: k + 1 })}: `, context.say(`fault.${fault}`)),
      ),
    ),
  );
}
