import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Rendering } from "./rendering";

/** What is asked of an element here, without a page. */
class Select extends EventTarget {}

describe("a form is made anew", () => {
  const page = Object.assign(new EventTarget(), { activeElement: null });
  const host = new EventTarget();
  let count = 0;
  let rendering: Rendering;
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("document", page);
    vi.stubGlobal("HTMLSelectElement", Select);
    count = 0;
    rendering = new Rendering(host as HTMLElement, () => (count += 1));
  });
  afterEach(() => {
    rendering.stop();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });
  const tick = (): number => {
    vi.runAllTimers();
    return count;
  };

  test("once, after the event that asked for it", () => {
    rendering.ask();
    rendering.ask();
    expect([count, tick()]).toEqual([0, 1]);
  });

  test("not while something is pressed, lest the press be lost", () => {
    host.dispatchEvent(new Event("pointerdown"));
    page.dispatchEvent(new Event("change"));
    rendering.ask();
    expect(tick()).toBe(0);
    page.dispatchEvent(new Event("pointerup"));
    expect(tick()).toBe(1);
  });

  test("not after the screen is gone", () => {
    rendering.ask();
    rendering.stop();
    expect(tick()).toBe(0);
  });
});
