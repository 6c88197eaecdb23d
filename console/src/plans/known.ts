/** What this page knows of plans, refusals, conflicts and parties; tells those who listen when it changes. */

import type { Conflict, Party, PlanView, Refusal } from "../api/wire";

/** What a stream or an answer may bring. */
export type News =
  | { readonly kind: "plan"; readonly plan: PlanView }
  | { readonly kind: "gone"; readonly planId: string }
  | { readonly kind: "refusal"; readonly refusal: Refusal }
  | { readonly kind: "refusal_gone"; readonly refusalId: string };

export class Known {
  readonly plans = new Map<string, PlanView>();
  readonly refusals = new Map<string, Refusal>();
  /** What own plans stand beside, by the own plan's id; absent: not asked yet. */
  readonly standing = new Map<string, readonly Conflict[]>();
  readonly parties = new Map<string, Party>();
  /** False until the first snapshot is complete. */
  isLoaded = false;
  /** How many plans the snapshot has brought so far. */
  loaded = 0;
  /** Grows with every change; selections may remember what they computed for it. */
  generation = 0;
  private readonly listeners = new Set<() => void>();
  private isTelling = false;

  /** Calls `listener` after changes, at most once a frame; returns how to stop. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  take(news: News): void {
    if (news.kind === "plan") this.takePlan(news.plan);
    else if (news.kind === "gone") this.takeGone(news.planId);
    else if (news.kind === "refusal") this.takeRefusal(news.refusal);
    else this.dropRefusal(news.refusalId);
  }

  /** A plan of a lower version than the known one is old news and dropped. */
  takePlan(plan: PlanView): void {
    const known = this.plans.get(plan.plan_id);
    if (known && known.version > plan.version) return;
    if (known && known.version === plan.version && known.changed === plan.changed) return;
    this.plans.set(plan.plan_id, plan);
    this.touch();
  }

  takeGone(planId: string): void {
    if (this.plans.delete(planId)) this.touch();
  }

  takeRefusal(refusal: Refusal): void {
    const known = this.refusals.get(refusal.refusal_id);
    if (known && JSON.stringify(known) === JSON.stringify(refusal)) return;
    this.refusals.set(refusal.refusal_id, refusal);
    this.touch();
  }

  dropRefusal(refusalId: string): void {
    if (this.refusals.delete(refusalId)) this.touch();
  }

  takeStanding(planId: string, conflicts: readonly Conflict[]): void {
    const known = this.standing.get(planId);
    if (known && JSON.stringify(known) === JSON.stringify(conflicts)) return;
    this.standing.set(planId, conflicts);
    this.touch();
  }

  takeParties(parties: readonly Party[]): void {
    for (const party of parties) this.parties.set(party.party_id, party);
    this.touch();
  }

  /** Forgets plans that a complete snapshot did not bring: they went while nobody listened. */
  keepOnly(planIds: ReadonlySet<string>): void {
    for (const id of this.plans.keys()) if (!planIds.has(id)) this.plans.delete(id);
    this.touch();
  }

  /** The same of refusals. */
  keepOnlyRefusals(refusalIds: ReadonlySet<string>): void {
    for (const id of this.refusals.keys()) if (!refusalIds.has(id)) this.refusals.delete(id);
    this.touch();
  }

  touch(): void {
    this.generation += 1;
    if (this.isTelling) return;
    this.isTelling = true;
    setTimeout(() => {
      this.isTelling = false;
      for (const listener of this.listeners) listener();
    }, 16);
  }

  /** A party's name, or its id where the name is not known. */
  partyName(partyId: string): string {
    return this.parties.get(partyId)?.name || partyId;
  }
}
