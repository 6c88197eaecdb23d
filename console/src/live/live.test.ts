import { describe, expect, test } from "vitest";
import { ServerClock } from "./clock";
import { newsOf } from "./feed";
import { EventParser } from "./sse";

describe("server-sent events", () => {
  const text = 'event: hello\nid: 7\ndata: {"a":1}\n\n: beat\n\nevent: plan\r\ndata: one\r\ndata: two\r\n\r\n';
  const expected = [
    { event: "hello", data: '{"a":1}', id: "7" },
    { event: "plan", data: "one\ntwo", id: "7" },
  ];

  test("wherever the pieces are cut", () => {
    for (let cut = 0; cut <= text.length; cut += 1) {
      const parser = new EventParser();
      expect([...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))]).toEqual(expected);
    }
  });

  test("one sign at a time", () => {
    const parser = new EventParser();
    expect([...text].flatMap((sign) => parser.push(sign))).toEqual(expected);
  });

  test("an event without data is none", () => expect(new EventParser().push("event: plan\n\n")).toEqual([]));
});

describe("the server's clock", () => {
  test("is off beyond half a minute", () => {
    const clock = new ServerClock();
    expect(clock.isOff()).toBe(false);
    clock.hear("2026-07-01T12:00:00Z", Date.parse("2026-07-01T11:59:35Z"));
    expect([clock.isOff(), clock.behind_ms()]).toEqual([false, 25_000]);
    clock.hear("2026-07-01T12:00:00Z", Date.parse("2026-07-01T12:00:31Z"));
    expect([clock.isOff(), clock.behind_ms()]).toEqual([true, -31_000]);
  });

  test("a time that is none changes nothing", () => {
    const clock = new ServerClock();
    clock.hear("soon", 0);
    expect(clock.behind_ms()).toBe(0);
  });
});

test("an event that this page does not know is passed over", () => {
  expect(newsOf("separation", {})).toBeNull();
  expect(newsOf("gone", { plan_id: "p" })).toEqual({ kind: "gone", planId: "p" });
  expect(newsOf("refusal_gone", { refusal_id: "r" })).toEqual({ kind: "refusal_gone", refusalId: "r" });
});
