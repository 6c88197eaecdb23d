/** The screen to declare a plan: draw or type it, see at once what is in the way, take a way out, declare. */

import { Problem } from "../api/problem";
import type { CheckResult, WayOut } from "../api/wire";
import { conflictFacts, partyMark } from "../detail/parts";
import { wayList } from "../detail/ways";
import type { Context, Screen } from "../shell/context";
import { fill, foreign, h, ltr } from "../shell/dom";
import { addPoint, type DraftState, faultsOf, newDraft, volumesOf, withVolumes } from "./draft";
import { textForm, volumeForm } from "./form";
import { FileFault, readGeoJson, type FilePlan } from "./geojson";
import { ringOf } from "../map/rings";

const CHECK_AFTER_MS = 350;
const MAX_FILE_BYTES = 4 * 1_048_576;

export const declareScreen: Screen = {
  id: "declare",
  title: "screen.declare",
  scope: "plans.write",
  mount(host, context) {
    const screen = new DeclareScreen(host, context);
    return () => screen.unmount();
  },
};

class DeclareScreen {
  private draft: DraftState;
  private planId = crypto.randomUUID();
  private result: CheckResult | null = null;
  private shownWay: WayOut | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking: AbortController | null = null;
  private readonly volumeHost = h("div", {});
  private readonly textHost = h("div", {});
  private readonly resultHost = h("div", { class: "check", "aria-live": "polite" });
  private readonly declareButton: HTMLButtonElement;
  private readonly release: () => void;

  constructor(
    host: HTMLElement,
    private readonly context: Context,
  ) {
    this.draft = newDraft(context.clock.now());
    this.declareButton = h(
      "button",
      { type: "button", class: "primary", on: { click: () => void this.declare() } },
      context.say("declare.send"),
    );
    const file = h("input", {
      type: "file",
      accept: ".geojson,.json,application/geo+json",
      class: "sr",
      id: "draft-file",
      on: { change: () => void this.readFile(file.files?.[0]) },
    });
    host.append(
      h(
        "div",
        {
          class: "declare-screen",
          on: {
            dragover: (event: DragEvent) => event.preventDefault(),
            drop: (event: DragEvent) => {
              event.preventDefault();
              void this.readFile(event.dataTransfer?.files[0]);
            },
          },
        },
        h("h2", {}, context.say("screen.declare")),
        this.volumeHost,
        this.resultHost,
        this.textHost,
        h("p", { class: "drop" }, h("label", { for: "draft-file" }, context.say("declare.drop")), file),
        h(
          "div",
          { class: "actions sticky" },
          this.declareButton,
          h(
            "button",
            { type: "button", on: { click: () => this.change(newDraft(context.clock.now())) } },
            context.say("declare.clear"),
          ),
        ),
      ),
    );
    this.release = context.map.captureClicks((place, isLast) => {
      if (!isLast) this.change(addPoint(this.draft, place));
    });
    this.change(this.draft);
  }

  unmount(): void {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.release();
    this.context.map.showDraft(null);
  }

  private change(draft: DraftState): void {
    // The map shows the neighbours of the draft at the time that it is for.
    const isBegun = draft.points.length > 0 && this.draft.points.length === 0;
    if (isBegun || draft.start_ms !== this.draft.start_ms) this.context.view.set({ instant_ms: draft.start_ms });
    const isTextOnly =
      volumesOf(draft) !== null &&
      JSON.stringify(volumesOf(draft)) === JSON.stringify(volumesOf(this.draft)) &&
      draft.priority === this.draft.priority;
    this.draft = draft;
    const focused = document.activeElement?.id;
    const change = (next: DraftState): void => this.change(next);
    fill(this.volumeHost, volumeForm(this.context, draft, change));
    fill(this.textHost, textForm(this.context, draft, change));
    if (focused?.startsWith("draft-")) document.getElementById(focused)?.focus();
    if (isTextOnly && this.result) return;
    this.shownWay = null;
    this.result = null;
    this.show();
    clearTimeout(this.timer);
    this.asking?.abort();
    if (volumesOf(draft)) this.timer = setTimeout(() => void this.check(), CHECK_AFTER_MS);
  }

  /** Asks what would be in the way; an answer that comes after another change is of no use and dropped. */
  private async check(): Promise<void> {
    const volumes = volumesOf(this.draft);
    if (!volumes) return;
    this.asking = new AbortController();
    const { signal } = this.asking;
    fill(this.resultHost, h("p", { class: "calm" }, this.context.say("declare.checking")));
    try {
      const ways_out = { time_s: 7200, height_m: 600, sideways_m: 10_000 };
      const result = await this.context.api.check({ volumes, priority: this.draft.priority, ways_out }, signal);
      if (signal.aborted) return;
      this.result = result;
      this.show();
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem) fill(this.resultHost, h("p", { class: "bad" }, foreign(error.message)));
      else this.context.notices.trouble(error);
    }
  }

  private show(): void {
    const { context, draft, result } = this;
    const volumes = volumesOf(draft);
    context.map.showDraft({
      volumes: volumes ?? [],
      handles: draft.given ? [] : draft.points,
      conflicts: result?.conflicts ?? [],
      way: this.shownWay,
    });
    this.declareButton.disabled = volumes === null || (result !== null && result.conflicts.length > 0);
    if (!volumes) {
      fill(
        this.resultHost,
        h(
          "ul",
          { class: "faults" },
          faultsOf(draft).map((fault) => h("li", {}, context.say(`fault.${fault}`))),
        ),
      );
    } else if (result) fill(this.resultHost, this.resultParts(result));
  }

  private resultParts(result: CheckResult): HTMLElement[] {
    const { context } = this;
    if (result.conflicts.length === 0) return [h("p", { class: "free" }, `✓ ${context.say("declare.free")}`)];
    const parts: HTMLElement[] = [
      h("p", { class: "bad" }, `⚠ ${context.say("declare.in_the_way", { n: result.conflicts.length })}`),
      ...result.conflicts.map((conflict) =>
        h(
          "details",
          { class: "conflict" },
          h(
            "summary",
            {},
            partyMark(context, conflict.party_id),
            " ",
            ltr(context.units.span(conflict.start, conflict.end)),
          ),
          conflictFacts(context, conflict),
        ),
      ),
    ];
    if (result.ways_out) {
      parts.push(
        h("h3", {}, context.say("declare.ways")),
        wayList(
          context,
          result.ways_out,
          (way) => this.preview(way),
          (way) => this.change(withVolumes(this.draft, way.volumes)),
        ),
      );
    }
    return parts;
  }

  private preview(way: WayOut | null): void {
    this.shownWay = way;
    const volumes = volumesOf(this.draft) ?? [];
    this.context.map.showDraft({ volumes, handles: this.draft.points, conflicts: this.result?.conflicts ?? [], way });
  }

  private async declare(): Promise<void> {
    const { context, draft } = this;
    const volumes = volumesOf(draft);
    if (!volumes) return;
    this.declareButton.disabled = true;
    const { title, remarks, priority, sharing } = draft;
    try {
      const plan = await context.api.declare(this.planId, { volumes, title, remarks, priority, sharing }, null);
      context.known.takePlan(plan);
      context.notices.show("good", context.say("declare.done"), title);
      this.planId = crypto.randomUUID();
      this.change(newDraft(context.clock.now()));
      context.select({ kind: "plan", planId: plan.plan_id });
    } catch (error) {
      if (error instanceof Problem && error.slug === "conflicting-plan") {
        this.result = { conflicts: error.document.conflicts ?? [], ways_out: error.document.ways_out ?? null };
        this.show();
      }
      context.notices.trouble(error);
      this.declareButton.disabled = false;
    }
  }

  private async readFile(file: File | undefined): Promise<void> {
    if (!file) return;
    const { context } = this;
    if (file.size > MAX_FILE_BYTES) return context.notices.show("bad", context.say("file.too_large"));
    try {
      const plans = readGeoJson(await file.text());
      if (plans.length > 1) this.choosePlan(plans);
      else if (plans[0]) this.takePlan(plans[0]);
    } catch (error) {
      if (!(error instanceof FileFault)) throw error;
      context.notices.show("bad", context.say(`file.${error.what}`), error.where);
    }
  }

  private choosePlan(plans: readonly FilePlan[]): void {
    const { context } = this;
    fill(
      this.resultHost,
      h("h3", {}, context.say("file.choose", { n: plans.length })),
      h(
        "ul",
        { class: "ways" },
        plans
          .slice(0, 200)
          .map((plan) =>
            h(
              "li",
              {},
              foreign(plan.title || plan.id),
              h("button", { type: "button", on: { click: () => this.takePlan(plan) } }, context.say("file.take")),
            ),
          ),
      ),
    );
  }

  private takePlan(plan: FilePlan): void {
    this.change({ ...withVolumes(this.draft, plan.volumes), title: plan.title });
    this.context.map.fit(plan.volumes.flatMap((volume) => ringOf(volume.shape)));
  }
}
