/** The screen to declare or change a plan: draw or type it, see at once what is in the way, take a way out, send it. */

import { Problem } from "../api/problem";
import type { CheckResult, FilePlan, PlanView, WayOut } from "../api/wire";
import { mayChange } from "../detail/plan";
import { planName } from "../plans/naming";
import type { Context, Screen } from "../shell/context";
import { fill, foreign, h } from "../shell/dom";
import { changedPanel } from "./changed";
import {
  addPoint,
  bodyOf,
  current,
  type DraftState,
  draftOf,
  movePoint,
  newDraft,
  volumesOf,
  warningsOf,
  withVolumes,
} from "./draft";
import { type Change, textForm, volumeForm } from "./form";
import { FILE_TYPES, FileDrop } from "./file";
import { beginning, forget, keep, recall } from "./kept";
import { differences, redo } from "./merge";
import { Rendering } from "./rendering";
import { faultList, resultParts } from "./result";
import { volumeList } from "./volumes";
import { ringOf } from "../map/rings";

const CHECK_AFTER_MS = 350;
const WARN_EVERY_MS = 15_000;

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
  private planId = "";
  /** The version that is being changed; null: the plan is new. */
  private base: PlanView | null = null;
  /** What somebody else made of it meanwhile. */
  private theirs: PlanView | null = null;
  /** What was typed before it was put away, to go back to. */
  private aside: DraftState | null = null;
  private result: CheckResult | null = null;
  private shownWay: WayOut | null = null;
  private isSending = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking: AbortController | null = null;
  private readonly headHost = h("div", {});
  private readonly changedHost = h("div", {});
  private readonly volumeHost = h("div", {});
  private readonly textHost = h("div", {});
  private readonly warnHost = h("div", { role: "status" });
  private readonly resultHost = h("div", { class: "check", "aria-live": "polite" });
  private readonly declareButton: HTMLButtonElement;
  private readonly render: Rendering;
  private readonly undo: (() => void)[] = [];

  constructor(
    host: HTMLElement,
    private readonly context: Context,
  ) {
    this.draft = newDraft(context.clock.now());
    this.declareButton = h("button", { type: "button", class: "primary", on: { click: () => void this.declare() } });
    const drop = new FileDrop(
      context,
      this.resultHost,
      () => current(this.draft),
      (plan) => this.takePlan(plan),
    );
    const file = h("input", {
      type: "file",
      accept: FILE_TYPES,
      class: "sr",
      id: "draft-file",
      on: { change: () => void drop.read(file.files?.[0]) },
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
              void drop.read(event.dataTransfer?.files[0]);
            },
          },
        },
        this.headHost,
        this.changedHost,
        this.volumeHost,
        this.resultHost,
        this.textHost,
        h("p", { class: "drop" }, h("label", { for: "draft-file" }, context.say("declare.drop")), file),
        this.warnHost,
        h(
          "div",
          { class: "actions sticky" },
          this.declareButton,
          h("button", { type: "button", on: { click: () => this.startOver() } }, context.say("declare.clear")),
        ),
      ),
    );
    this.render = new Rendering(host, () => this.showForm());
    const warning = setInterval(() => this.warn(), WARN_EVERY_MS);
    this.undo.push(
      () => clearInterval(warning),
      () => this.render.stop(),
      context.map.captureClicks((place, isLast) => {
        if (!isLast) this.change(addPoint(this.draft, place));
      }),
      context.map.dragHandles((which, place, isLast) => {
        const moved = movePoint(this.draft, which, place);
        if (isLast) this.change(moved);
        else this.draw(moved);
      }),
      context.known.subscribe(() => this.follow()),
    );
    this.begin(context.takeEditing());
  }

  unmount(): void {
    clearTimeout(this.timer);
    this.asking?.abort();
    for (const undo of this.undo) undo();
    this.context.map.showDraft(null);
  }

  /** Takes up a plan to change, or what was being typed when the screen was left. */
  private begin(wanted: string | null): void {
    const { context } = this;
    const kept = recall(context.who.account_id, wanted);
    const id = wanted === "new" ? null : (wanted ?? kept?.base?.plan_id);
    const plan = id ? context.known.plans.get(id) : undefined;
    const start = beginning(kept, plan && mayChange(plan) ? plan : undefined, crypto.randomUUID(), context.clock.now());
    ({ planId: this.planId, base: this.base } = start);
    this.theirs = this.aside = null;
    this.showHead(start.isTyped);
    this.change(start.draft);
    if (wanted && plan) context.map.fit((plan.volumes ?? []).flatMap((volume) => ringOf(volume.shape)));
    this.follow();
  }

  private showHead(isKept: boolean): void {
    const { context, base } = this;
    const press = (key: "edit.undo" | "edit.leave", click: () => void): HTMLElement =>
      h("button", { type: "button", class: "link", on: { click } }, context.say(key));
    fill(
      this.headHost,
      h("h2", { tabindex: "-1" }, context.say(base ? "edit.title" : "screen.declare")),
      base ? h("p", {}, foreign(planName(base, context.known)), " · ", press("edit.leave", () => this.begin("new"))) : null,
      isKept ? h("p", { class: "calm" }, context.say("edit.kept")) : null,
      this.aside ? h("p", {}, press("edit.undo", () => this.takeBack())) : null,
    );
    this.declareButton.textContent = context.say(base ? "edit.save" : "declare.send");
  }

  private startOver(): void {
    this.replace(this.base ? draftOf(this.base) : newDraft(this.context.clock.now()), this.draft);
  }

  private takeBack(): void {
    if (this.aside) this.replace(this.aside, null);
  }

  private replace(draft: DraftState, aside: DraftState | null): void {
    this.aside = aside;
    this.theirs = null;
    this.showHead(false);
    this.change(draft);
    this.follow();
  }

  private change(draft: DraftState): void {
    const [now, before] = [current(draft), current(this.draft)];
    // The map shows the neighbours of the draft at the time that it is for.
    const isOther = before.points.length === 0 || now.start_ms !== before.start_ms;
    if (now.points.length > 0 && isOther) this.context.view.set({ instant_ms: now.start_ms });
    const isTextOnly =
      volumesOf(draft) !== null &&
      JSON.stringify(volumesOf(draft)) === JSON.stringify(volumesOf(this.draft)) &&
      draft.priority === this.draft.priority &&
      draft.own_plans === this.draft.own_plans;
    this.type(draft);
    this.render.ask();
    this.warn();
    this.draw(draft);
    this.allow();
    if (isTextOnly && this.result) return;
    this.shownWay = null;
    this.result = null;
    this.show();
    clearTimeout(this.timer);
    this.asking?.abort();
    if (volumesOf(draft)) this.timer = setTimeout(() => void this.check(), CHECK_AFTER_MS);
  }

  private showForm(): void {
    const { context, draft } = this;
    const change: Change = (make) => this.change(make(this.draft));
    const type: Change = (make) => this.type(make(this.draft));
    fill(this.volumeHost, volumeList(context, draft, change), volumeForm(context, draft, change));
    fill(this.textHost, textForm(context, draft, change, type));
  }

  /** Takes and keeps the draft, and leaves the form as it is. */
  private type(draft: DraftState): void {
    this.draft = draft;
    keep(this.context.who.account_id, { planId: this.planId, base: this.base, draft });
  }

  private warn(): void {
    const warnings = warningsOf(this.draft, this.context.clock.now());
    const text = warnings.map((one) => `⚠ ${this.context.say(`edit.${one}`)}`).join(" ");
    if (this.warnHost.textContent !== text) fill(this.warnHost, text && h("p", { class: "warning" }, text));
  }

  /** Asks what would be in the way; an answer that comes after another change is of no use and dropped. */
  private async check(): Promise<void> {
    const { draft, base } = this;
    const volumes = volumesOf(draft);
    if (!volumes) return;
    this.asking = new AbortController();
    const { signal } = this.asking;
    fill(this.resultHost, h("p", { class: "calm" }, this.context.say("declare.checking")));
    try {
      const ways_out = { time_s: 7200, height_m: 600, sideways_m: 10_000 };
      const { priority, own_plans } = draft;
      const body = { volumes, priority, own_plans, ignore_plan_id: base?.plan_id ?? null, ways_out };
      const result = await this.context.api.check(body, signal);
      if (signal.aborted) return;
      this.result = result;
      this.show();
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem) fill(this.resultHost, h("p", { class: "bad" }, foreign(error.message)));
      else this.context.notices.trouble(error);
    }
  }

  private draw(draft: DraftState): void {
    const volumes = volumesOf(draft) ?? [];
    const conflicts = draft === this.draft ? (this.result?.conflicts ?? []) : [];
    this.context.map.showDraft({ volumes, handles: current(draft).points, conflicts, way: this.shownWay });
  }

  private show(): void {
    const { context, draft, result } = this;
    const volumes = volumesOf(draft);
    this.draw(draft);
    this.allow();
    if (!volumes) fill(this.resultHost, faultList(context, draft));
    else if (result) {
      const take = (way: WayOut): void => this.change(withVolumes(this.draft, way.volumes));
      fill(
        this.resultHost,
        resultParts(context, result, (way) => this.preview(way), take),
      );
    }
  }

  private allow(): void {
    const isInTheWay = this.result !== null && this.result.conflicts.length > 0;
    this.declareButton.disabled =
      this.isSending || this.theirs !== null || volumesOf(this.draft) === null || isInTheWay;
  }

  private preview(way: WayOut | null): void {
    this.shownWay = way;
    this.draw(this.draft);
  }

  private async declare(): Promise<void> {
    const { context, draft, base, planId } = this;
    const volumes = volumesOf(draft);
    if (!volumes || this.isSending) return;
    this.isSending = true;
    this.allow();
    try {
      const plan = await context.api.declare(planId, bodyOf(draft, volumes), base?.version ?? null);
      this.done(plan);
    } catch (error) {
      await this.refused(error);
    } finally {
      this.isSending = false;
      this.allow();
    }
  }

  private done(plan: PlanView): void {
    const { context, base } = this;
    forget(context.who.account_id, base && plan.plan_id);
    this.base = null;
    context.known.takePlan(plan);
    context.lookForRefusals();
    context.notices.show("good", context.say(base ? "edit.done" : "declare.done"), plan.title ?? "");
    this.begin("new");
    context.select({ kind: "plan", planId: plan.plan_id });
  }

  private async refused(error: unknown): Promise<void> {
    const { context, planId, base } = this;
    if (error instanceof Problem && error.slug === "conflicting-plan") {
      this.result = { conflicts: error.document.conflicts ?? [], ways_out: error.document.ways_out ?? null };
      this.show();
      context.lookForRefusals();
    } else if (base && error instanceof Problem && ["stale-version", "forbidden-transition"].includes(error.slug)) {
      const now = await context.api.plan(planId).catch(() => null);
      if (now) {
        context.known.takePlan(now);
        return this.meet(now);
      }
    }
    context.notices.trouble(error);
  }

  /** Looks whether the plan that is being changed is another by now. */
  private follow(): void {
    const now = this.base && this.context.known.plans.get(this.base.plan_id);
    if (now && this.base && now.version > this.base.version && !this.isSending) this.meet(now);
    else if (!this.theirs) fill(this.changedHost);
  }

  /** The plan is another by now: where only its state is, the draft goes on from there; else the viewer decides. */
  private meet(now: PlanView): void {
    const { base, draft } = this;
    if (!base || this.theirs?.version === now.version) return;
    const isClosed = !mayChange(now);
    if (!isClosed && differences(draftOf(base), draftOf(now)).length === 0) return this.rebase(now, draft, null);
    this.theirs = now;
    this.allow();
    const panel = changedPanel(this.context, base, draft, now, isClosed, {
      look: () => this.context.select({ kind: "plan", planId: now.plan_id }),
      take: () => this.rebase(now, draftOf(now), this.draft),
      redo: () => this.rebase(now, redo(draftOf(base), this.draft, draftOf(now)), this.draft),
      asNew: () => {
        forget(this.context.who.account_id, base.plan_id);
        [this.planId, this.base] = [crypto.randomUUID(), null];
        this.replace(this.draft, null);
      },
    });
    fill(this.changedHost, panel);
  }

  private rebase(now: PlanView, draft: DraftState, aside: DraftState | null): void {
    this.base = now;
    this.replace(draft, aside);
  }

  private takePlan(plan: FilePlan): void {
    this.change({ ...withVolumes(this.draft, plan.volumes), title: plan.title });
    this.context.map.fit(plan.volumes.flatMap((volume) => ringOf(volume.shape)));
  }
}
