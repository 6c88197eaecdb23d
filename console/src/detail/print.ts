/** One conflict on one sheet of paper, to be signed for, filed or carried to a meeting. */

import type { Conflict, PlanView, Refusal } from "../api/wire";
import { planName } from "../plans/naming";
import { isSameSelection, type Selection } from "../plans/view";
import type { Context } from "../shell/context";
import { fill, foreign, h, ltr } from "../shell/dom";
import { formatDateTime } from "../units/time";
import { Units } from "../units/units";
import { conflictFacts, facts } from "./parts";
import { pairSentence } from "./open";
import { pairSettlement, settlementText } from "./settlement";
import { sketch, type Sketched } from "./sketch";

/** Whose side the sheet is printed from. */
export interface Side {
  readonly refusal?: Refusal | undefined;
  readonly plan?: PlanView | undefined;
}

/** Whether the sheet to print was put there already. */
let isReady = false;

export function printConflict(context: Context, conflict: Conflict, side: Side): void {
  put(sheet(onPaper(context), conflict, side));
  isReady = true;
  window.print();
}

/** The browser prints by itself: the conflict that is looked at, else the list of those that are shown. */
export function preparePrint(context: Context): void {
  if (isReady) {
    isReady = false;
    return;
  }
  const paper = onPaper(context);
  const { selection } = context.view.get();
  const pair = context.shown.allPairs().find((one) => isSameSelection(one.selection, selection));
  put(pair ? sheet(paper, pair.conflict, sideOf(context, pair.selection)) : listSheet(paper));
}

function put(content: HTMLElement): void {
  const host = document.getElementById("print");
  if (host) fill(host, content);
}

function sideOf({ known }: Context, selection: Selection): Side {
  if (selection.kind === "refusal") return { refusal: known.refusals.get(selection.refusalId) };
  return { plan: known.plans.get(selection.planId) };
}

function listSheet(context: Context): HTMLElement {
  const { who, words, shown } = context;
  return h(
    "article",
    { class: "sheet list", dir: words.direction, lang: words.language },
    h("header", {}, h("h1", {}, context.say("list.conflicts")), h("p", {}, foreign(who.exchange_name))),
    h("ol", {}, shown.pairs().map((pair) => h("li", {}, pairSentence(context, pair), " ", pairSettlement(context, pair)))),
    h("footer", {}, ltr(context.units.dateTime(context.clock.now()))),
  );
}

/** On paper every time has its date: nobody knows when it is read. */
function onPaper(context: Context): Context {
  return Object.create(context, { units: { value: new Units(context.units.choice, () => 0) } }) as Context;
}

export function sheet(context: Context, conflict: Conflict, side: Side): HTMLElement {
  const { known, who } = context;
  const own = side.plan ?? (side.refusal?.plan_id ? known.plans.get(side.refusal.plan_id) : undefined);
  const other = conflict.plan_id ? known.plans.get(conflict.plan_id) : undefined;
  const ownId = side.refusal?.party_id ?? own?.party_id ?? who.party_id;
  const planId = side.refusal?.plan_id ?? own?.plan_id ?? "";
  const title = planName({ title: side.refusal?.title ?? own?.title ?? null, plan_id: planId, party_id: ownId }, known);
  const drawn: Sketched[] = [
    { name: known.partyName(ownId), volumes: side.refusal?.volumes ?? own?.volumes ?? [], dash: "" },
    { name: known.partyName(conflict.party_id), volumes: other?.volumes ?? [], dash: "6 4" },
  ];
  return h(
    "article",
    { class: "sheet", dir: context.words.direction, lang: context.words.language },
    h("header", {}, h("h1", {}, context.say("conflict.title")), h("p", {}, foreign(who.exchange_name))),
    sketch(context, conflict, drawn),
    h(
      "p",
      { class: "key" },
      drawn.map((one) => h("span", {}, h("i", { class: one.dash ? "line dashed" : "line" }), foreign(one.name))),
      h("span", {}, h("i", { class: "area" }), context.say("print.shared")),
    ),
    facts([
      [context.say("refusal.by"), foreign(known.partyName(ownId))],
      [context.say("plan"), foreign(title)],
    ]),
    conflictFacts(context, conflict),
    side.refusal ? facts([[context.say("print.settlement"), settlementText(context, side.refusal.settlement)]]) : null,
    h(
      "footer",
      {},
      context.say("print.by", { who: who.account_name || who.account_id, party: who.party_name, when: "" }),
      " ",
      ltr(formatDateTime(context.clock.now(), "utc")),
    ),
  );
}
