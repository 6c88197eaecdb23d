/** Fills a scene with what is not a plan at the instant: the selection, conflicts, what was refused, a draft. */

import type { Conflict, Refusal } from "../api/wire";
import type { Known } from "../plans/known";
import { isAt } from "../plans/select";
import type { Selection } from "../plans/view";
import type { Context, Draft } from "../shell/context";
import { ghostOf, type Piece, piecesOf, refusedGhosts, settlementArrows, type Scene, wayOutGhosts } from "./scene";
import type { VolumeTable } from "./table";

export function gatherScene(
  scene: Scene,
  context: Context,
  table: VolumeTable,
  draft: Draft | null,
  instant_ms: number,
): void {
  const { selection } = context.view.get();
  const refusal = refusalOf(selection, context);
  const chosen = chosenConflicts(selection, context);
  const shown = new Set(context.shown.pairs().map((pair) => pair.conflict));
  scene.selected = selectedIds(selection, refusal, chosen).flatMap((id) => table.itemsOf(id));
  scene.pieces = [
    ...chosen.flatMap((conflict) => piecesOf(conflict, true, refusal)),
    ...piecesAt(context.known, instant_ms, (one) => shown.has(one) && !chosen.includes(one)),
    ...(draft?.conflicts ?? []).flatMap((conflict) => piecesOf(conflict, true)),
  ];
  scene.ghosts = [
    ...(refusal ? refusedGhosts(refusal) : []),
    ...(draft?.volumes ?? []).map((volume) => ghostOf(volume, "draft")),
    ...(draft?.way ? wayOutGhosts(draft.way) : []),
  ];
  scene.arrows = refusal ? settlementArrows(refusal) : [];
  scene.handles = draft?.handles ?? [];
  scene.marks = draft ? [] : context.shown.pairs();
}

function refusalOf(selection: Selection | null, context: Context): Refusal | null {
  return selection?.kind === "refusal" ? (context.known.refusals.get(selection.refusalId) ?? null) : null;
}

function chosenConflicts(selection: Selection | null, context: Context): readonly Conflict[] {
  const { known } = context;
  if (selection?.kind === "refusal") return known.refusals.get(selection.refusalId)?.conflicts ?? [];
  if (selection?.kind === "plan") return known.standing.get(selection.planId) ?? [];
  if (selection?.kind === "conflict") {
    const one = known.standing.get(selection.planId)?.[selection.place];
    return one ? [one] : [];
  }
  return [];
}

function selectedIds(selection: Selection | null, refusal: Refusal | null, conflicts: readonly Conflict[]): string[] {
  const ids = new Set<string>();
  if (selection?.kind === "plan" || selection?.kind === "conflict") ids.add(selection.planId);
  if (refusal?.plan_id) ids.add(refusal.plan_id);
  if (selection?.kind !== "plan") for (const conflict of conflicts) if (conflict.plan_id) ids.add(conflict.plan_id);
  return [...ids];
}

type Conflicts = Pick<Known, "standing" | "refusals">;

function* conflictsAt(known: Conflicts, instant_ms: number): Generator<readonly [Conflict, Refusal | null, string]> {
  for (const [planId, conflicts] of known.standing)
    for (const [k, one] of conflicts.entries()) if (isAt(one, instant_ms)) yield [one, null, `${planId}.${k}`];
  for (const refusal of known.refusals.values())
    for (const [k, one] of refusal.conflicts.entries())
      if (isAt(one, instant_ms)) yield [one, refusal, `${refusal.refusal_id}.${k}`];
}

/** Pieces of what is in conflict at the instant: standing plans, open refusals, and settled ones below them. */
export function piecesAt(known: Conflicts, instant_ms: number, isShown: (one: Conflict) => boolean = () => true): Piece[] {
  const open: Piece[] = [];
  const settled: Piece[] = [];
  for (const [conflict, refusal] of conflictsAt(known, instant_ms)) {
    if (!isShown(conflict)) continue;
    (refusal?.settlement.is_settled ? settled : open).push(...piecesOf(conflict, false, refusal));
  }
  return [...settled, ...open];
}

/** Changes when other conflicts are there; they come and go at other instants than volumes do. */
export function conflictsKey(known: Conflicts, instant_ms: number): string {
  return Array.from(conflictsAt(known, instant_ms), ([, , key]) => key).join();
}
