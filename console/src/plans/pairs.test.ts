import { describe, expect, test } from "vitest";
import { at, conflict, NOON, plan, refusal, settled } from "./fixtures";
import { countStates, filterPairs, type PairFilters, pairsOf, sideName, stateOf } from "./pairs";
import { DEFAULT_VIEW } from "./view";

const NAMES = { partyName: (id: string) => `party ${id}` };
const HELD = "22222222-0000-4000-8000-000000000000";
const later = conflict({ start: at(40), end: at(50), party_id: "alpha", plan_id: null, horizontal_depth_m: 900 });
const refusals = [
  refusal({ refusal_id: "done", title: "Étude", settlement: settled("time", { shift_s: -20 }) }),
  refusal({ refusal_id: "open", is_mine: false, conflicts: [conflict(), later] }),
];

function pairs(change: Partial<Parameters<typeof pairsOf>[0]> = {}): ReturnType<typeof pairsOf> {
  return pairsOf({ plans: new Map(), refusals, standing: new Map(), ...change });
}

function pick(filters: Partial<PairFilters>, instant_ms = NOON): string[] {
  return filterPairs(pairs(), { ...DEFAULT_VIEW, ...filters }, NAMES, NOON, instant_ms).map((pair) => pair.id);
}

describe("pairs in conflict", () => {
  test("are one for each plan in the way, open ones first", () => {
    expect(pick({})).toEqual(["r-open-0", "r-open-1", "r-done-0"]);
  });

  test("name both plans as far as they are known", () => {
    const plans = new Map([[HELD, plan({ plan_id: HELD, party_id: "bravo", title: "Heli" })]]);
    const names = pairs({ plans }).map((pair) => [sideName(pair.asked, NAMES), sideName(pair.held, NAMES)]);
    expect(names).toEqual([
      ["Étude", "Heli"],
      ["party alpha 1111 1111", "Heli"],
      ["party alpha 1111 1111", "party alpha"],
    ]);
  });

  test("include those that both stand, once", () => {
    const own = plan({ is_mine: true });
    const other = plan({ plan_id: HELD, is_mine: true });
    const plans = new Map([own, other].map((one) => [one.plan_id, one]));
    const beside = { party_id: "alpha", start: at(1), end: at(2) };
    const standing = new Map([
      [own.plan_id, [conflict({ ...beside, plan_id: HELD })]],
      [HELD, [conflict({ ...beside, plan_id: own.plan_id })]],
    ]);
    const found = pairs({ plans, standing, refusals: [] });
    expect(found.map((pair) => [pair.selection, stateOf(pair, NOON)])).toEqual([
      [{ kind: "conflict", planId: own.plan_id, place: 0 }, "open"],
    ]);
  });

  test("that nobody settled are past when their time is over", () => {
    expect(countStates(pairs(), NOON)).toEqual({ open: 2, settled: 1, past: 0 });
    expect(countStates(pairs(), Date.parse(at(45)))).toEqual({ open: 1, settled: 1, past: 1 });
  });
});

describe("filters of pairs", () => {
  test("open or settled", () => {
    expect([pick({ settled: "open" }), pick({ settled: "settled" })]).toEqual([
      ["r-open-0", "r-open-1"],
      ["r-done-0"],
    ]);
  });

  test("a party is on either side, two parties are on one side each", () => {
    expect(pick({ parties: ["bravo"] })).toEqual(["r-open-0", "r-done-0"]);
    expect(pick({ parties: ["alpha", "bravo"] })).toEqual(["r-open-0", "r-done-0"]);
    expect(pick({ parties: ["alpha", "bravo", "c"] })).toHaveLength(3);
    expect(pick({ parties: ["c"] })).toEqual([]);
  });

  test("text is looked for on both sides", () => {
    expect(pick({ text: "etude" })).toEqual(["r-done-0"]);
    expect(pick({ text: "2222 22" })).toEqual(["r-open-0", "r-done-0"]);
  });

  test("only ours: refused to us, or in the way with a plan of ours", () => {
    expect(pick({ onlyMine: true })).toEqual(["r-done-0"]);
    const plans = new Map([[HELD, plan({ plan_id: HELD, is_mine: true })]]);
    expect(pairs({ plans }).map((pair) => pair.isMine)).toEqual([true, true, false]);
  });

  test("there at the instant, or still ahead of it", () => {
    const eleven = Date.parse(at(20));
    expect(pick({ when: "now" }, Date.parse(at(19)))).toEqual(["r-open-0", "r-done-0"]);
    expect(pick({ when: "now" }, eleven)).toEqual([]);
    expect(pick({ when: "ahead" }, eleven)).toEqual(["r-open-1"]);
  });

  test("by depth, the open ones still first", () => {
    expect(pick({ sort: "depth" })).toEqual(["r-open-1", "r-open-0", "r-done-0"]);
  });
});
