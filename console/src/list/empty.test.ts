import { describe, expect, test } from "vitest";
import { plan } from "../plans/fixtures";
import { DEFAULT_VIEW } from "../plans/view";
import { whyEmpty } from "./empty";

describe("an empty list of plans", () => {
  const ended = [plan({ state: "ended" }), plan({ plan_id: "2", state: "ended" })];

  test("because nothing is declared", () => expect(whyEmpty([], DEFAULT_VIEW)).toBe("none"));
  test("because all have ended", () => expect(whyEmpty(ended, DEFAULT_VIEW)).toBe("all_ended"));
  test("because of the filters, though all that passes them has ended", () => {
    expect(whyEmpty([...ended, plan({ plan_id: "3" })], DEFAULT_VIEW)).toBe("filtered");
    for (const change of [{ text: "x" }, { onlyMine: true }, { onlyConflict: true }, { parties: ["alpha"] }])
      expect(whyEmpty(ended, { ...DEFAULT_VIEW, ...change })).toBe("filtered");
  });
});
