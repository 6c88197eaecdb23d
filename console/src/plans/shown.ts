/** The plans that the filters let through, computed once for what is known and looked at. */

import type { PlanView } from "../api/wire";
import type { Known } from "./known";
import { filterPlans, plansInConflict } from "./select";
import type { View } from "./view";

export class Shown {
  private computedFor = "";
  private list: readonly PlanView[] = [];
  private conflicting: ReadonlySet<string> = new Set();

  constructor(
    private readonly known: Known,
    private readonly view: () => View,
  ) {}

  /** Changes when the selection may have changed. */
  key(): string {
    const { parties, states, text, onlyMine, onlyConflict } = this.view();
    return `${this.known.generation}/${parties.join()}/${states.join()}/${onlyMine}/${onlyConflict}/${text}`;
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

  private compute(): void {
    const key = this.key();
    if (key === this.computedFor) return;
    this.computedFor = key;
    this.conflicting = plansInConflict(this.known.standing, this.known.refusals.values());
    this.list = filterPlans(this.known.plans.values(), this.view(), this.conflicting, (id) => this.known.partyName(id));
  }
}
