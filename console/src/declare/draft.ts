/** What is being declared, and the volumes it comes to. Pure. */

import type { Datum, LatLon, PlanVolume, Shape, Sharing } from "../api/wire";

export type Kind = Shape["kind"];

export interface DraftState {
  readonly kind: Kind;
  readonly points: readonly LatLon[];
  readonly radius_m: number;
  readonly width_m: number;
  readonly lower_m: number;
  readonly upper_m: number;
  readonly datum: Datum;
  readonly start_ms: number;
  readonly end_ms: number;
  readonly title: string;
  readonly remarks: string;
  readonly priority: number;
  readonly sharing: Sharing;
  /** Volumes out of a file or a way out, in place of the drawn one; null: the drawn one counts. */
  readonly given: readonly PlanVolume[] | null;
}

export type Fault = "points" | "size" | "heights" | "times";

const QUARTER_MS = 15 * 60_000;

export function newDraft(now_ms: number): DraftState {
  const start_ms = Math.ceil(now_ms / QUARTER_MS) * QUARTER_MS;
  return {
    kind: "circle",
    points: [],
    radius_m: 1000,
    width_m: 500,
    lower_m: 0,
    upper_m: 120,
    datum: "AMSL",
    start_ms,
    end_ms: start_ms + 3_600_000,
    title: "",
    remarks: "",
    priority: 0,
    sharing: "volumes",
    given: null,
  };
}

const FEWEST: Readonly<Record<Kind, number>> = { circle: 1, corridor: 2, polygon: 3 };

/** What keeps the draft from being a plan; empty: nothing does. */
export function faultsOf(draft: DraftState): Fault[] {
  if (draft.given) return [];
  const faults: Fault[] = [];
  if (draft.points.length < FEWEST[draft.kind]) faults.push("points");
  if ((draft.kind === "circle" && !(draft.radius_m > 0)) || (draft.kind === "corridor" && !(draft.width_m > 0)))
    faults.push("size");
  if (!(draft.lower_m < draft.upper_m)) faults.push("heights");
  if (!(draft.start_ms < draft.end_ms)) faults.push("times");
  return faults;
}

export function shapeOf(draft: DraftState): Shape | null {
  const [first] = draft.points;
  if (!first || draft.points.length < FEWEST[draft.kind]) return null;
  if (draft.kind === "circle") return { kind: "circle", center: first, radius_m: draft.radius_m };
  if (draft.kind === "corridor") return { kind: "corridor", path: draft.points, width_m: draft.width_m };
  return { kind: "polygon", vertices: draft.points };
}

/** The volumes to declare; null while something is missing. */
export function volumesOf(draft: DraftState): readonly PlanVolume[] | null {
  if (draft.given) return draft.given;
  const shape = shapeOf(draft);
  if (!shape || faultsOf(draft).length > 0) return null;
  return [
    {
      shape,
      lower_m: draft.lower_m,
      upper_m: draft.upper_m,
      datum: draft.datum,
      start: new Date(draft.start_ms).toISOString(),
      end: new Date(draft.end_ms).toISOString(),
    },
  ];
}

/** Adds a place: a circle has one, which moves. */
export function addPoint(draft: DraftState, place: LatLon): DraftState {
  return { ...draft, given: null, points: draft.kind === "circle" ? [place] : [...draft.points, place] };
}

/** Puts other volumes in the draft's place; a single one becomes the form's again, so that it can be changed. */
export function withVolumes(draft: DraftState, volumes: readonly PlanVolume[]): DraftState {
  const [only] = volumes;
  if (volumes.length !== 1 || !only) return { ...draft, given: volumes };
  const { shape } = only;
  const base: DraftState = {
    ...draft,
    kind: shape.kind,
    lower_m: only.lower_m,
    upper_m: only.upper_m,
    datum: only.datum,
    start_ms: Date.parse(only.start),
    end_ms: Date.parse(only.end),
    given: null,
  };
  if (shape.kind === "circle") return { ...base, points: [shape.center], radius_m: shape.radius_m };
  if (shape.kind === "corridor") return { ...base, points: shape.path, width_m: shape.width_m };
  return { ...base, points: shape.vertices };
}
