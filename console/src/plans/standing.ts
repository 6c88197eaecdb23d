/** Asks what the viewer's own plans stand beside: all of them at once, when something changed. */

import { type Api, pagesOf } from "../api/client";
import type { Conflict, PlanView } from "../api/wire";
import type { Known } from "./known";

const AHEAD_MS = 6 * 3_600_000;
const PAGE = 200;
/** Between two questions, however much changes. */
const GAP_MS = 5_000;
/** After an answer that did not come, nothing is asked for a while. */
const REST_MS = 30_000;
/** Asked again after this long anyway: a plan that shares conflicts only may have come beside one unseen. */
const AGAIN_MS = 300_000;

export class StandingWatch {
  /** How plans stood when it was last asked. */
  private asked = "";
  private isRunning = false;
  private isStopped = false;
  private notBefore_ms = 0;

  constructor(
    private readonly api: Api,
    private readonly known: Known,
    private readonly now: () => number,
  ) {}

  stop(): void {
    this.isStopped = true;
  }

  /** Asks if plans of the next hours have changed since it was last asked. */
  async look(): Promise<void> {
    const now_ms = this.now();
    if (this.isRunning || this.isStopped || now_ms < this.notBefore_ms) return;
    const own = due(this.known.plans.values(), now_ms);
    const key = `${Math.floor(now_ms / AGAIN_MS)}/${standingKey(this.known.plans.values(), now_ms)}`;
    if (key === this.asked) return;
    this.isRunning = true;
    this.notBefore_ms = now_ms + GAP_MS;
    try {
      const beside = own.length === 0 ? new Map<string, readonly Conflict[]>() : await this.ask(now_ms);
      for (const plan of own) beside.set(plan.plan_id, beside.get(plan.plan_id) ?? []);
      for (const [planId, conflicts] of beside) this.known.takeStanding(planId, conflicts);
      this.asked = key;
    } catch {
      // The feed tells the viewer when the line is down; what is missing here is asked for again.
      this.notBefore_ms = now_ms + REST_MS;
    } finally {
      this.isRunning = false;
    }
  }

  private async ask(now_ms: number): Promise<Map<string, readonly Conflict[]>> {
    const [start, end] = [new Date(now_ms).toISOString(), new Date(now_ms + AHEAD_MS).toISOString()];
    const found = new Map<string, readonly Conflict[]>();
    for await (const page of pagesOf((after) => this.api.queryConflicts({ start, end, limit: PAGE, ...after }))) {
      for (const plan of page.plans) found.set(plan.plan_id, plan.conflicts);
      if (this.isStopped) break;
    }
    return found;
  }
}

/** Own plans in force that are not over and begin within some hours. */
export function due(plans: Iterable<PlanView>, now_ms: number): PlanView[] {
  return [...plans].filter((plan) => plan.is_mine && isSoon(plan, now_ms));
}

/** Changes when a plan of the next hours comes, goes or changes. */
export function standingKey(plans: Iterable<PlanView>, now_ms: number): string {
  let count = 0;
  let sum = 0;
  for (const plan of plans) {
    if (!isSoon(plan, now_ms)) continue;
    count += 1;
    sum += plan.version;
  }
  return `${count}/${sum}`;
}

function isSoon(plan: PlanView, now_ms: number): boolean {
  return plan.state !== "ended" && Date.parse(plan.end) > now_ms && Date.parse(plan.start) < now_ms + AHEAD_MS;
}
