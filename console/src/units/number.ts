/** Numbers as text. */

const formats = new Map<string, Intl.NumberFormat>();

/** A number with at most `digits` decimals, grouped as the locale does. */
export function formatNumber(value: number, locale: string, digits = 0): string {
  const key = `${locale}/${digits}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(locale, { maximumFractionDigits: digits });
    formats.set(key, format);
  }
  return format.format(value === 0 ? 0 : value);
}

export type Unit = "m" | "km" | "ft";

/** Where they are not written as everywhere. */
const SIGNS: Readonly<Record<string, Readonly<Record<Unit, string>>>> = {
  ru: { m: "м", km: "км", ft: "фут" },
  ar: { m: "م", km: "كم", ft: "قدم" },
};

/** The sign of a unit as the locale writes it: `m`, `м`, `م`. */
export function unitSign(unit: Unit, locale: string): string {
  return SIGNS[locale.slice(0, 2)]?.[unit] ?? unit;
}
