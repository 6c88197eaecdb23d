/** What every screen may use. */

import type { Api } from "../api/client";
import type { LatLon, PlanVolume, Who, WayOut, Conflict } from "../api/wire";
import type { ServerClock } from "../live/clock";
import type { Feed } from "../live/feed";
import type { Known } from "../plans/known";
import type { Shown } from "../plans/shown";
import type { Selection, View } from "../plans/view";
import type { Units } from "../units/units";
import type { Key, Members, Words } from "../words/words";
import type { Notices } from "./notices";
import type { Settings } from "./settings";
import type { Store } from "./store";

/** What other screens may ask of the map. */
export interface MapPort {
  /** Moves the view so that all points are in it; `height_m` is how high the highest is. */
  fit(points: Iterable<LatLon>, height_m?: number): void;
  /** Draws what is being declared, what is in its way and a way out; null: nothing. */
  showDraft(draft: Draft | null): void;
  /** Gives clicks on the map to somebody until the returned function is called. */
  captureClicks(listener: (place: LatLon, isLast: boolean) => void): () => void;
  /** Tells when a handle of the draft is dragged, and where it was let go, until the returned function is called. */
  dragHandles(listener: (place: number, to: LatLon, isLast: boolean) => void): () => void;
  center(): LatLon;
  bounds(): readonly [number, number, number, number];
}

export interface Draft {
  readonly volumes: readonly PlanVolume[];
  readonly handles: readonly LatLon[];
  readonly conflicts: readonly Conflict[];
  readonly way: WayOut | null;
}

export interface Context {
  readonly api: Api;
  readonly who: Who;
  readonly known: Known;
  readonly view: Store<View>;
  /** Plans that the filters let through, and those in conflict. */
  readonly shown: Shown;
  readonly settings: Store<Settings>;
  readonly clock: ServerClock;
  readonly feed: Feed;
  readonly notices: Notices;
  readonly map: MapPort;
  /** Words and units of the moment: do not keep them. */
  readonly words: Words;
  readonly units: Units;
  say(key: Key, members?: Members): string;
  /** The instant that is shown. */
  instant(): number;
  select(selection: Selection | null): void;
  /** Goes to the screen on which plans are declared; with an id, to change that plan of one's own. */
  openDeclare(planId: string | null): void;
  /** The plan that the screen was opened to change, once; null: none. */
  takeEditing(): string | null;
  /** Whether the account may do what a scope allows. */
  may(scope: string): boolean;
  /** Colour of a party as CSS. */
  partyColor(partyId: string): string;
}

/** A screen of the left pane. */
export interface Screen {
  readonly id: string;
  readonly title: Key;
  /** Which scope it needs, if any. */
  readonly scope?: string;
  mount(host: HTMLElement, context: Context): () => void;
}
