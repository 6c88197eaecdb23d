/** The points of a volume as text, so that a plan can be declared and changed without a pointer. */

import type { Context } from "../shell/context";
import { h } from "../shell/dom";
import { parsePosition } from "../units/position";
import type { Change } from "./form";
import { addPoint, current, type DraftState, edit, movePoint } from "./draft";

export function pointList(context: Context, draft: DraftState, change: Change): HTMLElement {
  const { kind, points } = current(draft);
  const typed = h("input", {
    type: "text",
    id: "draft-point",
    dir: "ltr",
    placeholder: context.say("declare.point_hint"),
    "aria-label": context.say("declare.point"),
  });
  const add = (): void => {
    const place = read(context, typed);
    if (place) change((now) => addPoint(now, place));
  };
  typed.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    add();
  });
  return h(
    "div",
    {},
    h("p", { class: "hint" }, context.say(points.length > 0 ? "edit.drag" : `draw.${kind}.hint`)),
    h(
      "ol",
      { class: "points" },
      points.map((_, k) => pointRow(context, draft, k, change)),
    ),
    h(
      "div",
      { class: "add-point" },
      typed,
      h("button", { type: "button", id: "draft-add", on: { click: add } }, context.say("declare.add")),
    ),
  );
}

function pointRow(context: Context, draft: DraftState, which: number, change: Change): HTMLElement {
  const place = current(draft).points[which];
  const input = h("input", {
    type: "text",
    id: `draft-point-${which}`,
    dir: "ltr",
    value: place ? context.units.position(place) : "",
    "aria-label": context.say("edit.point", { n: which + 1 }),
  });
  input.addEventListener("change", () => {
    const moved = read(context, input);
    if (moved) change((now) => movePoint(now, which, moved));
  });
  const remove = (): void =>
    change((now) => edit(now, { points: current(now).points.filter((_, k) => k !== which) }));
  const label = context.say("declare.remove_point", { n: which + 1 });
  return h(
    "li",
    {},
    h(
      "div",
      {},
      input,
      h("button", { type: "button", class: "icon", "aria-label": label, title: label, on: { click: remove } }, "×"),
    ),
  );
}

function read(context: Context, input: HTMLInputElement): ReturnType<typeof parsePosition> {
  const place = parsePosition(input.value);
  input.setAttribute("aria-invalid", String(place === null));
  if (!place) context.notices.show("plain", context.say("declare.point_bad"));
  return place;
}
