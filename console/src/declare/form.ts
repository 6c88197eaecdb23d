/** The form of a draft, in two parts. It tells of every change and never holds state of its own. */

import type { Datum, OwnPlans, Sharing } from "../api/wire";
import type { Context } from "../shell/context";
import { h } from "../shell/dom";
import { DATUM_MARK, FOOT_M, parseHeight } from "../units/height";
import { parseInstant, writeInstant } from "../units/time";
import { leftToRight } from "../words/isolate";
import type { Key } from "../words/words";
import { current, type DraftState, edit, type Kind } from "./draft";
import { pointList } from "./points";

const KINDS: readonly Kind[] = ["circle", "corridor", "polygon"];
const DATUMS: readonly Datum[] = ["AMSL", "WGS84", "STD", "AGL"];
const SHARINGS: readonly Sharing[] = ["volumes", "full", "conflicts"];
const OWN_PLANS: readonly OwnPlans[] = ["check", "ignore"];

/** Told how to make the next draft out of the one at the moment, which may be newer than the form. */
export type Change = (make: (now: DraftState) => DraftState) => void;

/** Where and when of the volume that is picked: the part of a draft that decides what is in the way. */
export function volumeForm(context: Context, draft: DraftState, change: Change): HTMLElement {
  return h(
    "div",
    { class: "form" },
    kindChoice(context, draft, change),
    pointList(context, draft, change),
    size(context, draft, change),
    h(
      "div",
      { class: "pair" },
      heightField(context, draft, "lower_m", "declare.lower", change),
      heightField(context, draft, "upper_m", "declare.upper", change),
    ),
    choice(
      context.say("declare.datum"),
      "datum",
      DATUMS.map((one) => [one, context.say(`datum.${one}`)]),
      current(draft).datum,
      (datum) => change((now) => edit(now, { datum })),
    ),
    h(
      "div",
      { class: "pair" },
      timeField(context, draft, "start_ms", "declare.start", change),
      timeField(context, draft, "end_ms", "declare.end", change),
    ),
  );
}

/**
 * What is written beside it, and how much it weighs.
 *
 * @param type told of every letter; the form stays as it is
 */
export function textForm(context: Context, draft: DraftState, change: Change, type: Change): HTMLElement {
  const read = (event: Event): string => (event.target as HTMLInputElement).value;
  return h(
    "div",
    { class: "form" },
    field(
      context.say("title"),
      h("input", {
        type: "text",
        maxlength: 200,
        value: draft.title,
        id: "draft-title",
        on: { input: (event: Event) => type((now) => ({ ...now, title: read(event) })) },
      }),
    ),
    h(
      "div",
      { class: "pair" },
      field(
        context.say("priority"),
        h("input", {
          type: "number",
          min: 0,
          max: 100,
          value: draft.priority,
          id: "draft-priority",
          on: { change: (event: Event) => change((now) => ({ ...now, priority: clamp(read(event)) })) },
        }),
      ),
      choice(
        context.say("sharing"),
        "sharing",
        SHARINGS.map((one) => [one, context.say(`sharing.${one}`)]),
        draft.sharing,
        (sharing) => change((now) => ({ ...now, sharing })),
      ),
    ),
    choice(
      context.say("edit.own_plans"),
      "own_plans",
      OWN_PLANS.map((one) => [one, context.say(`edit.own_plans.${one}`)]),
      draft.own_plans,
      (own_plans) => change((now) => ({ ...now, own_plans })),
    ),
    field(
      context.say("remarks"),
      h(
        "textarea",
        {
          maxlength: 2000,
          rows: 2,
          id: "draft-remarks",
          on: { input: (event: Event) => type((now) => ({ ...now, remarks: read(event) })) },
        },
        draft.remarks,
      ),
    ),
  );
}

function heightField(
  context: Context,
  draft: DraftState,
  name: "lower_m" | "upper_m",
  label: Key,
  change: Change,
): HTMLElement {
  const unit = context.settings.get().height;
  const volume = current(draft);
  const shown = Math.round((unit === "ft" ? volume[name] / FOOT_M : volume[name]) * 10) / 10;
  const input = h("input", { type: "text", inputmode: "decimal", value: shown, id: `draft-${name}`, dir: "ltr" });
  input.addEventListener("change", () => {
    const value = parseHeight(input.value, unit);
    input.setAttribute("aria-invalid", String(value === null));
    if (value !== null) change((now) => edit(now, { [name]: Math.round(value * 1000) / 1000 }));
  });
  return field(`${context.say(label)} (${leftToRight(`${unit} ${DATUM_MARK[volume.datum]}`)})`, input);
}

/** Times are typed as they are read out, in UTC: the browser's own field would ask for morning and afternoon. */
function timeField(
  context: Context,
  draft: DraftState,
  name: "start_ms" | "end_ms",
  label: Key,
  change: Change,
): HTMLElement {
  const input = h("input", {
    type: "text",
    value: writeInstant(current(draft)[name]),
    id: `draft-${name}`,
    dir: "ltr",
    placeholder: "2026-07-01 10:05",
  });
  input.addEventListener("change", () => {
    const value = parseInstant(input.value);
    input.setAttribute("aria-invalid", String(value === null));
    if (value !== null) change((now) => edit(now, { [name]: value }));
  });
  return field(`${context.say(label)} (UTC)`, input);
}

function clamp(text: string): number {
  return Math.min(100, Math.max(0, Math.round(Number(text)) || 0));
}

function field(label: string, input: HTMLElement): HTMLElement {
  return h("p", { class: "field" }, h("label", { for: input.id }, label), input);
}

function choice<T extends string>(
  label: string,
  name: string,
  choices: readonly (readonly [T, string])[],
  now: T,
  set: (value: T) => void,
): HTMLElement {
  const select = h(
    "select",
    { id: `draft-${name}`, on: { change: () => set(select.value as T) } },
    choices.map(([value, text]) => h("option", { value, selected: value === now }, text)),
  );
  return field(label, select);
}

function kindChoice(context: Context, draft: DraftState, change: Change): HTMLElement {
  return h(
    "div",
    { class: "chips", role: "group", "aria-label": context.say("volume.shape") },
    KINDS.map((kind) =>
      h(
        "button",
        {
          type: "button",
          class: "chip",
          id: `draft-kind-${kind}`,
          "aria-pressed": String(kind === current(draft).kind),
          on: {
            click: () => change((now) => edit(now, { kind, points: current(now).points.slice(0, kind === "circle" ? 1 : undefined) })),
          },
        },
        context.say(`draw.${kind}`),
      ),
    ),
  );
}

function size(context: Context, draft: DraftState, change: Change): HTMLElement | null {
  const volume = current(draft);
  if (volume.kind === "polygon") return null;
  const name = volume.kind === "circle" ? "radius_m" : "width_m";
  const set = (value: number): void => change((now) => edit(now, { [name]: value }));
  return field(
    `${context.say(volume.kind === "circle" ? "declare.radius" : "declare.width")} (m)`,
    h("input", {
      type: "number",
      min: 1,
      step: "any",
      value: volume[name],
      id: `draft-${name}`,
      on: { change: (event: Event) => set(Number((event.target as HTMLInputElement).value)) },
    }),
  );
}
