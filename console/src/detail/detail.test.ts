import { describe, expect, test } from "vitest";
import { at, conflict, NOON, refusal, settled } from "../plans/fixtures";
import { Known } from "../plans/known";
import { pairsOf } from "../plans/pairs";
import type { Context } from "../shell/context";
import { Units } from "../units/units";
import { type Language, Words } from "../words/words";
import { pairSentence } from "./open";
import { pairSettlement, settlementText } from "./settlement";

function contextIn(language: Language, now_ms = NOON): Context {
  const words = new Words(language);
  const units = new Units({ locale: language, height: "m", zone: "utc", notation: "decimal" }, () => NOON);
  const known = new Known();
  known.takeParties([
    { party_id: "alpha", name: "Alpha" },
    { party_id: "bravo", name: "Bravo" },
  ]);
  const clock = { now: () => now_ms };
  return { words, units, known, clock, say: words.say.bind(words) } as unknown as Context;
}

/** Without the marks that keep a name's direction to itself. */
function plain(text: string): string {
  return text.replace(/[\u2066-\u2069]/g, "").replace(/\u00a0|\u202f/g, " ");
}

describe("what settled a conflict", () => {
  const say = (change: ReturnType<typeof settled>): string => plain(settlementText(contextIn("en"), change));

  test.each([
    [settled("time", { shift_s: -20 }), "Settled: flown 20 sec earlier"],
    [settled("time", { shift_s: 80 }), "Settled: flown 1 min 20 sec later"],
    [settled("height", { shift_up_m: 300 }), "Settled: flown 300 m higher"],
    [settled("height", { shift_up_m: -300 }), "Settled: flown 300 m lower"],
    [settled("sideways", { shift_east_m: 0, shift_north_m: -155 }), "Settled: moved sideways, 155 m 180°"],
    [settled("ended"), "Settled: ended"],
    [{ ...settled("none"), is_settled: false }, "Still open: nothing has settled it"],
    [{ ...settled("none"), kind: null }, "Settled; its party does not show how"],
  ])("%o", (settlement, text) => expect(say(settlement)).toBe(text));

  test("is nothing when its time is over, or when both stand", () => {
    const [pair] = pairsOf({ plans: new Map(), refusals: [refusal()], standing: new Map() });
    if (!pair) throw new Error("no pair");
    expect(pairSettlement(contextIn("en", NOON), pair)).toBe("Still open: nothing has settled it");
    expect(pairSettlement(contextIn("en", Date.parse(at(30))), pair)).toBe("Its time is over; nothing settled it");
    expect(pairSettlement(contextIn("en"), { ...pair, settlement: null })).toBe("Open: both plans stand");
    const done = { ...pair, settlement: settled("time", { shift_s: -20 }), asked: { partyId: "ours", planId: "p", title: "VLG1502" } };
    expect(plain(pairSettlement(contextIn("en"), done))).toBe("Settled: flown 20 sec earlier (VLG1502)");
  });
});

describe("a conflict in a sentence", () => {
  const refused = refusal({ title: "Heli 2", conflicts: [conflict({ plan_id: null })] });
  const [pair] = pairsOf({ plans: new Map(), refusals: [refused], standing: new Map() });

  test("says which two, whose, when, how high, where and how deep", () => {
    if (!pair) throw new Error("no pair");
    expect(plain(pairSentence(contextIn("en"), pair))).toBe(
      "Heli 2 (Alpha) and a plan not shown (Bravo) wanted the same air from 2026-07-01 12:10:00Z to 12:20:00Z, " +
        "at 100–200 m AMSL, near 46.95000°N 7.45000°E: 50 m deep on the ground, 100 m in height, 10 min in time.",
    );
  });

  test.each(["fr", "ru", "ar"] as const)("leaves nothing out in %s", (language) => {
    if (!pair) throw new Error("no pair");
    const text = plain(pairSentence(contextIn(language), pair));
    expect(text).not.toContain("{");
    for (const part of ["Heli 2", "Alpha", "Bravo", "12:10:00Z", "12:20:00Z", "46.95000°N", "AMSL"])
      expect(text).toContain(part);
  });
});
