/** Colours of parties and states on the map, for a dark and a light ground. Colour never says anything alone. */

import type { PlanState } from "../api/wire";

export type Rgb = readonly [number, number, number];
export type Rgba = [number, number, number, number];
export type Ground = "dark" | "light";

/** Told apart by people with the common colour weaknesses (after Okabe and Ito); the first is the viewer's own. */
const PARTY: Readonly<Record<Ground, readonly Rgb[]>> = {
  dark: [
    [92, 184, 255],
    [242, 178, 75],
    [80, 205, 160],
    [200, 160, 255],
    [240, 228, 110],
    [255, 150, 190],
    [120, 220, 225],
    [214, 160, 120],
  ],
  light: [
    [0, 94, 178],
    [176, 100, 0],
    [0, 125, 90],
    [112, 62, 180],
    [120, 104, 0],
    [178, 40, 110],
    [0, 116, 128],
    [128, 74, 34],
  ],
};

export interface Inks {
  readonly ink: Rgb;
  readonly halo: Rgb;
  readonly alarm: Rgb;
  readonly good: Rgb;
  /** What was in conflict and is settled. */
  readonly settled: Rgb;
  readonly grid: string;
  readonly label: string;
  readonly labelGround: string;
}

export const INKS: Readonly<Record<Ground, Inks>> = {
  dark: {
    ink: [240, 244, 248],
    halo: [10, 16, 22],
    alarm: [255, 92, 92],
    good: [110, 230, 150],
    settled: [150, 168, 184],
    grid: "rgba(150,170,190,0.22)",
    label: "#e8eef4",
    labelGround: "rgba(10,16,22,0.78)",
  },
  light: {
    ink: [20, 28, 36],
    halo: [255, 255, 255],
    alarm: [196, 22, 28],
    good: [0, 122, 60],
    settled: [86, 102, 116],
    grid: "rgba(60,80,100,0.25)",
    label: "#16202a",
    labelGround: "rgba(255,255,255,0.85)",
  },
};

/** A party's place in the palette: the viewer's own party first, the others by id. */
export function partyPlaces(partyIds: Iterable<string>, own: string): Map<string, number> {
  const others = [...new Set(partyIds)].filter((id) => id !== own).sort();
  const places = new Map<string, number>([[own, 0]]);
  others.forEach((id, k) => places.set(id, 1 + (k % (PARTY.dark.length - 1))));
  return places;
}

export function partyColor(place: number, ground: Ground): Rgb {
  return PARTY[ground][place] ?? PARTY[ground][0] ?? [128, 128, 128];
}

export function cssColor(color: Rgb): string {
  return `rgb(${color[0]} ${color[1]} ${color[2]})`;
}

/** How a state is drawn: how dense the fill is, how wide the border, which dashes (in pixels; 0, 0: none). */
export interface StateStyle {
  readonly fill: number;
  readonly width_px: number;
  readonly dash: readonly [number, number];
  readonly border: "party" | "ink" | "alarm";
  /** Stands before the label, so that the state can be read without colour. */
  readonly mark: string;
}

export const STATE_STYLE: Readonly<Record<PlanState, StateStyle>> = {
  accepted: { fill: 56, width_px: 1.5, dash: [8, 4], border: "party", mark: "○" },
  activated: { fill: 120, width_px: 2.5, dash: [0, 0], border: "party", mark: "●" },
  nonconforming: { fill: 120, width_px: 3.5, dash: [10, 5], border: "ink", mark: "◆" },
  contingent: { fill: 140, width_px: 4.5, dash: [4, 4], border: "alarm", mark: "▲" },
  ended: { fill: 24, width_px: 1, dash: [2, 4], border: "party", mark: "×" },
};
