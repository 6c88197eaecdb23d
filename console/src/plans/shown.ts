/** The plans and the pairs in conflict that the filters let through, computed once for what is known and looked at. */

import type { PlanView } from "../api/wire";
import type { Known } from "./known";
import { countStates, filterPairs, type Pair, type PairState, pairsOf } from "./pairs";
import { filterPlans, plansInConflict } from "./select";
import type { View } from "./view";

const MINUTE_MS = 60_000;
const STEP_MS = 5_000;

export class Shown {
  private computedFor = "";
  private list: readonly PlanView[] = [];
  private conflicting: ReadonlySet<string> = new Set();
  private pairsFor = "";
  private all: readonly Pair[] = [];
  private allFor = -1;
  private pairList: readonly Pair[] = [];

  constructor(
    private readonly known: Known,
    private readonly view: () => View,
    private readonly now: () => number,
  ) {}

  /** Changes when the selection of plans may have changed. */
  key(): string {
    const { parties, states, text, onlyMine, onlyConflict } = this.view();
    return `${this.known.generation}/${parties.join()}/${states.join()}/${onlyMine}/${onlyConflict}/${text}`;
  }

  /** Changes when the selection of pairs may have changed: with time, too, but not at every frame of it. */
  pairsKey(): string {
    const { parties, text, onlyMine, settled, when, sort } = this.view();
    const step = when === "all" ? "" : Math.floor(this.instant() / STEP_MS);
    const minute = Math.floor(this.now() / MINUTE_MS);
    return `${this.known.generation}/${parties.join()}/${onlyMine}/${settled}/${when}/${sort}/${step}/${minute}/${text}`;
  }

  /** By start and id. */
  plans(): readonly PlanView[] {
    this.compute();
    return this.list;
  }

  *ids(): Generator<string> {
    for (const plan of this.plans()) yield plan.plan_id;
  }

  inConflict(): ReadonlySet<string> {
    this.compute();
    return this.conflicting;
  }

  /** Every pair that is known, whatever the filters. */
  allPairs(): readonly Pair[] {
    if (this.allFor !== this.known.generation) {
      this.allFor = this.known.generation;
      this.all = pairsOf({
        plans: this.known.plans,
        refusals: this.known.refusals.values(),
        standing: this.known.standing,
      });
    }
    return this.all;
  }

  /** Open ones first, then by start or depth. */
  pairs(): readonly Pair[] {
    const key = this.pairsKey();
    if (key !== this.pairsFor) {
      this.pairsFor = key;
      this.pairList = filterPairs(this.allPairs(), this.view(), this.known, this.now(), this.instant());
    }
    return this.pairList;
  }

  pairCounts(): Readonly<Record<PairState, number>> {
    return countStates(this.allPairs(), this.now());
  }

  private instant(): number {
    return this.view().instant_ms ?? this.now();
  }

  private compute(): void {
    const key = this.key();
    if (key === this.computedFor) return;
    this.computedFor = key;
    this.conflicting = plansInConflict(this.known.standing, this.known.refusals.values());
    this.list = filterPlans(this.known.plans.values(), this.view(), this.conflicting, this.known);
  }
}
