/** Plans, conflicts and refusals for tests. */

import type { Conflict, PlanView, Refusal, Settlement } from "../api/wire";

export const NOON = Date.parse("2026-07-01T12:00:00Z");

export function at(minutes: number): string {
  return new Date(NOON + minutes * 60_000).toISOString();
}

export function plan(change: Partial<PlanView> = {}): PlanView {
  const [start, end] = [change.start ?? at(0), change.end ?? at(60)];
  return {
    plan_id: "11111111-0000-4000-8000-000000000000",
    party_id: "alpha",
    state: "accepted",
    version: 1,
    priority: 0,
    sharing: "volumes",
    start,
    end,
    volumes: [
      {
        shape: { kind: "circle", center: { lat_deg: 46.95, lon_deg: 7.45 }, radius_m: 800 },
        lower_m: 0,
        upper_m: 300,
        start,
        end,
        datum: "AMSL",
      },
    ],
    title: null,
    remarks: null,
    ovn: null,
    own_plans: null,
    changed: at(-60),
    is_mine: false,
    ...change,
  };
}

export function conflict(change: Partial<Conflict> = {}): Conflict {
  return {
    party_id: "bravo",
    rule: "overlap",
    separation: { horizontal_m: 0, vertical_m: 0, time_s: 0 },
    start: at(10),
    end: at(20),
    lower_m: 100,
    upper_m: 200,
    datum: "AMSL",
    horizontal_depth_m: 50,
    vertical_depth_m: 100,
    time_depth_s: 600,
    place: { lat_deg: 46.95, lon_deg: 7.45 },
    outline: [],
    plan_id: "22222222-0000-4000-8000-000000000000",
    state: "accepted",
    priority: 0,
    ovn: null,
    ...change,
  };
}

const OPEN: Settlement = {
  is_settled: false,
  kind: "none",
  shift_s: null,
  shift_up_m: null,
  shift_east_m: null,
  shift_north_m: null,
  version: null,
  at: null,
};

export function refusal(change: Partial<Refusal> = {}): Refusal {
  return {
    refusal_id: "r1",
    party_id: "alpha",
    plan_id: "11111111-0000-4000-8000-000000000000",
    act: "declared",
    at: at(-30),
    last_at: at(-30),
    conflicts: [conflict()],
    is_complete: true,
    attempts: 1,
    volumes: null,
    title: null,
    settlement: OPEN,
    is_mine: true,
    ...change,
  };
}

export function settled(kind: NonNullable<Settlement["kind"]>, change: Partial<Settlement> = {}): Settlement {
  return { ...OPEN, is_settled: true, kind, version: 1, at: at(-20), ...change };
}
