import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Problem } from "../api/problem";
import type { FileFault, PlanVolume } from "../api/wire";
import { at, NOON, plan } from "../plans/fixtures";
import {
  addPoint,
  addVolume,
  bodyOf,
  current,
  type DraftState,
  draftOf,
  edit,
  faultsOf,
  movePoint,
  newDraft,
  removeVolume,
  volumesOf,
  warningsOf,
  withVolumes,
} from "./draft";
import { base64, defaultsOf, faultLines } from "./file";
import { beginning, forget, forgetAll, keep, recall } from "./kept";
import { differences, redo } from "./merge";

const A = { lat_deg: 46.9, lon_deg: 7.4 };
const B = { lat_deg: 47, lon_deg: 7.5 };
const draft = newDraft(NOON + 1);
const VOLUMES = plan().volumes as readonly PlanVolume[];
const MINE = plan({ is_mine: true, title: "Heli", remarks: "two crew", priority: 5, sharing: "full", own_plans: "ignore" });

describe("a draft", () => {
  test("begins at the next quarter of an hour and is no plan yet", () => {
    expect(current(draft).start_ms).toBe(NOON + 900_000);
    expect([faultsOf(current(draft)), volumesOf(draft)]).toEqual([["points"], null]);
  });

  test("a circle has one place, which moves", () => {
    expect(volumesOf(addPoint(addPoint(draft, A), B))?.[0]?.shape).toEqual({
      kind: "circle",
      center: B,
      radius_m: 1000,
    });
  });

  test("a corridor needs two points, a polygon three", () => {
    const line = addPoint(addPoint(edit(draft, { kind: "corridor" }), A), B);
    expect(volumesOf(line)?.[0]?.shape).toEqual({ kind: "corridor", path: [A, B], width_m: 500 });
    expect(faultsOf(current(edit(line, { kind: "polygon" })))).toEqual(["points"]);
  });

  test("heights and times have an order, sizes are above zero", () => {
    const wrong = { ...current(addPoint(draft, A)), radius_m: 0, lower_m: 120, end_ms: current(draft).start_ms };
    expect(faultsOf(wrong)).toEqual(["size", "heights", "times"]);
  });

  test("a way out of one volume or of several can be changed again", () => {
    const volumes = volumesOf(addPoint(draft, A)) ?? [];
    const moved = volumes.map((volume) => ({ ...volume, lower_m: 50, upper_m: 170 }));
    expect(volumesOf(withVolumes(draft, [...moved, ...volumes]))).toEqual([...moved, ...volumes]);
    expect(volumesOf(edit(withVolumes(draft, [...moved, ...volumes]), { lower_m: 60 }))?.[0]?.lower_m).toBe(60);
  });

  test("times that are over are told, and declared all the same", () => {
    const { start_ms, end_ms } = current(draft);
    expect(warningsOf(draft, start_ms)).toEqual([]);
    expect(warningsOf(draft, start_ms + 1)).toEqual(["past_start"]);
    expect(warningsOf(draft, end_ms)).toEqual(["past_end"]);
  });

  test("volumes are added behind the picked one and taken out, all but the last", () => {
    const two = addVolume(addPoint(draft, A));
    expect([two.at, current(two).points, current(two).start_ms]).toEqual([1, [], current(draft).end_ms]);
    expect(volumesOf(two)).toBeNull();
    expect(removeVolume(two)).toEqual(addPoint(draft, A));
    expect(removeVolume(draft)).toBe(draft);
  });

  test("only the picked volume is changed", () => {
    const two = addPoint(addVolume(addPoint(draft, A)), B);
    expect(volumesOf(movePoint({ ...two, at: 0 }, 0, B))?.map(({ shape }) => shape)).toEqual([
      { kind: "circle", center: B, radius_m: 1000 },
      { kind: "circle", center: B, radius_m: 1000 },
    ]);
  });
});

describe("a plan that is changed", () => {
  const base = draftOf(MINE);

  test("comes back as it was, with everything that was not touched", () => {
    const { title, remarks, priority, sharing, own_plans } = MINE;
    expect(bodyOf(base, volumesOf(base) ?? [])).toEqual({
      volumes: VOLUMES,
      title,
      remarks,
      priority,
      sharing,
      own_plans,
    });
  });

  test("what is kept for other shapes is no difference", () => {
    expect(differences(base, edit(base, { width_m: 7 }))).toEqual([]);
    expect(differences(base, { ...base, at: 0, title: "x" })).toEqual([{ kind: "text", field: "title" }]);
    expect(differences(base, addVolume(base))).toEqual([{ kind: "volume", place: 1 }]);
  });

  test("by two people: each keeps what only one of them changed, and one's own counts where both did", () => {
    const mine = { ...edit(base, { upper_m: 900 }), remarks: "mine" };
    const theirs = { ...base, title: "theirs", remarks: "theirs", priority: 9 };
    expect(redo(base, mine, theirs)).toEqual({ ...mine, title: "theirs", priority: 9 });
  });

  test("by two people, in different volumes", () => {
    const two = withVolumes(base, [...VOLUMES, ...VOLUMES]);
    const mine = edit({ ...two, at: 1 }, { upper_m: 900 });
    const theirs = edit({ ...two, at: 0 }, { upper_m: 700 });
    expect(redo(two, mine, theirs).volumes.map((one) => one.upper_m)).toEqual([700, 900]);
    // With another number of volumes they cannot be told apart: one's own, if they were touched, else theirs.
    expect(redo(two, mine, base).volumes).toEqual(mine.volumes);
    expect(redo(two, { ...two, title: "x" }, base).volumes).toEqual(base.volumes);
  });
});

describe("what was typed", () => {
  let store: Record<string, string> = {};
  beforeEach(() => {
    store = {};
    const methods = {
      getItem: (key: string) => store[key] ?? null,
      setItem: (key: string, value: string) => void (store[key] = value),
      removeItem: (key: string) => void delete store[key],
    };
    vi.stubGlobal(
      "sessionStorage",
      new Proxy(methods, {
        ownKeys: () => Object.keys(store),
        getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
      }),
    );
  });
  afterEach(() => vi.unstubAllGlobals());
  const typed: DraftState = { ...draft, title: "half" };
  const isNew = { planId: "p", base: null, draft: typed };
  const isEdit = { planId: MINE.plan_id, base: MINE, draft: { ...draftOf(MINE), title: "other" } };

  test("is there again, for each plan on its own, the last one first", () => {
    keep("a", isNew);
    keep("a", isEdit);
    expect(recall("a", null)).toEqual(isEdit);
    expect(recall("a", "new")).toEqual(isNew);
    forget("a", MINE.plan_id);
    expect([recall("a", MINE.plan_id), recall("a", null), recall("a", "new")]).toEqual([null, null, isNew]);
  });

  test("is not there for another account, nor after signing out", () => {
    keep("a", isNew);
    expect(recall("b", "new")).toBeNull();
    forgetAll();
    expect([recall("a", "new"), store]).toEqual([null, {}]);
  });

  test("that cannot be read is nothing", () => {
    keep("a", isNew);
    for (const key of Object.keys(store)) store[key] = "{";
    expect(recall("a", "new")).toBeNull();
  });

  test("begins the screen; what nobody touched is made anew", () => {
    expect(beginning(isNew, undefined, "q", NOON)).toEqual({ ...isNew, isTyped: true });
    expect(beginning(isEdit, { ...MINE, version: 2 }, "q", NOON)).toEqual({ ...isEdit, isTyped: true });
    const untouched = { ...isEdit, draft: draftOf(MINE) };
    expect(beginning(untouched, { ...MINE, version: 2 }, "q", NOON).base?.version).toBe(2);
    expect(beginning({ ...isNew, draft }, undefined, "q", NOON)).toMatchObject({ planId: "q", isTyped: false });
  });
});

describe("a file", () => {
  test("goes out whole as base64, however long it is", () => {
    const bytes = Uint8Array.from({ length: 100_001 }, (_, k) => k % 256);
    expect(Buffer.from(base64(bytes), "base64").equals(Buffer.from(bytes))).toBe(true);
    expect(base64(new Uint8Array())).toBe("");
  });

  test("takes what the form says along", () => {
    expect(defaultsOf({ ...current(newDraft(NOON)), lower_m: 7, datum: "STD" })).toEqual({
      start: at(0),
      end: at(60),
      lower_m: 7,
      upper_m: 120,
      datum: "STD",
      radius_m: 1000,
      width_m: 500,
    });
  });

  test("that is faulty is told feature by feature, but not without end", () => {
    const fault = { feature: 3, id: null, field: "lower_m", expected: "a number", actual: '"ten"' };
    const problem = (faults: readonly FileFault[]): Problem =>
      new Problem({ type: "about:blank", title: "", status: 400, detail: "as a whole", faults });
    expect(faultLines(problem([]))).toEqual(["as a whole"]);
    expect(faultLines(problem([fault, { ...fault, feature: null }]))).toEqual([
      '#3 lower_m: "ten" → a number',
      'lower_m: "ten" → a number',
    ]);
    expect(faultLines(problem(Array.from({ length: 9 }, () => fault)))).toHaveLength(6);
  });
});
