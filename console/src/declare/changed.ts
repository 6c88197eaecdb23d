/** Somebody else changed the plan that is being changed: what is different, and what the viewer may do about it. */

import type { PlanView } from "../api/wire";
import { facts } from "../detail/parts";
import type { Context } from "../shell/context";
import { type Child, foreign, h, ltr } from "../shell/dom";
import type { Key } from "../words/words";
import { type DraftState, draftOf, shapeOf } from "./draft";
import { type Difference, differences, type TextField } from "./merge";
import { volumeText } from "./volumes";

export interface Choices {
  readonly look: () => void;
  readonly take: () => void;
  readonly redo: () => void;
  readonly asNew: () => void;
}

const LABEL: Readonly<Record<TextField, Key>> = {
  title: "title",
  remarks: "remarks",
  priority: "priority",
  sharing: "sharing",
  own_plans: "edit.own_plans",
};

/** @param isClosed the plan has ended or is contingent: it can only be declared as another */
export function changedPanel(
  context: Context,
  base: PlanView,
  mine: DraftState,
  now: PlanView,
  isClosed: boolean,
  choices: Choices,
): HTMLElement {
  const [before, theirs] = [draftOf(base), draftOf(now)];
  const state = context.say(`state.${now.state}`);
  const press = (key: Key, click: () => void, kind = ""): HTMLElement =>
    h("button", { type: "button", class: kind, on: { click } }, context.say(key));
  return h(
    "section",
    { class: "changed", role: "alert" },
    h("p", {}, context.say(isClosed ? "edit.closed" : "edit.stale", { version: String(now.version), state })),
    list(context, differences(before, theirs), before, theirs, mine),
    h(
      "div",
      { class: "actions" },
      press("edit.look", choices.look),
      isClosed ? press("edit.as_new", choices.asNew, "primary") : press("edit.redo", choices.redo, "primary"),
      isClosed ? null : press("edit.take", choices.take),
    ),
  );
}

function list(
  context: Context,
  changed: readonly Difference[],
  before: DraftState,
  theirs: DraftState,
  mine: DraftState,
): HTMLElement[] {
  return changed.map((one) =>
    h(
      "section",
      {},
      h("h3", {}, labelOf(context, one)),
      facts([
        [context.say("edit.before"), valueOf(context, one, before)],
        [context.say("edit.theirs"), valueOf(context, one, theirs)],
        [context.say("edit.mine"), valueOf(context, one, mine)],
      ]),
    ),
  );
}

function labelOf(context: Context, one: Difference): string {
  return one.kind === "text" ? context.say(LABEL[one.field]) : context.say("edit.volume", { n: one.place + 1 });
}

function valueOf(context: Context, one: Difference, draft: DraftState): Child {
  if (one.kind === "text") {
    if (one.field === "sharing") return context.say(`sharing.${draft.sharing}`);
    if (one.field === "own_plans") return context.say(`edit.own_plans.${draft.own_plans}`);
    return foreign(String(draft[one.field]) || "–");
  }
  const volume = draft.volumes[one.place];
  if (!volume) return "–";
  const [first] = volume.points;
  const shape = shapeOf(volume);
  const kind = shape?.kind === "polygon" ? context.say("shape.polygon", { n: shape.vertices.length }) : "";
  const name = kind || context.say(`draw.${volume.kind}`);
  return [volumeText(context, volume), " · ", name, first ? [" ", ltr(context.units.position(first, 3))] : null];
}
