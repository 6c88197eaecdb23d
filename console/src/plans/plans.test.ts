import { describe, expect, test } from "vitest";
import type { Api } from "../api/client";
import type { ConflictsPage, PlanConflicts } from "../api/wire";
import { attention, type Knowledge } from "./attention";
import { at, conflict, NOON, plan, refusal, settled } from "./fixtures";
import { Known } from "./known";
import { planName } from "./naming";
import { filterPlans, firstInstant, isAt, plansInConflict, spanOf } from "./select";
import { due, StandingWatch, standingKey } from "./standing";
import { decodeView, DEFAULT_VIEW, encodeView, type View } from "./view";

describe("what is known", () => {
  test("an older version is old news", () => {
    const known = new Known();
    known.takePlan(plan({ version: 2, state: "activated" }));
    known.takePlan(plan({ version: 1 }));
    expect(known.plans.get(plan().plan_id)?.state).toBe("activated");
  });

  test("a plan that is gone is forgotten, and so is one that a snapshot does not bring", () => {
    const known = new Known();
    known.takePlan(plan({ plan_id: "a" }));
    known.takePlan(plan({ plan_id: "b" }));
    known.take({ kind: "gone", planId: "a" });
    expect([...known.plans.keys()]).toEqual(["b"]);
    known.keepOnly(new Set());
    expect(known.plans.size).toBe(0);
  });

  test("a party without a name is called by its id", () => {
    const known = new Known();
    known.takeParties([{ party_id: "alpha", name: "Alpha air rescue" }]);
    expect([known.partyName("alpha"), known.partyName("bravo")]).toEqual(["Alpha air rescue", "bravo"]);
  });
});

describe("selections", () => {
  const plans = [
    plan({ plan_id: "1", title: "Étude du pont", is_mine: true, start: at(5) }),
    plan({ plan_id: "2", party_id: "bravo", state: "ended", start: at(1) }),
    plan({ plan_id: "3", party_id: "bravo", state: "activated", start: at(0) }),
  ];
  const NAMES = { partyName: (id: string) => `party ${id}` };
  const pick = (change: Partial<View>, inConflict = new Set<string>()): string[] =>
    filterPlans(plans, { ...DEFAULT_VIEW, ...change }, inConflict, NAMES).map((one) => one.plan_id);

  test("without filters: what is in force, by start", () => expect(pick({})).toEqual(["3", "1"]));
  test("accents and case do not matter", () => expect(pick({ text: "ETUDE" })).toEqual(["1"]));
  test("a party's name is searched too", () => expect(pick({ text: "party bravo" })).toEqual(["3"]));
  test("only ours", () => expect(pick({ onlyMine: true })).toEqual(["1"]));
  test("only a party", () => expect(pick({ parties: ["bravo"] })).toEqual(["3"]));
  test("states", () => expect(pick({ states: ["ended"] })).toEqual(["2"]));
  test("only in conflict", () => expect(pick({ onlyConflict: true }, new Set(["3"]))).toEqual(["3"]));

  test("conflicts come from standing ones and from open refusals", () => {
    const standing = new Map([
      ["1", [conflict({ plan_id: "x" })]],
      ["9", []],
    ]);
    const refusals = [
      refusal({ plan_id: "r", conflicts: [conflict({ plan_id: "y" })] }),
      refusal({ plan_id: "s", settlement: settled("time") }),
    ];
    expect([...plansInConflict(standing, refusals)].sort()).toEqual(["1", "r", "x", "y"]);
  });

  test("an end is exclusive", () => {
    expect([isAt(plan(), NOON), isAt(plan(), NOON - 1), isAt(plan(), NOON + 3_600_000)]).toEqual([true, false, false]);
  });

  test("the span of nothing is nothing", () => {
    expect(spanOf([])).toBeNull();
    expect(spanOf(plans)).toEqual([NOON, NOON + 3_600_000]);
  });

  test("a plan without a title is called by its party and the beginning of its id", () => {
    const titles = [null, " ", "Heli"];
    expect(titles.map((title) => planName(plan({ title }), NAMES))).toEqual([
      "party alpha 1111 1111",
      "party alpha 1111 1111",
      "Heli",
    ]);
    expect(pick({ text: "bravo 3" })).toEqual(["3"]);
  });
});

describe("what needs the viewer first", () => {
  const see = (change: Partial<Knowledge>, now_ms = NOON): string[] => {
    const plans = [...(change.plans ?? [])];
    const all: Knowledge = {
      plans,
      planOf: (id) => plans.find((one) => one.plan_id === id),
      refusals: [],
      standing: [],
      ...change,
    };
    return attention(all, now_ms).map((item) => item.kind);
  };

  test("off-nominal before conflicts before refusals before clocks", () => {
    const plans = [
      plan({ plan_id: "1", is_mine: true, start: at(-5) }),
      plan({ plan_id: "2", state: "nonconforming" }),
      plan({ plan_id: "3", state: "contingent" }),
      plan({ plan_id: "4", is_mine: true, state: "activated", end: at(2) }),
      plan({ plan_id: "5", is_mine: true, start: at(90), end: at(120) }),
    ];
    expect(
      see({
        plans,
        standing: [["5", [conflict()]]],
        refusals: [
          refusal(),
          refusal({ refusal_id: "r2", is_mine: false, conflicts: [conflict({ plan_id: "4" })] }),
          refusal({ refusal_id: "r3", is_mine: false, conflicts: [conflict({ plan_id: "2" })] }),
        ],
      }),
    ).toEqual(["contingent", "nonconforming", "standing", "refused", "overdue", "in_my_way", "ending", "others"]);
  });

  test("what was wanted into ours names us, whatever else was in its way", () => {
    const ours = plan({ plan_id: "4", party_id: "charlie", is_mine: true, start: at(90), end: at(120) });
    const conflicts = [conflict(), conflict({ plan_id: "4", party_id: "charlie" })];
    const planOf = (id: string): typeof ours | undefined => (id === "4" ? ours : undefined);
    const refusals = [refusal({ is_mine: false, conflicts })];
    const [first] = attention({ plans: [ours], planOf, standing: [], refusals }, NOON);
    expect([first?.kind, first?.otherId]).toEqual(["in_my_way", "charlie"]);
  });

  test("the sooner of two comes first", () => {
    const refusals = [
      refusal({ refusal_id: "late", conflicts: [conflict({ start: at(30), end: at(40) })] }),
      refusal({ refusal_id: "soon" }),
    ];
    const knowledge: Knowledge = { plans: [], planOf: () => undefined, refusals, standing: [] };
    expect(attention(knowledge, NOON).map((item) => item.selection)).toEqual([
      { kind: "refusal", refusalId: "soon", place: 0 },
      { kind: "refusal", refusalId: "late", place: 0 },
    ]);
  });

  test("what is settled or over needs nobody", () => {
    expect(see({ refusals: [refusal({ settlement: settled("height") })] })).toEqual([]);
    expect(see({ refusals: [refusal()] }, NOON + 3_600_000)).toEqual([]);
    expect(
      see({ plans: [plan({ is_mine: true, state: "ended" })], standing: [[plan().plan_id, [conflict()]]] }),
    ).toEqual([]);
  });
});

describe("asking what stands beside own plans", () => {
  const other = plan({ plan_id: "x", party_id: "bravo" });
  const own = plan({ is_mine: true });

  test("own plans in force that are not over and begin soon", () => {
    const plans = [
      own,
      other,
      plan({ is_mine: true, plan_id: "over", start: at(-60), end: at(-1) }),
      plan({ is_mine: true, plan_id: "far", start: at(600), end: at(660) }),
      plan({ is_mine: true, plan_id: "ended", state: "ended" }),
    ];
    expect(due(plans, NOON).map((one) => one.plan_id)).toEqual([own.plan_id]);
  });

  test("again when a plan of these hours changes, not when a later one does", () => {
    const key = standingKey([own], NOON);
    expect(standingKey([own, plan({ plan_id: "x", start: at(900), end: at(960) })], NOON)).toBe(key);
    expect(standingKey([own, other], NOON)).not.toBe(key);
    expect(standingKey([plan({ is_mine: true, version: 2 })], NOON)).not.toBe(key);
  });

  test("all pages at once, and what is no longer there stands free", async () => {
    const known = new Known();
    known.takePlan(own);
    known.takePlan(plan({ is_mine: true, plan_id: "second" }));
    const asked: object[] = [];
    let pages: ConflictsPage[] = [];
    const api = {
      queryConflicts: (body: object): Promise<ConflictsPage> => {
        asked.push(body);
        const page = pages.shift();
        return page ? Promise.resolve(page) : Promise.reject(new Error("away"));
      },
    } as unknown as Api;
    let now_ms = NOON;
    const watch = new StandingWatch(api, known, () => now_ms);
    const of = (planId: string): PlanConflicts => ({
      plan_id: planId,
      version: 1,
      conflicts: [conflict()],
      is_complete: true,
    });
    pages = [
      { plans: [of(own.plan_id)], next: "c" },
      { plans: [of("second")], next: null },
    ];
    await watch.look();
    await watch.look();
    expect(asked.length).toBe(2);
    expect([...known.standing.values()].map((one) => one.length)).toEqual([1, 1]);
    known.takePlan(other);
    await watch.look();
    expect(asked.length).toBe(2);
    now_ms += 5_000;
    pages = [{ plans: [of("second")], next: null }];
    await watch.look();
    expect([known.standing.get(own.plan_id)?.length, known.standing.get("second")?.length]).toEqual([0, 1]);
    known.takePlan(plan({ plan_id: "x", version: 9 }));
    now_ms += 5_000;
    await watch.look();
    now_ms += 5_000;
    await watch.look();
    expect(asked.length).toBe(4);
    now_ms += 25_000;
    pages = [{ plans: [], next: null }];
    await watch.look();
    expect(known.standing.get("second")).toEqual([]);
  });
});

describe("refusals on the stream", () => {
  test("are taken, replaced and forgotten", () => {
    const known = new Known();
    known.take({ kind: "refusal", refusal: refusal() });
    known.take({ kind: "refusal", refusal: refusal({ settlement: settled("time") }) });
    expect([...known.refusals.values()].map((one) => one.settlement.is_settled)).toEqual([true]);
    known.take({ kind: "refusal_gone", refusalId: refusal().refusal_id });
    expect(known.refusals.size).toBe(0);
  });

  test("that a snapshot does not bring are forgotten", () => {
    const known = new Known();
    known.takeRefusal(refusal({ refusal_id: "a" }));
    known.takeRefusal(refusal({ refusal_id: "b" }));
    known.keepOnlyRefusals(new Set(["b"]));
    expect([...known.refusals.keys()]).toEqual(["b"]);
  });
});

describe("the address", () => {
  const view: View = {
    instant_ms: NOON,
    parties: ["alpha", "bravo"],
    states: ["activated"],
    text: "a&b=c",
    onlyMine: true,
    onlyConflict: true,
    list: "conflicts",
    settled: "open",
    when: "ahead",
    sort: "depth",
    selection: { kind: "conflict", planId: "p", place: 2 },
    ahead_min: 60,
  };

  test("a view comes back as it went", () => expect(decodeView(`#${encodeView(view)}`)).toEqual(view));
  test("the usual view is empty", () => {
    expect(encodeView(DEFAULT_VIEW)).toBe("");
    expect(decodeView("")).toEqual(DEFAULT_VIEW);
  });
  test.each(["list=all", "settled=maybe", "when=never", "sort=", "t=yesterday", "sel=conflict.p", "sel=conflict.p.x", "sel=plan.", "ahead=7", "sel=other.x"])(
    "%s is ignored",
    (text) => {
      expect(decodeView(`#${text}`)).toEqual(DEFAULT_VIEW);
    },
  );
});

describe("the instant that a page opens at", () => {
  test("is now while something is in force", () => {
    expect(firstInstant([plan(), plan({ start: at(200), end: at(260) })], NOON)).toBeNull();
  });

  test("is the first start ahead, of a plan that has not ended", () => {
    const ahead = [plan({ start: at(300), end: at(360) }), plan({ start: at(200), end: at(260) })];
    const ended = plan({ start: at(100), end: at(160), state: "ended" });
    expect(firstInstant([...ahead, ended], NOON)).toBe(Date.parse(at(200)));
  });

  test("is now when all is over, or nothing is declared", () => {
    expect(firstInstant([plan({ start: at(-90), end: at(-30) })], NOON)).toBeNull();
    expect(firstInstant([], NOON)).toBeNull();
  });
});
