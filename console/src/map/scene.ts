/** What the map has to show, gathered from what is known and what is looked at; the layers only draw it. */

import type { Conflict, LatLon, PlanVolume, Refusal, Settlement, ShiftKind, WayOut } from "../api/wire";
import type { Pair } from "../plans/pairs";
import { destination } from "./geodesy";
import { continuous, flatRing, middleOf, ringOf } from "./rings";
import type { Item } from "./table";

/** What it takes to draw a volume flat or raised. */
export interface Body {
  readonly base: Float64Array;
  readonly ground: Float64Array;
  readonly lower_m: number;
  readonly upper_m: number;
}

/** A piece that two plans share. */
export interface Piece extends Body {
  readonly middle: readonly [number, number];
  readonly isSelected: boolean;
  /** What settled the conflict, or null while it is open. */
  readonly settlement: Settlement | null;
  /** The refusal that tells of it; null for plans that stand beside each other, and for a draft. */
  readonly refusalId: string | null;
  /** The place of its conflict among the refusal's. */
  readonly place: number;
}

/** Something that is not (or not yet) a plan: what was refused, a way out, a draft. */
export interface Ghost extends Body {
  readonly kind: "refused" | "way_out" | "draft";
  readonly top: Float64Array;
}

/** From what was refused to where it settled. */
export interface Arrow {
  readonly from: readonly [number, number, number];
  readonly to: readonly [number, number, number];
  readonly kind: ShiftKind;
  readonly shift_s: number;
}

export interface Scene {
  items: readonly Item[];
  ahead: readonly Item[];
  selected: readonly Item[];
  pieces: readonly Piece[];
  ghosts: readonly Ghost[];
  arrows: readonly Arrow[];
  handles: readonly LatLon[];
  /** Where conflicts are, whatever the instant: open ones loud, settled ones quiet. */
  marks: readonly Pair[];
}

export const EMPTY_SCENE: Scene = {
  items: [],
  ahead: [],
  selected: [],
  pieces: [],
  ghosts: [],
  arrows: [],
  handles: [],
  marks: [],
};

export function piecesOf(conflict: Conflict, isSelected: boolean, refusal: Refusal | null = null): Piece[] {
  return conflict.outline
    .filter((ring) => ring.length > 2)
    .map((ring) => {
      const points = continuous(ring);
      const middle = middleOf(points);
      return {
        base: flatRing(points, conflict.lower_m),
        ground: flatRing(points, 0),
        lower_m: conflict.lower_m,
        upper_m: conflict.upper_m,
        middle: [middle.lon_deg, middle.lat_deg],
        isSelected,
        settlement: refusal?.settlement.is_settled ? refusal.settlement : null,
        refusalId: refusal?.refusal_id ?? null,
        place: Math.max(0, refusal?.conflicts.indexOf(conflict) ?? 0),
      };
    });
}

export function ghostOf(volume: PlanVolume, kind: Ghost["kind"]): Ghost {
  const ring = ringOf(volume.shape);
  return {
    kind,
    top: flatRing(ring, volume.upper_m),
    base: flatRing(ring, volume.lower_m),
    ground: flatRing(ring, 0),
    lower_m: volume.lower_m,
    upper_m: volume.upper_m,
  };
}

/** The volumes that were refused, limited to those that meet something, and where they settled. */
export function refusedGhosts(refusal: Refusal): Ghost[] {
  return touched(refusal).map((volume) => ghostOf(volume, "refused"));
}

/** Arrows from the refused volumes to where they settled; none where nothing moved or nothing is known. */
export function settlementArrows(refusal: Refusal): Arrow[] {
  const { settlement } = refusal;
  if (settlement.kind !== "time" && settlement.kind !== "height" && settlement.kind !== "sideways") return [];
  const kind = settlement.kind;
  return touched(refusal).map((volume) => arrowOf(volume, kind, settlement));
}

function arrowOf(volume: PlanVolume, kind: ShiftKind, settlement: Settlement): Arrow {
  const middle = middleOf(ringOf(volume.shape));
  const height_m = (volume.lower_m + volume.upper_m) / 2;
  const to = shifted(middle, settlement.shift_east_m ?? 0, settlement.shift_north_m ?? 0);
  return {
    from: [middle.lon_deg, middle.lat_deg, height_m],
    to: [to.lon_deg, to.lat_deg, height_m + (settlement.shift_up_m ?? 0)],
    kind,
    shift_s: settlement.shift_s ?? 0,
  };
}

/** Volumes whose time meets that of a conflict; all of them where none does. */
function touched(refusal: Refusal): readonly PlanVolume[] {
  const volumes = refusal.volumes ?? [];
  const meeting = volumes.filter((volume) =>
    refusal.conflicts.some(
      (one) => Date.parse(volume.start) < Date.parse(one.end) && Date.parse(one.start) < Date.parse(volume.end),
    ),
  );
  return meeting.length ? meeting : volumes;
}

export function wayOutGhosts(way: WayOut): Ghost[] {
  return way.volumes.map((volume) => ghostOf(volume, "way_out"));
}

export function shifted(place: LatLon, east_m: number, north_m: number): LatLon {
  const distance_m = Math.hypot(east_m, north_m);
  if (distance_m === 0) return place;
  return destination(place, (Math.atan2(east_m, north_m) * 180) / Math.PI, distance_m);
}
