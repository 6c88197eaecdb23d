/** Every conflict that is known, as a card that says which two, where, when, how deep and what settled it. */

import { open, pairSentence, sideText } from "../detail/open";
import { partyMark } from "../detail/parts";
import { pairSettlement } from "../detail/settlement";
import { type Pair, type PairState, type Side, stateOf } from "../plans/pairs";
import { isSameSelection } from "../plans/view";
import type { Context } from "../shell/context";
import { type Child, foreign, h, ltr } from "../shell/dom";
import { emptyConflicts } from "./empty";
import { Rows } from "./rows";

const ROW_REM = 7.95;
export const PAIR_MARK: Readonly<Record<PairState, string>> = { open: "◆", settled: "✓", past: "◇" };

export class ConflictRows {
  readonly element: HTMLElement;
  private readonly rows: Rows<Pair>;
  private shownFor = "";

  constructor(private readonly context: Context) {
    this.rows = new Rows<Pair>("conflict", context.say("list.conflicts"), ROW_REM, {
      idOf: (pair) => pair.id,
      paint: (pair) => this.card(pair),
      choose: (pair) => open(context, pair.selection, pair.conflict),
    });
    this.element = this.rows.element;
  }

  unmount(): void {
    this.rows.unmount();
  }

  update(): void {
    const { known, view, shown } = this.context;
    const isChanged = this.shownFor !== shown.pairsKey();
    this.shownFor = shown.pairsKey();
    const pairs = shown.pairs();
    const { selection } = view.get();
    // A refusal with several conflicts is one selection and several rows: the first of them counts.
    const chosen = selection && pairs.find((pair) => isSameSelection(pair.selection, selection));
    this.rows.set(pairs, chosen?.id ?? null, isChanged);
    this.rows.showEmpty(pairs.length === 0 && known.isLoaded ? emptyConflicts(this.context) : null);
  }

  private card(pair: Pair): HTMLElement[] {
    const { context } = this;
    const { units, clock } = context;
    const { conflict } = pair;
    const state = stateOf(pair, clock.now());
    const where = units.position(conflict.place, 3);
    const heights = units.band(conflict.lower_m, conflict.upper_m, conflict.datum);
    const deep = context.say("pair.deep", { by: units.distance(conflict.horizontal_depth_m) });
    return [
      h("span", { class: `mark ${state}`, "aria-hidden": "true" }, PAIR_MARK[state]),
      h("span", { class: "sr" }, pairSentence(context, pair)),
      this.side(pair.asked, ""),
      this.side(pair.held, "× "),
      quiet(ltr(units.span(conflict.start, conflict.end))),
      quiet(ltr(where), " · ", deep),
      quiet(ltr(heights)),
      h("span", { class: `about ${state}` }, pairSettlement(context, pair)),
    ];
  }

  private side(side: Side, mark: string): HTMLElement {
    return h(
      "span",
      { class: "side", "aria-hidden": "true" },
      h("span", { class: "name" }, mark, foreign(sideText(this.context, side))),
      partyMark(this.context, side.partyId),
    );
  }
}

/** A line for the eye: the sentence before it says the same to a screen reader. */
function quiet(...children: Child[]): HTMLElement {
  return h("span", { class: "about", "aria-hidden": "true" }, children);
}
