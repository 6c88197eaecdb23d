/** The viewer's own choices, kept in this browser. */

import type { HeightUnit, Notation, TimeZoneChoice } from "../units/choice";
import { chooseLanguage, type Language, LANGUAGES } from "../words/words";
import { Store } from "./store";

export type Theme = "auto" | "dark" | "light";

export interface Settings {
  readonly language: Language;
  readonly theme: Theme;
  readonly height: HeightUnit;
  readonly zone: TimeZoneChoice;
  readonly notation: Notation;
  readonly isTilted: boolean;
}

const KEY = "detente.console.settings";

/** What was chosen before; else the account's language, the browser's, and metres, UTC, decimal degrees. */
export function loadSettings(languages: readonly string[]): Store<Settings> {
  const kept = read();
  const store = new Store<Settings>({
    language:
      LANGUAGES.find((known) => known === kept["language"]) ?? chooseLanguage([...languages, ...navigator.languages]),
    theme: oneOf(kept["theme"], ["auto", "dark", "light"]),
    height: oneOf(kept["height"], ["m", "ft"]),
    zone: oneOf(kept["zone"], ["utc", "local"]),
    notation: oneOf(kept["notation"], ["decimal", "minutes", "mgrs"]),
    isTilted: kept["isTilted"] === true,
  });
  store.subscribe(write);
  return store;
}

function read(): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function write(settings: Settings): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // A browser that keeps nothing still shows everything.
  }
}

function oneOf<T extends string>(value: unknown, choices: readonly [T, ...T[]]): T {
  return choices.find((choice) => choice === value) ?? choices[0];
}

/** Dark or light, after the choice or the system's. */
export function groundOf(theme: Theme): "dark" | "light" {
  if (theme !== "auto") return theme;
  return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}
