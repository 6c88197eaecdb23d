/** What is written beside volumes and arrows. */

import type { Context } from "../shell/context";
import { planName } from "../plans/naming";
import { isolate, leftToRight } from "../words/isolate";
import { STATE_STYLE } from "./palette";
import type { Label } from "./labels";
import type { Arrow, Scene } from "./scene";

const MOST = 200;
const MOST_CONFLICTS = 20;

/** One label a plan: mark of its state, name, heights; the selected and the off-nominal ones first. */
export function labelsOf(scene: Scene, context: Context, isTilted: boolean, hasHeights: boolean): Label[] {
  const { selection } = context.view.get();
  const selectedId = selection && selection.kind !== "refusal" ? selection.planId : null;
  const strong: Label[] = [];
  const plain: Label[] = [];
  const seen = new Set<string>();
  for (const { plan, volume, middle } of scene.items) {
    if (seen.has(plan.plan_id) || seen.size >= MOST) continue;
    seen.add(plan.plan_id);
    const isStrong = plan.plan_id === selectedId || plan.state === "contingent" || plan.state === "nonconforming";
    const band = hasHeights ? `  ${leftToRight(context.units.band(volume.lower_m, volume.upper_m, volume.datum))}` : "";
    // A name keeps its own direction and does not reorder the heights behind it.
    const text = `${STATE_STYLE[plan.state].mark} ${isolate(shortened(planName(plan, context.known)))}${band}`;
    (isStrong ? strong : plain).push({ place: [middle[0], middle[1], isTilted ? volume.upper_m : 0], text, isStrong });
  }
  // A way out moves all volumes by the same time: once is enough.
  const firstInTime = scene.arrows.find((arrow) => arrow.kind === "time");
  const arrows = scene.arrows
    .filter((arrow) => arrow.kind !== "time" || arrow === firstInTime)
    .map((arrow) => arrowLabel(arrow, context, isTilted));
  return [...conflictLabels(scene, context, isTilted), ...strong, ...arrows, ...plain];
}

/** Open conflicts say so in words, before anything else is written: their colour alone is not seen by everybody. */
function conflictLabels(scene: Scene, context: Context, isTilted: boolean): Label[] {
  return scene.pieces
    .filter((piece) => !piece.settlement)
    .slice(0, MOST_CONFLICTS)
    .map((piece) => ({
      place: [piece.middle[0], piece.middle[1], isTilted ? piece.upper_m : 0],
      text: `⚠ ${context.say("map.open_conflict")}`,
      isStrong: true,
    }));
}

function arrowLabel(arrow: Arrow, context: Context, isTilted: boolean): Label {
  const place: Label["place"] = [arrow.to[0], arrow.to[1], isTilted ? arrow.to[2] : 0];
  if (arrow.kind === "time") return { place, text: isolate(shiftTime(arrow.shift_s, context)), isStrong: true };
  const up_m = arrow.to[2] - arrow.from[2];
  if (arrow.kind === "height") {
    return { place, text: `${up_m < 0 ? "↓" : "↑"} ${context.units.heightDifference(Math.abs(up_m))}`, isStrong: true };
  }
  return { place, text: context.say("way.sideways"), isStrong: true };
}

/** A shift in time with its sign: `+7 min 30 s`. */
export function shiftTime(shift_s: number, context: Context): string {
  return `${shift_s < 0 ? "−" : "+"}${context.units.seconds(shift_s)}`;
}

const LONGEST = 18;

function shortened(name: string): string {
  const signs = [...name];
  return signs.length > LONGEST
    ? `${signs
        .slice(0, LONGEST - 1)
        .join("")
        .trimEnd()}…`
    : name;
}
