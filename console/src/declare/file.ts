/** A file that was dropped or chosen: the exchange reads it, the viewer picks a plan or is told what is wrong. */

import { Problem } from "../api/problem";
import type { FileDefaults, FilePlan } from "../api/wire";
import type { Context } from "../shell/context";
import { fill, foreign, h } from "../shell/dom";
import type { VolumeDraft } from "./draft";

const MAX_FILE_BYTES = 4 * 1_048_576;
export const FILE_TYPES = ".geojson,.json,.kml,.kmz,application/geo+json,application/vnd.google-earth.kml+xml";

const SHOWN_FAULTS = 5;
const CHUNK = 32_768;
const SHOWN_PLANS = 200;

/** What the form says already, for the features that do not say it themselves. */
export function defaultsOf(volume: VolumeDraft): FileDefaults {
  const { lower_m, upper_m, datum, radius_m, width_m, start_ms, end_ms } = volume;
  const [start, end] = [new Date(start_ms).toISOString(), new Date(end_ms).toISOString()];
  return { start, end, lower_m, upper_m, datum, radius_m, width_m };
}

/** Bytes as base64; in chunks, since a function takes only so many arguments. */
export function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(text);
}

/** What is wrong with a file, a line each; the first few, then how many more. */
export function faultLines(problem: Problem): string[] {
  const faults = problem.document.faults ?? [];
  if (faults.length === 0) return [problem.message];
  const lines = faults
    .slice(0, SHOWN_FAULTS)
    .map(({ feature, field, expected, actual }) =>
      [feature === null ? "" : `#${feature} `, `${field}: ${actual} → ${expected}`].join(""),
    );
  return faults.length > SHOWN_FAULTS ? [...lines, `+ ${faults.length - SHOWN_FAULTS}`] : lines;
}

export class FileDrop {
  /**
   * @param host where plans are offered and faults told
   * @param volume what the form says, for features that do not
   * @param take is given the plan that the viewer wants
   */
  constructor(
    private readonly context: Context,
    private readonly host: HTMLElement,
    private readonly volume: () => VolumeDraft,
    private readonly take: (plan: FilePlan) => void,
  ) {}

  async read(file: File | undefined): Promise<void> {
    if (!file) return;
    const { api, notices } = this.context;
    const say = this.context.say.bind(this.context);
    if (file.size > MAX_FILE_BYTES) return notices.show("bad", say("file.too_large"));
    try {
      const content = base64(new Uint8Array(await file.arrayBuffer()));
      const plans = await api.readFile(content, file.name.slice(0, 200) || "file", defaultsOf(this.volume()));
      const [only] = plans;
      if (plans.length > 1) this.offer(plans);
      else if (only) this.take(only);
      else notices.show("bad", say("file.no_plan"), file.name);
    } catch (error) {
      if (error instanceof Problem && error.status < 500) this.tell(file.name, faultLines(error));
      else notices.trouble(error);
    }
  }

  private tell(name: string, lines: readonly string[]): void {
    fill(
      this.host,
      h("p", { class: "bad" }, this.context.say("file.faults"), " ", foreign(name)),
      h(
        "ul",
        { class: "faults" },
        lines.map((line) => h("li", {}, foreign(line))),
      ),
    );
  }

  private offer(plans: readonly FilePlan[]): void {
    const { context } = this;
    const row = (plan: FilePlan): HTMLElement =>
      h(
        "li",
        {},
        foreign(plan.title || plan.id),
        plan.party === context.who.party_id ? null : h("small", {}, " ", foreign(plan.party)),
        h("button", { type: "button", on: { click: () => this.take(plan) } }, context.say("file.take")),
      );
    fill(
      this.host,
      h("h3", {}, context.say("file.choose", { n: plans.length })),
      h("ul", { class: "ways" }, plans.slice(0, SHOWN_PLANS).map(row)),
    );
  }
}
