import { describe, expect, test } from "vitest";
import { formatDistance, formatShift, scaleLength } from "./distance";
import { formatBand, formatFlightLevel, formatHeight, parseHeight } from "./height";
import { formatNumber } from "./number";
import { formatPosition, parsePosition, wrapLon } from "./position";
import {
  formatCountdown,
  formatDateTime,
  formatSeconds,
  formatSpan,
  formatSpanShort,
  formatTime,
  parseInstant,
  writeInstant,
} from "./time";

const NOON = Date.parse("2026-07-01T12:00:00Z");

describe("heights", () => {
  test.each([
    [10_668, "FL350"],
    [0, "FL000"],
    [-61, "FL-02"],
    [1524, "FL050"],
  ])("%d m of pressure altitude is %s", (height_m, text) => expect(formatFlightLevel(height_m)).toBe(text));

  test("the datum is always said", () => {
    expect(formatHeight(500, "AMSL", "m", "en")).toBe("500 m AMSL");
    expect(formatHeight(152.4, "WGS84", "ft", "en")).toBe("500 ft WGS84");
    expect(formatHeight(10_668, "STD", "m", "en")).toBe("10,668 m STD");
  });

  test("a band says unit and datum once", () => {
    expect(formatBand(500, 1500, "AMSL", "m", "en")).toBe("500–1,500 m AMSL");
    expect(formatBand(10_058, 10_668, "STD", "ft", "en")).toBe("FL330–FL350");
  });

  test("what was typed is read in the unit that was asked for", () => {
    expect(parseHeight("1 500", "m")).toBe(1500);
    expect(parseHeight("12,5", "m")).toBe(12.5);
    expect(parseHeight("1000", "ft")).toBeCloseTo(304.8);
    expect(parseHeight("", "m")).toBeNull();
    expect(parseHeight("high", "m")).toBeNull();
  });
});

describe("distances", () => {
  test.each([
    [155, "m", "155 m"],
    [4.25, "m", "4.3 m"],
    [1234, "m", "1.23 km"],
    [45_678, "m", "45.7 km"],
    [9260, "ft", "5 NM"],
    [500, "ft", "0.27 NM"],
    [50, "ft", "164 ft"],
  ] as const)("%d m with heights in %s is %s", (distance_m, unit, text) =>
    expect(formatDistance(distance_m, unit, "en")).toBe(text),
  );

  test("a shift has a bearing of three digits", () => {
    expect(formatShift(0, -155, "m", "en")).toBe("155 m 180°");
    expect(formatShift(100, 0, "m", "en")).toBe("100 m 090°");
    expect(formatShift(-0.1, 100, "m", "en")).toBe("100 m 000°");
  });

  test("a scale is a round length that fits", () => {
    expect([7, 10, 19, 21, 49, 51, 999].map(scaleLength)).toEqual([5, 10, 10, 20, 20, 50, 500]);
  });
});

describe("numbers", () => {
  test("every language has the digits 0 to 9", () => {
    expect(formatNumber(1234, "ar-u-nu-latn")).toMatch(/^1.234$/);
  });
  test("there is no minus zero", () => expect(formatNumber(-0, "en")).toBe("0"));
});

describe("times", () => {
  test("UTC is marked", () => {
    expect(formatTime(NOON, "utc")).toBe("12:00:00Z");
    expect(formatTime(NOON, "utc", false)).toBe("12:00Z");
    expect(formatDateTime(NOON, "utc")).toBe("2026-07-01 12:00:00Z");
  });

  test("local time says how far it is from UTC", () => {
    expect(formatTime(NOON, "local")).toMatch(/^\d\d:\d\d:\d\d[+-]\d\d(\d\d)?$/);
  });

  test("a date stands only where it is not today's", () => {
    expect(formatSpan(NOON, NOON + 60_000, NOON, "utc")).toBe("12:00:00Z–12:01:00Z");
    expect(formatSpan(NOON, NOON + 86_400_000, NOON, "utc")).toBe("12:00:00Z–2026-07-02 12:00:00Z");
    expect(formatSpanShort(NOON + 86_400_000, NOON + 86_460_000, NOON, "utc")).toBe("07-02 12:00–12:01Z");
  });

  test.each([
    [45_000, "0:45"],
    [-750_000, "12:30"],
    [11_100_000, "3:05:00"],
    [183_600_000, "2d 03:00"],
  ])("%d ms away is %s", (span_ms, text) => expect(formatCountdown(span_ms)).toBe(text));

  test("seconds with the units they need", () => {
    expect(formatSeconds(40, "en")).toBe("40 sec");
    expect(formatSeconds(450, "en")).toBe("7 min 30 sec");
    expect(formatSeconds(7200, "en")).toBe("2 hr");
    expect(formatSeconds(0.4, "en")).toBe("0.4 sec");
  });

  test("an instant is read as it is written", () => {
    for (const instant_ms of [NOON, NOON + 5000]) expect(parseInstant(writeInstant(instant_ms))).toBe(instant_ms);
    expect(parseInstant("2026-07-01T12:00:00Z")).toBe(NOON);
    expect(parseInstant("12:00")).toBeNull();
    expect(parseInstant("2026-13-01 12:00")).toBeNull();
  });
});

describe("positions", () => {
  const bern = { lat_deg: 46.94809, lon_deg: 7.44744 };

  test("each notation", () => {
    expect(formatPosition(bern, "decimal")).toBe("46.94809°N 7.44744°E");
    expect(formatPosition(bern, "minutes")).toBe("46°56.885′N 007°26.846′E");
    expect(formatPosition(bern, "mgrs")).toMatch(/^32T LT \d{5} \d{5}$/);
  });

  test("minutes never reach sixty", () => {
    expect(formatPosition({ lat_deg: 46.9999999, lon_deg: -7.9999999 }, "minutes")).toBe("47°00.000′N 008°00.000′W");
  });

  test("beyond the grid there are decimal degrees", () => {
    expect(formatPosition({ lat_deg: 85, lon_deg: 0 }, "mgrs")).toBe("85.00000°N 0.00000°E");
  });

  test.each(["decimal", "minutes", "mgrs"] as const)("what is written in %s is read again", (notation) => {
    for (const place of [
      bern,
      { lat_deg: -33.9, lon_deg: 151.2 },
      { lat_deg: 0.5, lon_deg: -179.9 },
      { lat_deg: 60, lon_deg: 179.999 },
    ]) {
      const read = parsePosition(formatPosition(place, notation));
      expect(read?.lat_deg).toBeCloseTo(place.lat_deg, 4);
      expect(read?.lon_deg).toBeCloseTo(place.lon_deg, 4);
    }
  });

  test.each([
    ["46.95 7.45", 46.95, 7.45],
    ["46.95, 7.45", 46.95, 7.45],
    ["-33.9,151.2", -33.9, 151.2],
    ["46°57'0\"N 7°27'0\"E", 46.95, 7.45],
    ["N46 57.0 E007 27.0", 46.95, 7.45],
    ["7.45E 46.95N", 46.95, 7.45],
    ["46 57 0 7 27 0", 46.95, 7.45],
    ["33°54′S 151°12′E", -33.9, 151.2],
  ])("%s is read", (text, lat, lon) => {
    const read = parsePosition(text);
    expect(read?.lat_deg).toBeCloseTo(lat, 6);
    expect(read?.lon_deg).toBeCloseTo(lon, 6);
  });

  test.each(["", "DLH3EM", "95 7", "46.95", "heli-2", "46 75 0 7 27 0", "32T LT 123"])("%j is no position", (text) => {
    expect(parsePosition(text)).toBeNull();
  });

  test("longitudes are wrapped", () => {
    expect([190, -190, 540, 180, -180].map(wrapLon)).toEqual([-170, 170, 180, 180, -180]);
  });
});

describe("signs of units", () => {
  test.each([
    ["en", "1,500 m AMSL", "1.23 km"],
    ["fr", "1\u202f500 m AMSL", "1,23 km"],
    ["ru", "1\u00a0500 м AMSL", "1,23 км"],
    ["ar-u-nu-latn", "1,500 م AMSL", "1.23 كم"],
  ])("%s writes them its own way", (locale, height, distance) => {
    expect(formatHeight(1500, "AMSL", "m", locale)).toBe(height);
    expect(formatDistance(1234, "m", locale)).toBe(distance);
  });
});
