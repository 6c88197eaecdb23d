import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { loadSettings } from "./settings";

const KEY = "detente.console.settings";

describe("the language", () => {
  const kept = new Map<string, string>();
  beforeEach(() => {
    kept.clear();
    vi.stubGlobal("localStorage", {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
    });
  });
  afterEach(() => vi.unstubAllGlobals());
  const browser = (...languages: string[]): void => {
    vi.stubGlobal("navigator", { languages });
  };

  test("of the browser comes before the party's", () => {
    browser("ar-EG", "en");
    expect(loadSettings(["en"]).get().language).toBe("ar");
  });

  test("of the party counts where the browser has none that is known", () => {
    browser("de-CH", "it");
    expect(loadSettings(["ru"]).get().language).toBe("ru");
    expect(loadSettings([]).get().language).toBe("en");
  });

  test("that was chosen wins over both", () => {
    browser("ar");
    loadSettings(["en"]).set({ language: "fr" });
    expect(loadSettings(["en"]).get().language).toBe("fr");
  });

  test("that was only found is not kept when something else is chosen", () => {
    browser("ar");
    loadSettings(["en"]).set({ theme: "light" });
    browser("ru");
    expect(loadSettings(["en"]).get()).toMatchObject({ language: "ru", theme: "light" });
  });

  test("is found though what is kept is broken", () => {
    browser("fr");
    kept.set(KEY, "[");
    expect(loadSettings([]).get().language).toBe("fr");
    kept.set(KEY, '{"language":"xx","zone":7}');
    expect(loadSettings([]).get()).toMatchObject({ language: "fr", zone: "utc" });
  });
});
