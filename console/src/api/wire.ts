/** The JSON of `/v1` and of `/console/session`: names as on the wire, see `src/detente/plans/model.py`. */

export type Datum = "WGS84" | "AMSL" | "STD" | "AGL";
export type PlanState = "accepted" | "activated" | "nonconforming" | "contingent" | "ended";
export type Sharing = "full" | "volumes" | "conflicts";
export type OwnPlans = "check" | "ignore";
export type ShiftKind = "time" | "height" | "sideways";

export interface LatLon {
  readonly lat_deg: number;
  readonly lon_deg: number;
}

export type Shape =
  | { readonly kind: "circle"; readonly center: LatLon; readonly radius_m: number }
  | { readonly kind: "polygon"; readonly vertices: readonly LatLon[] }
  | { readonly kind: "corridor"; readonly path: readonly LatLon[]; readonly width_m: number };

export interface PlanVolume {
  readonly shape: Shape;
  readonly lower_m: number;
  readonly upper_m: number;
  readonly start: string;
  readonly end: string;
  readonly datum: Datum;
}

export interface PlanView {
  readonly plan_id: string;
  readonly party_id: string;
  readonly state: PlanState;
  readonly version: number;
  readonly priority: number;
  readonly sharing: Sharing;
  readonly start: string;
  readonly end: string;
  readonly volumes: readonly PlanVolume[] | null;
  readonly title: string | null;
  readonly remarks: string | null;
  readonly ovn: string | null;
  readonly changed: string;
  readonly is_mine: boolean;
  /** Null, or absent, for other parties' plans. */
  readonly own_plans?: OwnPlans | null;
}

export interface PlanPage {
  readonly plans: readonly PlanView[];
  readonly next: string | null;
}

export interface PlanVersion {
  readonly version: number;
  readonly state: PlanState;
  readonly account_id: string;
  readonly at: string;
  readonly statement_id: number;
  readonly type: string;
  readonly content_sha256: string;
}

export interface Separation {
  readonly horizontal_m: number;
  readonly vertical_m: number;
  readonly time_s: number;
}

export interface Conflict {
  readonly party_id: string;
  readonly rule: "overlap" | "separation";
  readonly separation: Separation;
  readonly start: string;
  readonly end: string;
  readonly lower_m: number;
  readonly upper_m: number;
  readonly datum: Datum;
  readonly horizontal_depth_m: number;
  readonly vertical_depth_m: number;
  readonly time_depth_s: number;
  readonly place: LatLon;
  readonly outline: readonly (readonly LatLon[])[];
  readonly plan_id: string | null;
  readonly state: PlanState | null;
  readonly priority: number | null;
  readonly ovn: string | null;
}

export interface WayOut {
  readonly kind: ShiftKind;
  readonly shift_s: number;
  readonly shift_up_m: number;
  readonly shift_east_m: number;
  readonly shift_north_m: number;
  readonly volumes: readonly PlanVolume[];
}

export interface WaysOut {
  readonly offers: readonly WayOut[];
  readonly none: readonly { readonly kind: ShiftKind; readonly why: string }[];
}

export interface WaysOutLimits {
  readonly time_s?: number;
  readonly height_m?: number;
  readonly sideways_m?: number;
}

export interface CheckBody {
  readonly volumes: readonly PlanVolume[];
  readonly priority?: number;
  readonly own_plans?: OwnPlans;
  readonly ignore_plan_id?: string | null;
  readonly ways_out?: WaysOutLimits | null;
}

export interface CheckResult {
  readonly conflicts: readonly Conflict[];
  readonly ways_out: WaysOut | null;
}

export interface PlanBody {
  readonly volumes: readonly PlanVolume[];
  readonly title?: string;
  readonly remarks?: string;
  readonly priority?: number;
  readonly sharing?: Sharing;
  readonly own_plans?: OwnPlans;
  readonly knows?: readonly string[];
}

export type SettlementKind = "none" | ShiftKind | "as_declared" | "changed" | "ended";

export interface Settlement {
  readonly is_settled: boolean;
  /** Null where the viewer may not see the plan. */
  readonly kind: SettlementKind | null;
  readonly shift_s: number | null;
  readonly shift_up_m: number | null;
  readonly shift_east_m: number | null;
  readonly shift_north_m: number | null;
  readonly version: number | null;
  readonly at: string | null;
}

export interface Refusal {
  readonly refusal_id: string;
  readonly party_id: string;
  readonly plan_id: string | null;
  readonly act: "declared" | "changed" | "activated" | null;
  readonly at: string;
  readonly last_at: string;
  readonly conflicts: readonly Conflict[];
  readonly is_complete: boolean | null;
  readonly attempts: number | null;
  readonly volumes: readonly PlanVolume[] | null;
  readonly title: string | null;
  readonly settlement: Settlement;
  readonly is_mine: boolean;
}

export interface RefusalPage {
  readonly refusals: readonly Refusal[];
  readonly next: string | null;
}

/** What the features of a file may lack. */
export interface FileDefaults {
  readonly start: string;
  readonly end: string;
  readonly lower_m: number;
  readonly upper_m: number;
  readonly datum: Datum;
  readonly radius_m: number;
  readonly width_m: number;
}

/** One plan of a file. */
export interface FilePlan {
  readonly id: string;
  readonly party: string;
  readonly title: string;
  readonly volumes: readonly PlanVolume[];
}

/** One thing that is wrong with a file. */
export interface FileFault {
  /** From 1; null: the file as a whole. */
  readonly feature: number | null;
  readonly id: string | null;
  readonly field: string;
  readonly expected: string;
  readonly actual: string;
}

export interface Party {
  readonly party_id: string;
  readonly name: string;
  readonly languages?: readonly string[];
}

export interface Who {
  readonly party_id: string;
  readonly party_name: string;
  readonly account_id: string;
  readonly account_name: string;
  readonly role: string;
  readonly scopes: readonly string[];
  readonly languages: readonly string[];
  readonly expires: string;
  readonly exchange_name: string;
}

/** A problem document (RFC 9457) with the members that the console uses. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance?: string;
  readonly field?: string;
  readonly expected?: unknown;
  readonly actual?: unknown;
  readonly conflicts?: readonly Conflict[];
  readonly ways_out?: WaysOut | null;
  readonly faults?: readonly FileFault[];
}
