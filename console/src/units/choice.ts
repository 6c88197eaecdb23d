/** How the viewer wants numbers, heights, times and positions to read. */

export type HeightUnit = "m" | "ft";
export type TimeZoneChoice = "utc" | "local";
export type Notation = "decimal" | "minutes" | "mgrs";

export interface UnitChoice {
  readonly locale: string;
  readonly height: HeightUnit;
  readonly zone: TimeZoneChoice;
  readonly notation: Notation;
}

/** The locale with the digits 0 to 9: what is read out over a radio must be spelled as the other side sees it. */
export function localeOf(language: string): string {
  return `${language}-u-nu-latn`;
}
