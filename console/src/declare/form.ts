/** The form of a draft. It tells of every change and never holds state of its own. */

import type { Datum, Sharing } from "../api/wire";
import type { Context } from "../shell/context";
import { fill, h, ltr } from "../shell/dom";
import { parseHeight } from "../units/height";
import { parsePosition } from "../units/position";
import { fromInput, toInput } from "../units/time";
import { addPoint, type DraftState, type Kind } from "./draft";

const KINDS: readonly Kind[] = ["circle", "corridor", "polygon"];
const DATUMS: readonly Datum[] = ["AMSL", "WGS84", "STD", "AGL"];
const SHARINGS: readonly Sharing[] = ["volumes", "full", "conflicts"];
const FOOT_M = 0.3048;

/** The form for a draft; `change` is given the draft as it shall be. */
export function draftForm(context: Context, draft: DraftState, change: (draft: DraftState) => void): HTMLElement {
  const unit = context.settings.get().height;
  const inUnit = (height_m: number): string => String(Math.round((unit === "ft" ? height_m / FOOT_M : height_m) * 10) / 10);
  const height = (name: "lower_m" | "upper_m", label: string): HTMLElement =>
    field(label, h("input", {
      type: "text", inputmode: "decimal", value: inUnit(draft[name]), id: `draft-${name}`,
      on: { change: (event: Event) => {
        const value = parseHeight((event.target as HTMLInputElement).value, unit);
        if (value !== null) change({ ...draft, [name]: Math.round(value * 1000) / 1000 });
      } },
    }));
  const time = (name: "start_ms" | "end_ms", label: string): HTMLElement =>
    field(label, h("input", {
      type: "datetime-local", step: 1, value: toInput(draft[name]), id: `draft-${name}`, dir: "ltr",
      on: { change: (event: Event) => {
        const value = fromInput((event.target as HTMLInputElement).value);
        if (value !== null) change({ ...draft, [name]: value });
      } },
    }));
  return h(
    "div",
    { class: "form" },
    draft.given ? givenNote(context, draft, change) : [kindChoice(context, draft, change), pointList(context, draft, change), size(context, draft, change)],
    draft.given
      ? null
      : h("div", { class: "pair" }, height("lower_m", `${context.say("declare.lower")} (${unit})`), height("upper_m", `${context.say("declare.upper")} (${unit})`), choice(context.say("declare.datum"), "datum", DATUMS.map((one) => [one, context.say(`datum.${one}`)]), draft.datum, (value) => change({ ...draft, datum: value }))),
    draft.given ? null : h("div", { class: "pair" }, time("start_ms", `${context.say("declare.start")} (UTC)`), time("end_ms", `${context.say("declare.end")} (UTC)`)),
    field(context.say("title"), h("input", { type: "text", maxlength: 200, value: draft.title, id: "draft-title", on: { change: (event: Event) => change({ ...draft, title: (event.target as HTMLInputElement).value }) } })),
    h("div", { class: "pair" },
      field(context.say("priority"), h("input", { type: "number", min: 0, max: 100, value: draft.priority, id: "draft-priority", on: { change: (event: Event) => change({ ...draft, priority: clamp((event.target as HTMLInputElement).value) }) } })),
      choice(context.say("sharing"), "sharing", SHARINGS.map((one) => [one, context.say(`sharing.${one}`)]), draft.sharing, (value) => change({ ...draft, sharing: value }))),
    field(context.say("remarks"), h("textarea", { maxlength: 2000, rows: 2, id: "draft-remarks", on: { change: (event: Event) => change({ ...draft, remarks: (event.target as HTMLTextAreaElement).value }) } }, draft.remarks)),
  );
}

function clamp(text: string): number {
  return Math.min(100, Math.max(0, Math.round(Number(text)) || 0));
}

function field(label: string, input: HTMLElement): HTMLElement {
  return h("p", { class: "field" }, h("label", { for: input.id }, label), input);
}

function choice<T extends string>(label: string, name: string, choices: readonly (readonly [T, string])[], now: T, set: (value: T) => void): HTMLElement {
  const select = h("select", { id: `draft-${name}`, on: { change: () => set(select.value as T) } }, choices.map(([value, text]) => h("option", { value, selected: value === now }, text)));
  return field(label, select);
}

function kindChoice(context: Context, draft: DraftState, change: (draft: DraftState) => void): HTMLElement {
  return h(
    "div",
    { class: "chips", role: "group", "aria-label": context.say("volume.shape") },
    KINDS.map((kind) =>
      h(
        "button",
        {
          type: "button", class: "chip", "aria-pressed": String(kind === draft.kind),
          on: { click: () => change({ ...draft, kind, points: kind === "circle" ? draft.points.slice(0, 1) : draft.points }) },
        },
        context.say(`draw.${kind}`),
      ),
    ),
  );
}

/** The points as text, so that a plan can be declared without a pointer. */
function pointList(context: Context, draft: DraftState, change: (draft: DraftState) => void): HTMLElement {
  const typed = h("input", { type: "text", id: "draft-point", dir: "ltr", placeholder: context.say("declare.point_hint"), "aria-label": context.say("declare.point") });
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
        h("button", {
          type: "button", class: "icon", "aria-label": context.say("declare.remove_point", { n: k + 1 }),
          on: { click: () => change({ ...draft, points: draft.points.filter((_, other) => other !== k) }) },
        }, "×"),
      ),
    ),
  );
  return h(
    "div",
    {},
    h("p", { class: "hint" }, context.say(`draw.${draft.kind}.hint`)),
    list,
    h("div", { class: "add-point" }, typed, h("button", { type: "button", on: { click: add } }, context.say("declare.add"))),
  );
}

function size(context: Context, draft: DraftState, change: (draft: DraftState) => void): HTMLElement | null {
  if (draft.kind === "polygon") return null;
  const name = draft.kind === "circle" ? "radius_m" : "width_m";
  return field(
    `${context.say(draft.kind === "circle" ? "declare.radius" : "declare.width")} (m)`,
    h("input", {
      type: "number", min: 1, step: "any", value: draft[name], id: `draft-${name}`,
      on: { change: (event: Event) => change({ ...draft, [name]: Number((event.target as HTMLInputElement).value) }) },
    }),
  );
}

function givenNote(context: Context, draft: DraftState, change: (draft: DraftState) => void): HTMLElement {
  return h(
    "p",
    { class: "calm" },
    context.say("volumes.count", { n: draft.given?.length ?? 0 }),
    " ",
    h("button", { type: "button", class: "link", on: { click: () => change({ ...draft, given: null }) } }, context.say("declare.draw_instead")),
  );
}
