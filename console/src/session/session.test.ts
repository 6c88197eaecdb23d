import { describe, expect, test } from "vitest";
import { Problem, Unreachable } from "../api/problem";
import { Words } from "../words/words";
import { explainPasskey } from "./passkeys";
import { checkPlace, NoPasskeys, octetsOf, textOf } from "./webauthn";

const HERE = "http://127.0.0.1:8440";
const THERE = "http://localhost:8440";
const options = { challenge: "AAAA", rp_id: "localhost", origin: THERE, timeout_ms: 1 };

function said(error: unknown): string {
  return explainPasskey(error, new Words("en"), HERE).replaceAll(/[\u2068\u2069]/g, "");
}

function refusal(status: number, members: object): Problem {
  return new Problem({ type: "/problems/x", title: "No", status, detail: "as the server says", ...members });
}

describe("octets", () => {
  test("travel as base64url without padding", () => {
    for (let size = 0; size < 70; size++) {
      const octets = Uint8Array.from({ length: size }, (_, at) => (at * 251 + size) % 256);
      const text = textOf(octets.buffer);
      expect(text).toBe(Buffer.from(octets).toString("base64url"));
      expect([...octetsOf(text)]).toEqual([...octets]);
    }
    expect(textOf(null)).toBe("");
  });
});

describe("a passkey is asked for", () => {
  test("only where the exchange says that it works", () => {
    expect(() => checkPlace(options, THERE, true)).not.toThrow();
    expect(() => checkPlace(options, HERE, true)).toThrow(NoPasskeys);
    expect(() => checkPlace(options, "http://localhost:8441", true)).toThrow(NoPasskeys);
    expect(() => checkPlace(options, THERE, false)).toThrow("browser");
  });
});

describe("what went wrong is said in words", () => {
  test("that name the address where it works", () => {
    expect(said(new NoPasskeys("origin", THERE))).toContain(`only at ${THERE}/console; this page is at ${HERE}`);
    expect(said(refusal(409, { reason: "no-secure-name", public_url: "http://a.example" }))).toContain("http://a.example");
  });

  test("and never in the browser's", () => {
    const cancelled = said(new DOMException("see w3.org", "NotAllowedError"));
    expect(cancelled).toContain("No passkey was used");
    expect(said(new DOMException("x", "InvalidStateError"))).toContain("already holds");
    expect(said(new NoPasskeys("browser", THERE))).toContain("This browser");
  });

  test("one for each refusal", () => {
    const reasons = ["no-passkey", "bad-passkey", "sign-in-too-old"];
    const texts = reasons.map((reason) => said(refusal(400, { reason })));
    texts.push(said(refusal(429, { type: "/problems/too-many" })), said(new Unreachable(null)));
    expect(new Set(texts).size).toBe(5);
    for (const text of texts) expect(text).not.toContain("as the server says");
    expect(said(refusal(500, {}))).toContain("as the server says");
  });
});
