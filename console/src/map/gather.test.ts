import { expect, test } from "vitest";
import type { Conflict, Refusal } from "../api/wire";
import { conflict, NOON, refusal, settled } from "../plans/fixtures";
import { conflictsKey, piecesAt } from "./gather";

const MINUTE = 60_000;
const RING = [
  { lat_deg: 46, lon_deg: 7 },
  { lat_deg: 46, lon_deg: 7.1 },
  { lat_deg: 46.1, lon_deg: 7.1 },
];

function known(refusals: Refusal[], standing: Conflict[] = []) {
  return {
    refusals: new Map(refusals.map((one) => [one.refusal_id, one])),
    standing: new Map(standing.map((one, k) => [`p${k}`, [one]])),
  };
}

const one = conflict({ outline: [RING] });
const inside_ms = (Date.parse(one.start) + Date.parse(one.end)) / 2;

test("settled conflicts are there with what settled them, below the open ones", () => {
  const done = refusal({ refusal_id: "done", conflicts: [one], settlement: settled("time", { shift_s: 60 }) });
  const open = refusal({ refusal_id: "open", conflicts: [one] });
  const pieces = piecesAt(known([open, done], [one]), inside_ms);
  expect(pieces.map((piece) => [piece.refusalId, piece.settlement?.kind ?? null])).toEqual([
    ["done", "time"],
    [null, null],
    ["open", null],
  ]);
});

test("a conflict is there from its start until its end, and not when it is drawn as chosen already", () => {
  const all = known([refusal({ conflicts: [one] })]);
  expect(piecesAt(all, Date.parse(one.start))).toHaveLength(1);
  expect(piecesAt(all, Date.parse(one.end))).toHaveLength(0);
  expect(piecesAt(all, Date.parse(one.start) - 1)).toHaveLength(0);
  expect(piecesAt(all, inside_ms, (each) => each !== one)).toHaveLength(0);
});

test("the key tells one conflict from another that takes its place", () => {
  const later = conflict({ start: one.end, end: new Date(Date.parse(one.end) + MINUTE).toISOString() });
  const all = known([refusal({ conflicts: [one, later] })]);
  const keys = [inside_ms, Date.parse(one.end), NOON - 1e9].map((instant_ms) => conflictsKey(all, instant_ms));
  expect(new Set(keys).size).toBe(3);
});
