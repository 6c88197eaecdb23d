/** Asks, gently, what the viewer's own plans stand beside, soonest first. */

import { type Api, pause } from "../api/client";
import type { PlanView } from "../api/wire";
import type { Known } from "./known";

const AHEAD_MS = 6 * 3_600_000;
const MOST = 300;
const GAP_MS = 40;
/** After an answer that did not come, nothing is asked for a while. */
const REST_MS = 30_000;
/** Asked again after this long anyway: a plan that shares conflicts only may have come beside it unseen. */
const AGAIN_MS = 300_000;

export class StandingWatch {
  /** What was asked for: a plan's version, and how the others stood then. */
  private readonly asked = new Map<string, string>();
  private isRunning = false;
  private isStopped = false;
  private restUntil_ms = 0;

  constructor(
    private readonly api: Api,
    private readonly known: Known,
    private readonly now: () => number,
  ) {}

  stop(): void {
    this.isStopped = true;
  }

  /** Asks about plans that changed, or beside which something changed, since they were asked about. */
  async look(): Promise<void> {
    if (this.isRunning || this.now() < this.restUntil_ms) return;
    this.isRunning = true;
    try {
      for (const plan of due(this.known.plans.values(), this.now())) {
        if (this.isStopped) return;
        const turn = Math.floor(this.now() / AGAIN_MS);
        const key = `${turn}/${neighbourKey(plan, this.known.plans.values())}`;
        if (this.asked.get(plan.plan_id) === key) continue;
        this.asked.set(plan.plan_id, key);
        this.known.takeStanding(plan.plan_id, await this.api.conflictsOf(plan.plan_id));
        await pause(GAP_MS);
      }
    } catch {
      // The feed tells the viewer when the line is down; what is missing here is asked for again.
      this.asked.clear();
      this.restUntil_ms = this.now() + REST_MS;
    } finally {
      this.isRunning = false;
    }
  }
}

/** Own plans in force that are not over and begin within some hours. */
export function due(plans: Iterable<PlanView>, now_ms: number): PlanView[] {
  const found: PlanView[] = [];
  for (const plan of plans) {
    if (!plan.is_mine || plan.state === "ended") continue;
    if (Date.parse(plan.end) > now_ms && Date.parse(plan.start) < now_ms + AHEAD_MS) found.push(plan);
  }
  return found.sort((a, b) => Date.parse(a.start) - Date.parse(b.start)).slice(0, MOST);
}

/** Changes when the plan, or the versions of plans at the same time, change. */
export function neighbourKey(plan: PlanView, plans: Iterable<PlanView>): string {
  let count = 0;
  let sum = 0;
  for (const other of plans) {
    if (other.state === "ended" || other.end <= plan.start || other.start >= plan.end) continue;
    count += 1;
    sum += other.version;
  }
  return `${plan.version}/${count}/${sum}`;
}
