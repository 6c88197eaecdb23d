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
  /** The introduction has been read, or at least put away. */
  readonly isIntroduced: boolean;
}

const KEY = "detente.console.settings";

/**
 * What was chosen before; else the browser's language, the party's, and metres, UTC, decimal degrees.
 *
 * Only what was chosen is kept: a language that was found must not outlive the browser's own choice of another.
 *
 * @param partyLanguages the party's, most wanted first; what the host put there when the party was enrolled
 */
export function loadSettings(partyLanguages: readonly string[]): Store<Settings> {
  const kept = read();
  const store = new Store<Settings>({
    language:
      LANGUAGES.find((known) => known === kept["language"]) ??
      chooseLanguage([...navigator.languages, ...partyLanguages]),
    theme: oneOf(kept["theme"], ["auto", "dark", "light"]),
    height: oneOf(kept["height"], ["m", "ft"]),
    zone: oneOf(kept["zone"], ["utc", "local"]),
    notation: oneOf(kept["notation"], ["decimal", "minutes", "mgrs"]),
    isTilted: kept["isTilted"] === true,
    isIntroduced: kept["isIntroduced"] === true,
  });
  store.subscribe((now, before) => {
    const names = (Object.keys(now) as (keyof Settings)[]).filter((name) => now[name] !== before[name]);
    write({ ...read(), ...Object.fromEntries(names.map((name) => [name, now[name]])) });
  });
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

function write(chosen: Record<string, unknown>): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(chosen));
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
