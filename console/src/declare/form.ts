/** The form of a draft, in two parts. It tells of every change and never holds state of its own. */

import type { Datum, Sharing } from "../api/wire";
import type { Context } from "../shell/context";
import { fill, h, ltr } from "../shell/dom";
import { FOOT_M, parseHeight } from "../units/height";
import { parsePosition } from "../units/position";
import { parseInstant, writeInstant } from "../units/time";
import type { Key } from "../words/words";
import { addPoint, type DraftState, type Kind } from "./draft";

const KINDS: readonly Kind[] = ["circle", "corridor", "polygon"];
const DATUMS: readonly Datum[] = ["AMSL", "WGS84", "STD", "AGL"];
const SHARINGS: readonly Sharing[] = ["volumes", "full", "conflicts"];

export type Change = (draft: DraftState) => void;

/** Where and when: the part of a draft that decides what is in the way. */
export function volumeForm(context: Context, draft: DraftState, change: Change): HTMLElement {
  if (draft.given) return h("div", { class: "form" }, givenNote(context, draft, change));
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
      draft.datum,
      (datum) => change({ ...draft, datum }),
    ),
    h(
      "div",
      { class: "pair" },
      timeField(context, draft, "start_ms", "declare.start", change),
      timeField(context, draft, "end_ms", "declare.end", change),
    ),
  );
}

/** What is written beside it, and how much it weighs. */
export function textForm(context: Context, draft: DraftState, change: Change): HTMLElement {
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
        on: { change: (event: Event) => change({ ...draft, title: read(event) }) },
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
          on: { change: (event: Event) => change({ ...draft, priority: clamp(read(event)) }) },
        }),
      ),
      choice(
        context.say("sharing"),
        "sharing",
        SHARINGS.map((one) => [one, context.say(`sharing.${one}`)]),
        draft.sharing,
        (sharing) => change({ ...draft, sharing }),
      ),
    ),
    field(
      context.say("remarks"),
      h(
        "textarea",
        {
          maxlength: 2000,
          rows: 2,
          id: "draft-remarks",
          on: { change: (event: Event) => change({ ...draft, remarks: read(event) }) },
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
  const shown = Math.round((unit === "ft" ? draft[name] / FOOT_M : draft[name]) * 10) / 10;
  const input = h("input", { type: "text", inputmode: "decimal", value: shown, id: `draft-${name}`, dir: "ltr" });
  input.addEventListener("change", () => {
    const value = parseHeight(input.value, unit);
    input.setAttribute("aria-invalid", String(value === null));
    if (value !== null) change({ ...draft, [name]: Math.round(value * 1000) / 1000 });
  });
  return field(`${context.say(label)} (${unit})`, input);
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
    value: writeInstant(draft[name]),
    id: `draft-${name}`,
    dir: "ltr",
    placeholder: "2026-07-01 10:05",
  });
  input.addEventListener("change", () => {
    const value = parseInstant(input.value);
    input.setAttribute("aria-invalid", String(value === null));
    if (value !== null) change({ ...draft, [name]: value });
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
          "aria-pressed": String(kind === draft.kind),
          on: {
            click: () =>
              change({ ...draft, kind, points: kind === "circle" ? draft.points.slice(0, 1) : draft.points }),
          },
        },
        context.say(`draw.${kind}`),
      ),
    ),
  );
}

/** The points as text, so that a plan can be declared without a pointer. */
function pointList(context: Context, draft: DraftState, change: Change): HTMLElement {
  const typed = h("input", {
    type: "text",
    id: "draft-point",
    dir: "ltr",
    placeholder: context.say("declare.point_hint"),
    "aria-label": context.say("declare.point"),
  });
  const add = (): void => {
    const place = parsePosition(typed.value);
    typed.setAttribute("aria-invalid", String(place === null));
    if (place) change(addPoint(draft, place));
    else context.notices.show("plain", context.say("declare.point_bad"));
  };
  typed.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    add();
  });
  const list = h("ol", { class: "points" });
  fill(
    list,
    draft.points.map((place, k) =>
      h(
        "li",
        {},
        ltr(context.units.position(place)),
        h(
          "button",
          {
            type: "button",
            class: "icon",
            "aria-label": context.say("declare.remove_point", { n: k + 1 }),
            on: { click: () => change({ ...draft, points: draft.points.filter((_, other) => other !== k) }) },
          },
          "×",
        ),
      ),
    ),
  );
  return h(
    "div",
    {},
    h("p", { class: "hint" }, context.say(`draw.${draft.kind}.hint`)),
    list,
    h(
      "div",
      { class: "add-point" },
      typed,
      h("button", { type: "button", on: { click: add } }, context.say("declare.add")),
    ),
  );
}

function size(context: Context, draft: DraftState, change: Change): HTMLElement | null {
  if (draft.kind === "polygon") return null;
  const name = draft.kind === "circle" ? "radius_m" : "width_m";
  return field(
    `${context.say(draft.kind === "circle" ? "declare.radius" : "declare.width")} (m)`,
    h("input", {
      type: "number",
      min: 1,
      step: "any",
      value: draft[name],
      id: `draft-${name}`,
      on: { change: (event: Event) => change({ ...draft, [name]: Number((event.target as HTMLInputElement).value) }) },
    }),
  );
}

function givenNote(context: Context, draft: DraftState, change: Change): HTMLElement {
  return h(
    "p",
    { class: "calm" },
    context.say("volumes.count", { n: draft.given?.length ?? 0 }),
    " ",
    h(
      "button",
      { type: "button", class: "link", on: { click: () => change({ ...draft, given: null }) } },
      context.say("declare.draw_instead"),
    ),
  );
}
