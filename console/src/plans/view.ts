/** What is being looked at: instant, filters, selection; kept in the address so that it can be sent to a colleague. */

import type { PlanState } from "../api/wire";

export const STATES: readonly PlanState[] = ["accepted", "activated", "nonconforming", "contingent", "ended"];

export type Selection =
  | { readonly kind: "plan"; readonly planId: string }
  /** With the place of the conflict that is looked at, among the refusal's. */
  | { readonly kind: "refusal"; readonly refusalId: string; readonly place: number }
  | { readonly kind: "conflict"; readonly planId: string; readonly place: number };

export type ListName = "conflicts" | "plans";
export const LISTS: readonly ListName[] = ["conflicts", "plans"];
export const SETTLED: readonly View["settled"][] = ["all", "open", "settled"];
export const WHEN: readonly View["when"][] = ["all", "now", "ahead"];
export const SORTS: readonly View["sort"][] = ["time", "depth"];

export interface View {
  /** The instant shown, in ms; null: now, and it moves. */
  readonly instant_ms: number | null;
  /** Parties shown; empty: all. */
  readonly parties: readonly string[];
  readonly states: readonly PlanState[];
  readonly text: string;
  readonly onlyMine: boolean;
  readonly onlyConflict: boolean;
  /** Which list is shown; null: conflicts if there are any, else plans. */
  readonly list: ListName | null;
  /** Conflicts: which of them, when counted from the instant shown, in which order. */
  readonly settled: "all" | "open" | "settled";
  readonly when: "all" | "now" | "ahead";
  readonly sort: "time" | "depth";
  readonly selection: Selection | null;
  /** How far ahead of the instant volumes are shown faintly, in minutes. */
  readonly ahead_min: number;
}

export const DEFAULT_VIEW: View = {
  instant_ms: null,
  parties: [],
  states: ["accepted", "activated", "nonconforming", "contingent"],
  text: "",
  onlyMine: false,
  onlyConflict: false,
  list: null,
  settled: "all",
  when: "all",
  sort: "time",
  selection: null,
  ahead_min: 15,
};

export const AHEAD_CHOICES: readonly number[] = [0, 15, 60, 360];

/** The view as the fragment of an address; what is as usual is left out. */
export function encodeView(view: View): string {
  const out = new URLSearchParams();
  if (view.instant_ms !== null) out.set("t", new Date(view.instant_ms).toISOString());
  if (view.parties.length) out.set("party", view.parties.join(","));
  if (view.states.join() !== DEFAULT_VIEW.states.join()) out.set("state", view.states.join(","));
  if (view.text) out.set("q", view.text);
  if (view.onlyMine) out.set("mine", "1");
  if (view.onlyConflict) out.set("conflict", "1");
  if (view.list) out.set("list", view.list);
  for (const name of ["settled", "when", "sort"] as const)
    if (view[name] !== DEFAULT_VIEW[name]) out.set(name, view[name]);
  if (view.ahead_min !== DEFAULT_VIEW.ahead_min) out.set("ahead", String(view.ahead_min));
  if (view.selection) out.set("sel", encodeSelection(view.selection));
  return out.toString();
}

/** The view that a fragment asks for; what it does not say, or says wrongly, is as usual. */
export function decodeView(fragment: string): View {
  const read = new URLSearchParams(fragment.replace(/^#/, ""));
  const instant_ms = Date.parse(read.get("t") ?? "");
  const states = list(read.get("state")).filter((state): state is PlanState => STATES.includes(state as PlanState));
  const ahead = Number(read.get("ahead") ?? DEFAULT_VIEW.ahead_min);
  return {
    instant_ms: Number.isFinite(instant_ms) ? instant_ms : null,
    parties: list(read.get("party")),
    states: read.has("state") ? states : DEFAULT_VIEW.states,
    text: (read.get("q") ?? "").slice(0, 200),
    onlyMine: read.get("mine") === "1",
    onlyConflict: read.get("conflict") === "1",
    list: LISTS.find((one) => one === read.get("list")) ?? null,
    settled: SETTLED.find((one) => one === read.get("settled")) ?? "all",
    when: WHEN.find((one) => one === read.get("when")) ?? "all",
    sort: SORTS.find((one) => one === read.get("sort")) ?? "time",
    selection: decodeSelection(read.get("sel") ?? ""),
    ahead_min: AHEAD_CHOICES.includes(ahead) ? ahead : DEFAULT_VIEW.ahead_min,
  };
}

function list(text: string | null): string[] {
  return (text ?? "").split(",").filter((part) => part !== "");
}

function encodeSelection(selection: Selection): string {
  if (selection.kind === "plan") return `plan.${selection.planId}`;
  if (selection.kind === "conflict") return `conflict.${selection.planId}.${selection.place}`;
  return `refusal.${selection.refusalId}${selection.place ? `.${selection.place}` : ""}`;
}

function decodeSelection(text: string): Selection | null {
  const [kind, id, place] = text.split(".");
  if (!id) return null;
  if (kind === "plan") return { kind, planId: id };
  if (!/^\d{1,4}$/.test(place ?? "0")) return null;
  if (kind === "refusal") return { kind, refusalId: id, place: Number(place ?? 0) };
  if (kind === "conflict" && place) return { kind, planId: id, place: Number(place) };
  return null;
}

export function isSameSelection(a: Selection | null, b: Selection | null): boolean {
  return (a === null ? "" : encodeSelection(a)) === (b === null ? "" : encodeSelection(b));
}
