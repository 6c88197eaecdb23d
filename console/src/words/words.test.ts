import { describe, expect, test } from "vitest";
import { en } from "./en";
import { isolate } from "./isolate";
import { CATALOGUES, chooseLanguage, LANGUAGES, type Text, Words } from "./words";

const keys = Object.keys(en).sort();

function forms(text: Text): string[] {
  return typeof text === "string" ? [text] : Object.values(text);
}

function members(text: string): string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? "").sort();
}

describe.each(LANGUAGES)("the catalogue %s", (language) => {
  const catalogue = CATALOGUES[language];

  test("has every key and no other", () => expect(Object.keys(catalogue).sort()).toEqual(keys));

  test("has every plural form of its language", () => {
    const categories = new Intl.PluralRules(language).resolvedOptions().pluralCategories.sort();
    for (const [key, text] of Object.entries(catalogue)) {
      if (typeof text !== "string") expect([key, Object.keys(text).sort()]).toEqual([key, categories]);
    }
  });

  test("uses the members that English has", () => {
    for (const [key, text] of Object.entries(catalogue)) {
      const known = new Set(forms(en[key as keyof typeof en]).flatMap(members));
      for (const form of forms(text))
        for (const member of members(form)) expect([key, known.has(member)]).toEqual([key, true]);
    }
  });

  test("has no empty text but where nothing is to be said", () => {
    for (const [key, text] of Object.entries(catalogue))
      if (typeof text === "string") expect([key, text.trim()]).not.toEqual([key, ""]);
  });

  test("has plural forms where English has them", () => {
    for (const key of keys as (keyof typeof en)[]) expect([key, typeof catalogue[key]]).toEqual([key, typeof en[key]]);
  });
});

test("French has narrow spaces that do not break where a sign needs one", () => {
  for (const [key, text] of Object.entries(CATALOGUES.fr))
    for (const form of forms(text)) expect([key, form]).not.toEqual([key, expect.stringMatching(/ [;:!?»]|« /)]);
});

describe("words", () => {
  test("choose the plural form", () => {
    const words = new Words("ru");
    expect([1, 2, 5, 21].map((n) => words.say("list.count", { n }))).toEqual([
      "1 план",
      "2 плана",
      "5 планов",
      "21 план",
    ]);
  });

  test("keep a name's direction to itself", () => {
    expect(new Words("en").say("clock.behind", { by: "1:00" })).toContain("\u20681:00\u2069");
    // Ends of what it never began are taken out, and what it leaves open is closed.
    expect(isolate("\u2069\u202eab\u2069")).toBe("\u2068\u202eab\u2069");
    expect(isolate("\u2067a\u2066b\u2069")).toBe("\u2068\u2067a\u2066b\u2069\u2069\u2069");
  });

  test("are right to left in Arabic only", () => {
    expect(LANGUAGES.filter((language) => new Words(language).direction === "rtl")).toEqual(["ar"]);
  });

  test("the first known language is taken", () => {
    expect(chooseLanguage(["de-CH", "fr-CH", "en"])).toBe("fr");
    expect(chooseLanguage([])).toBe("en");
  });
});
