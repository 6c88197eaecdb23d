/** Texts in the viewer's language: by key, with members put in and plural forms chosen. */

import { ar } from "./ar";
import { en, type Key } from "./en";
import { fr } from "./fr";
import { isolate } from "./isolate";
import { ru } from "./ru";

export type { Key } from "./en";

/** A text, or one per plural category of the language (`other` always). */
export type Text = string | PluralForms;
export type PluralForms = Readonly<Partial<Record<Intl.LDMLPluralRule, string>>> & { readonly other: string };
export type Catalogue = Readonly<Record<Key, Text>>;
export type Language = "en" | "fr" | "ru" | "ar";

export const CATALOGUES: Readonly<Record<Language, Catalogue>> = { en, fr, ru, ar };
export const LANGUAGES: readonly Language[] = ["en", "fr", "ru", "ar"];
/** Each language in its own words. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = {
  en: "English",
  fr: "Français",
  ru: "Русский",
  ar: "العربية",
};

export type Members = Readonly<Record<string, string | number>>;

export class Words {
  readonly direction: "ltr" | "rtl";
  private readonly catalogue: Catalogue;
  private readonly plural: Intl.PluralRules;
  private readonly numbers: Intl.NumberFormat;

  constructor(readonly language: Language) {
    this.catalogue = CATALOGUES[language];
    this.direction = language === "ar" ? "rtl" : "ltr";
    this.plural = new Intl.PluralRules(language);
    this.numbers = new Intl.NumberFormat(`${language}-u-nu-latn`);
  }

  /** The text of a key. `n` chooses the plural form; `{name}` is replaced by the member of that name. */
  say(key: Key, members: Members = {}): string {
    const text = this.catalogue[key];
    const form = typeof text === "string" ? text : (text[this.plural.select(Number(members["n"] ?? 0))] ?? text.other);
    return form.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = members[name];
      if (value === undefined) return whole;
      return typeof value === "number" ? this.numbers.format(value) : isolate(value);
    });
  }
}

/** The first of the wanted languages that there is a catalogue for; English if none. */
export function chooseLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const language = tag.toLowerCase().split("-")[0];
    const found = LANGUAGES.find((known) => known === language);
    if (found) return found;
  }
  return "en";
}
