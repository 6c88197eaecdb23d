/** What is being declared or changed, and the volumes it comes to. Pure. */

import type { Datum, LatLon, OwnPlans, PlanBody, PlanView, PlanVolume, Shape, Sharing } from "../api/wire";

export type Kind = Shape["kind"];

/** One volume as the form has it: what another kind of shape would need is kept, too. */
export interface VolumeDraft {
  readonly kind: Kind;
  readonly points: readonly LatLon[];
  readonly radius_m: number;
  readonly width_m: number;
  readonly lower_m: number;
  readonly upper_m: number;
  readonly datum: Datum;
  readonly start_ms: number;
  readonly end_ms: number;
}

export interface DraftState {
  /** One or more. */
  readonly volumes: readonly VolumeDraft[];
  /** Which of them the form and the map's handles are for. */
  readonly at: number;
  readonly title: string;
  readonly remarks: string;
  readonly priority: number;
  readonly sharing: Sharing;
  readonly own_plans: OwnPlans;
}

export type Fault = "points" | "size" | "heights" | "times";
export type Warning = "past_start" | "past_end";

const QUARTER_MS = 15 * 60_000;
/** As many as the exchange takes in one plan. */
export const MOST_VOLUMES = 256;

export function newDraft(now_ms: number): DraftState {
  const start_ms = Math.ceil(now_ms / QUARTER_MS) * QUARTER_MS;
  const volume: VolumeDraft = {
    kind: "circle",
    points: [],
    radius_m: 1000,
    width_m: 500,
    lower_m: 0,
    upper_m: 120,
    datum: "AMSL",
    start_ms,
    end_ms: start_ms + 3_600_000,
  };
  return {
    volumes: [volume],
    at: 0,
    title: "",
    remarks: "",
    priority: 0,
    sharing: "volumes",
    own_plans: "check",
  };
}

/** A plan of one's own as a draft, to be changed. */
export function draftOf(plan: PlanView): DraftState {
  const { priority, sharing } = plan;
  const texts = { title: plan.title ?? "", remarks: plan.remarks ?? "", own_plans: plan.own_plans ?? "check" };
  return { ...withVolumes(newDraft(Date.parse(plan.start)), plan.volumes ?? []), ...texts, priority, sharing };
}

export function current(draft: DraftState): VolumeDraft {
  return draft.volumes[draft.at] as VolumeDraft;
}

/** Changes the volume that is picked. */
export function edit(draft: DraftState, change: Partial<VolumeDraft>): DraftState {
  return { ...draft, volumes: draft.volumes.map((one, k) => (k === draft.at ? { ...one, ...change } : one)) };
}

const FEWEST: Readonly<Record<Kind, number>> = { circle: 1, corridor: 2, polygon: 3 };

/** What keeps a volume from being one; empty: nothing does. */
export function faultsOf(volume: VolumeDraft): Fault[] {
  const faults: Fault[] = [];
  const { kind } = volume;
  if (volume.points.length < FEWEST[kind]) faults.push("points");
  if ((kind === "circle" && !(volume.radius_m > 0)) || (kind === "corridor" && !(volume.width_m > 0)))
    faults.push("size");
  if (!(volume.lower_m < volume.upper_m)) faults.push("heights");
  if (!(volume.start_ms < volume.end_ms)) faults.push("times");
  return faults;
}

/** What may be meant and should be known: times that are over. */
export function warningsOf(draft: DraftState, now_ms: number): Warning[] {
  if (draft.volumes.every((one) => one.end_ms <= now_ms)) return ["past_end"];
  return draft.volumes.some((one) => one.start_ms < now_ms) ? ["past_start"] : [];
}

export function shapeOf(volume: VolumeDraft): Shape | null {
  const { kind, points } = volume;
  const [first] = points;
  if (!first || points.length < FEWEST[kind]) return null;
  if (kind === "circle") return { kind, center: first, radius_m: volume.radius_m };
  if (kind === "corridor") return { kind, path: points, width_m: volume.width_m };
  return { kind, vertices: points };
}

/** The volumes to declare; null while something is missing in one of them. */
export function volumesOf(draft: DraftState): readonly PlanVolume[] | null {
  const volumes: PlanVolume[] = [];
  for (const one of draft.volumes) {
    const shape = shapeOf(one);
    if (!shape || faultsOf(one).length > 0) return null;
    const { lower_m, upper_m, datum } = one;
    const [start, end] = [new Date(one.start_ms).toISOString(), new Date(one.end_ms).toISOString()];
    volumes.push({ shape, lower_m, upper_m, datum, start, end });
  }
  return volumes;
}

/** What is sent to the exchange. */
export function bodyOf(draft: DraftState, volumes: readonly PlanVolume[]): PlanBody {
  const { title, remarks, priority, sharing, own_plans } = draft;
  return { volumes, title, remarks, priority, sharing, own_plans };
}

/** Adds a place to the volume that is picked: a circle has one, which moves. */
export function addPoint(draft: DraftState, place: LatLon): DraftState {
  const { kind, points } = current(draft);
  return edit(draft, { points: kind === "circle" ? [place] : [...points, place] });
}

export function movePoint(draft: DraftState, which: number, place: LatLon): DraftState {
  return edit(draft, { points: current(draft).points.map((one, k) => (k === which ? place : one)) });
}

/** Adds a volume behind the picked one: as high and as long, from when that one ends, without points. */
export function addVolume(draft: DraftState): DraftState {
  if (draft.volumes.length >= MOST_VOLUMES) return draft;
  const last = current(draft);
  const next = { ...last, points: [], start_ms: last.end_ms, end_ms: 2 * last.end_ms - last.start_ms };
  const volumes = [...draft.volumes.slice(0, draft.at + 1), next, ...draft.volumes.slice(draft.at + 1)];
  return { ...draft, volumes, at: draft.at + 1 };
}

/** Takes the picked volume out; the last one stays. */
export function removeVolume(draft: DraftState): DraftState {
  if (draft.volumes.length < 2) return draft;
  const volumes = draft.volumes.filter((_, k) => k !== draft.at);
  return { ...draft, volumes, at: Math.min(draft.at, volumes.length - 1) };
}

/** Puts other volumes in the draft's place, out of a file or a way out. */
export function withVolumes(draft: DraftState, volumes: readonly PlanVolume[]): DraftState {
  const [usual] = draft.volumes;
  if (!usual || volumes.length === 0) return draft;
  return { ...draft, volumes: volumes.map((one) => asDraft(one, usual)), at: Math.min(draft.at, volumes.length - 1) };
}

function asDraft({ shape, lower_m, upper_m, datum, start, end }: PlanVolume, usual: VolumeDraft): VolumeDraft {
  const times = { start_ms: Date.parse(start), end_ms: Date.parse(end) };
  const base = { ...usual, kind: shape.kind, lower_m, upper_m, datum, ...times };
  if (shape.kind === "circle") return { ...base, points: [shape.center], radius_m: shape.radius_m };
  if (shape.kind === "corridor") return { ...base, points: shape.path, width_m: shape.width_m };
  return { ...base, points: shape.vertices };
}
