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
