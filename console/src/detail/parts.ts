/** Pieces that several details are made of. */

import type { Conflict, LatLon, PlanVolume } from "../api/wire";
import { planName } from "../plans/naming";
import type { Context } from "../shell/context";
import { type Child, foreign, h, ltr } from "../shell/dom";
import type { Key } from "../words/words";

/** A table of two columns: what, and what it is. Rows without a value are left out. */
export function facts(rows: readonly (readonly [string, Child] | null)[]): HTMLElement {
  return h(
    "dl",
    { class: "facts" },
    rows.map((row) => (row === null || row[1] === null ? null : [h("dt", {}, row[0]), h("dd", {}, row[1])])),
  );
}

export function partyMark(context: Context, partyId: string): HTMLElement {
  const dot = h("i", { class: "dot", "aria-hidden": "true" });
  dot.style.background = context.partyColor(partyId);
  return h("span", { class: "party" }, dot, foreign(context.known.partyName(partyId)));
}

/** A position that a click copies. */
export function place(context: Context, at: LatLon): HTMLElement {
  const text = context.units.position(at);
  return h("span", { class: "copyable" }, ltr(text), copyButton(context, text));
}

export function copyButton(context: Context, text: string): HTMLElement {
  const copy = (): void => {
    navigator.clipboard?.writeText(text).then(
      () => context.notices.show("plain", context.say("copied"), text),
      () => context.notices.show("plain", text),
    );
  };
  return h(
    "button",
    {
      type: "button",
      class: "icon copy",
      "aria-label": context.say("copy"),
      title: context.say("copy"),
      on: { click: copy },
    },
    "⧉",
  );
}

export function button(context: Context, key: Key, click: () => void, kind = ""): HTMLButtonElement {
  return h("button", { type: "button", class: kind || undefined, on: { click } }, context.say(key));
}

/** Shows something as it begins. */
export function showAt(context: Context, start: string, points: Iterable<LatLon>, height_m: number): void {
  context.view.set({ instant_ms: Date.parse(start) });
  context.map.fit(points, height_m);
}

/** Everything about one conflict but the plans themselves. */
export function conflictFacts(context: Context, conflict: Conflict): HTMLElement {
  const { units } = context;
  const { horizontal_m, vertical_m, time_s } = conflict.separation;
  const asked = `${units.distance(horizontal_m)} · ${units.heightDifference(vertical_m)} · ${units.seconds(time_s)}`;
  return facts([
    [context.say("conflict.with"), partyMark(context, conflict.party_id)],
    conflict.plan_id
      ? [context.say("plan"), planLink(context, conflict.plan_id, conflict.party_id)]
      : [context.say("plan"), context.say("conflict.hidden_plan")],
    conflict.state ? [context.say("state"), context.say(`state.${conflict.state}`)] : null,
    conflict.priority === null ? null : [context.say("priority"), ltr(String(conflict.priority))],
    [context.say("conflict.rule"), context.say(`rule.${conflict.rule}`)],
    conflict.rule === "separation" ? [context.say("conflict.asked"), ltr(asked)] : null,
    [context.say("conflict.when"), ltr(units.span(conflict.start, conflict.end))],
    [context.say("conflict.where"), place(context, conflict.place)],
    [context.say("heights"), ltr(units.band(conflict.lower_m, conflict.upper_m, conflict.datum))],
    [context.say("conflict.depth"), depth(context, conflict)],
  ]);
}

function depth(context: Context, conflict: Conflict): HTMLElement {
  const { units } = context;
  const part = (key: Key, text: string): HTMLElement =>
    h("span", { class: "depth" }, h("small", {}, context.say(key)), ltr(text));
  return h(
    "span",
    { class: "depths" },
    part("depth.ground", units.distance(conflict.horizontal_depth_m)),
    part("depth.height", units.heightDifference(conflict.vertical_depth_m)),
    part("depth.time", units.seconds(conflict.time_depth_s)),
  );
}

export function planLink(context: Context, planId: string, partyId: string): HTMLElement {
  const { known } = context;
  const name = planName(known.plans.get(planId) ?? { title: null, plan_id: planId, party_id: partyId }, known);
  return h(
    "button",
    { type: "button", class: "link", on: { click: () => context.select({ kind: "plan", planId }) } },
    foreign(name),
  );
}

/** The volumes of a plan as a table; a row shows its volume on the map. */
export function volumeTable(context: Context, volumes: readonly PlanVolume[]): HTMLElement {
  const { units } = context;
  const row = (volume: PlanVolume, k: number): HTMLElement => {
    const show = (): void => showAt(context, volume.start, pointsOf(volume), volume.upper_m);
    return h(
      "tr",
      {},
      h(
        "td",
        {},
        h(
          "button",
          {
            type: "button",
            class: "link",
            "aria-label": context.say("volume.show", { n: k + 1 }),
            on: { click: show },
          },
          String(k + 1),
        ),
      ),
      h("td", {}, ltr(units.span(volume.start, volume.end))),
      h("td", {}, ltr(units.band(volume.lower_m, volume.upper_m, volume.datum))),
      h("td", {}, shapeText(context, volume)),
    );
  };
  return h(
    "div",
    { class: "scroll-x", tabindex: "0", role: "region", "aria-label": context.say("volumes") },
    h(
      "table",
      { class: "volumes" },
      h(
        "thead",
        {},
        h("tr", {}, [
          h("th", {}, "#"),
          h("th", {}, context.say("volume.when")),
          h("th", {}, context.say("heights")),
          h("th", {}, context.say("volume.shape")),
        ]),
      ),
      h("tbody", {}, volumes.map(row)),
    ),
  );
}

function shapeText(context: Context, { shape }: PlanVolume): Child {
  if (shape.kind === "circle")
    return [context.say("shape.circle"), " ", ltr(`r ${context.units.distance(shape.radius_m)}`)];
  if (shape.kind === "corridor")
    return [context.say("shape.corridor"), " ", ltr(`↔ ${context.units.distance(shape.width_m)}`)];
  return context.say("shape.polygon", { n: shape.vertices.length });
}

export function pointsOf({ shape }: PlanVolume): readonly LatLon[] {
  if (shape.kind === "corridor") return shape.path;
  if (shape.kind === "polygon") return shape.vertices;
  const reach_deg = shape.radius_m / 111_320;
  const { lat_deg, lon_deg } = shape.center;
  return [
    { lat_deg: lat_deg - reach_deg, lon_deg: lon_deg - reach_deg },
    { lat_deg: lat_deg + reach_deg, lon_deg: lon_deg + reach_deg },
  ];
}
