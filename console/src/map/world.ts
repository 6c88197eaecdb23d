/** Fetches the outline of the world, out of the console's own files: a coarse one at once, a fine one for a near look. */

import coarseUrl from "../../node_modules/world-atlas/packed/coarse.json?url";
import fineUrl from "../../node_modules/world-atlas/packed/fine.json?url";
import { type PackedOutline, unpackOutline, type World } from "./outline";

export type Fineness = "coarse" | "fine";

/** From this zoom on the coarse outline shows its corners. */
export const FINE_ZOOM = 2.5;

export async function loadWorld(fineness: Fineness): Promise<World> {
  const answer = await fetch(fineness === "fine" ? fineUrl : coarseUrl);
  if (!answer.ok) throw new Error(`the outline of the world: ${answer.status}`);
  return unpackOutline((await answer.json()) as PackedOutline);
}
