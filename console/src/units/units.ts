/** All formatting with one viewer's choices, so that a screen need not pass them around. */

import type { Datum, LatLon } from "../api/wire";
import { localeOf, type UnitChoice } from "./choice";
import { formatDistance, formatShift } from "./distance";
import { formatBand, formatHeight, formatHeightDifference } from "./height";
import { formatNumber } from "./number";
import { formatPosition } from "./position";
import { formatDateTime, formatSeconds, formatSpan, formatSpanShort, formatTime } from "./time";

export class Units {
  readonly locale: string;

  constructor(
    readonly choice: UnitChoice,
    private readonly now: () => number,
  ) {
    this.locale = localeOf(choice.locale);
  }

  number(value: number, digits = 0): string {
    return formatNumber(value, this.locale, digits);
  }

  height(height_m: number, datum: Datum): string {
    return formatHeight(height_m, datum, this.choice.height, this.locale);
  }

  band(lower_m: number, upper_m: number, datum: Datum): string {
    return formatBand(lower_m, upper_m, datum, this.choice.height, this.locale);
  }

  heightDifference(difference_m: number): string {
    return formatHeightDifference(difference_m, this.choice.height, this.locale);
  }

  distance(distance_m: number): string {
    return formatDistance(distance_m, this.choice.height, this.locale);
  }

  shift(east_m: number, north_m: number): string {
    return formatShift(east_m, north_m, this.choice.height, this.locale);
  }

  seconds(span_s: number): string {
    return formatSeconds(span_s, this.locale);
  }

  time(instant_ms: number, hasSeconds = true): string {
    return formatTime(instant_ms, this.choice.zone, hasSeconds);
  }

  dateTime(instant_ms: number): string {
    return formatDateTime(instant_ms, this.choice.zone);
  }

  span(from: string, to: string): string {
    return formatSpan(Date.parse(from), Date.parse(to), this.now(), this.choice.zone);
  }

  spanShort(from: string, to: string): string {
    return formatSpanShort(Date.parse(from), Date.parse(to), this.now(), this.choice.zone);
  }

  /** @param digits of decimal degrees; the other notations are as fine as they are */
  position(place: LatLon, digits = 5): string {
    return formatPosition(place, this.choice.notation, digits);
  }
}
