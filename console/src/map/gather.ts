/** Fills a scene with what is not a plan at the instant: the selection, conflicts, what was refused, a draft. */

import type { Conflict, Refusal } from "../api/wire";
import { isAt } from "../plans/select";
import type { Selection } from "../plans/view";
import type { Context, Draft } from "../shell/context";
import { ghostOf, piecesOf, refusedGhosts, settlementArrows, type Scene, wayOutGhosts } from "./scene";
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
  scene.selected = selectedIds(selection, refusal, chosen).flatMap((id) => table.itemsOf(id));
  scene.pieces = [
    ...chosen.flatMap((conflict) => piecesOf(conflict, true)),
    ...conflictsAt(context, instant_ms, chosen).flatMap((conflict) => piecesOf(conflict, false)),
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

/** Conflicts of standing plans and of unsettled refusals that are there at the instant. */
function conflictsAt(context: Context, instant_ms: number, except: readonly Conflict[]): Conflict[] {
  const found: Conflict[] = [];
  const take = (conflicts: readonly Conflict[]): void => {
    for (const conflict of conflicts)
      if (!except.includes(conflict) && isAt(conflict, instant_ms)) found.push(conflict);
  };
  for (const conflicts of context.known.standing.values()) take(conflicts);
  for (const refusal of context.known.refusals.values()) if (!refusal.settlement.is_settled) take(refusal.conflicts);
  return found;
}
