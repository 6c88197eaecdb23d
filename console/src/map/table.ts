/**
 * All volumes of all plans as columns, made once and kept in step with the plans; asks "which are there at this
 * instant" without allocating anything.
 */

import type { PlanView, PlanVolume } from "../api/wire";
import { flatRing, middleOf, ringOf } from "./rings";

/** One volume, ready to draw. Made when it is first shown. */
export interface Item {
  readonly plan: PlanView;
  readonly volume: PlanVolume;
  /** x, y, z of each point, closed, at the lower height. */
  readonly base: Float64Array;
  readonly top: Float64Array;
  /** On the ground, for a flat picture and for shadows. */
  readonly ground: Float64Array;
  readonly middle: readonly [number, number];
}

interface Slot {
  readonly plan: PlanView;
  readonly first: number;
  readonly count: number;
}

export class VolumeTable {
  count = 0;
  private start_ms = new Float64Array(1024);
  private end_ms = new Float64Array(1024);
  private slotOf = new Int32Array(1024);
  private volumes: PlanVolume[] = [];
  private items: (Item | undefined)[] = [];
  private slots: Slot[] = [];
  private byId = new Map<string, number>();
  private shown = new Uint8Array(256);
  private dead = 0;

  /** Brings the columns in step with the plans: new versions come, plans that are gone go. */
  update(plans: ReadonlyMap<string, PlanView>): void {
    for (const [planId, slot] of this.byId) if (this.slots[slot]?.plan !== plans.get(planId)) this.remove(planId, slot);
    if (this.dead > 4096 && this.dead > this.count / 2) this.clear();
    for (const plan of plans.values()) if (!this.byId.has(plan.plan_id)) this.add(plan);
  }

  /** Says which plans the filters let through. */
  show(planIds: Iterable<string>): void {
    this.shown.fill(0);
    for (const planId of planIds) {
      const slot = this.byId.get(planId);
      if (slot !== undefined) this.shown[slot] = 1;
    }
  }

  /**
   * Writes the indices of shown volumes that touch a window into `out` (as many as fit).
   *
   * @returns how many were written
   */
  collect(from_ms: number, to_ms: number, out: Int32Array): number {
    const { start_ms, end_ms, slotOf, shown, count } = this;
    let found = 0;
    for (let k = 0; k < count && found < out.length; k += 1) {
      if ((start_ms[k] as number) > to_ms || (end_ms[k] as number) <= from_ms) continue;
      if (shown[slotOf[k] as number] === 1) out[found++] = k;
    }
    return found;
  }

  item(index: number): Item {
    const known = this.items[index];
    if (known) return known;
    const slot = this.slots[this.slotOf[index] as number] as Slot;
    const made = makeItem(slot.plan, this.volumes[index] as PlanVolume);
    this.items[index] = made;
    return made;
  }

  /** All volumes of one plan, whatever the filters and the instant. */
  itemsOf(planId: string): Item[] {
    const slot = this.slots[this.byId.get(planId) ?? -1];
    if (!slot) return [];
    return Array.from({ length: slot.count }, (_, k) => this.item(slot.first + k));
  }

  private add(plan: PlanView): void {
    const volumes = plan.volumes ?? [];
    const slot = this.slots.length;
    this.reserve(this.count + volumes.length, slot + 1);
    this.slots.push({ plan, first: this.count, count: volumes.length });
    this.byId.set(plan.plan_id, slot);
    for (const volume of volumes) {
      this.start_ms[this.count] = Date.parse(volume.start);
      this.end_ms[this.count] = Date.parse(volume.end);
      this.slotOf[this.count] = slot;
      this.volumes[this.count] = volume;
      this.count += 1;
    }
  }

  private remove(planId: string, slot: number): void {
    const gone = this.slots[slot] as Slot;
    this.byId.delete(planId);
    this.shown[slot] = 0;
    this.start_ms.fill(Infinity, gone.first, gone.first + gone.count);
    this.items.fill(undefined, gone.first, gone.first + gone.count);
    this.dead += gone.count;
  }

  private clear(): void {
    this.count = 0;
    this.dead = 0;
    this.volumes = [];
    this.items = [];
    this.slots = [];
    this.byId.clear();
    this.shown.fill(0);
  }

  private reserve(volumes: number, slots: number): void {
    if (volumes > this.start_ms.length) {
      const size = Math.max(volumes, this.start_ms.length * 2);
      this.start_ms = grown(this.start_ms, new Float64Array(size));
      this.end_ms = grown(this.end_ms, new Float64Array(size));
      this.slotOf = grown(this.slotOf, new Int32Array(size));
    }
    if (slots > this.shown.length)
      this.shown = grown(this.shown, new Uint8Array(Math.max(slots, this.shown.length * 2)));
  }
}

function grown<T extends Float64Array | Int32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

export function makeItem(plan: PlanView, volume: PlanVolume): Item {
  const ring = ringOf(volume.shape);
  const middle = middleOf(ring);
  return {
    plan,
    volume,
    base: flatRing(ring, volume.lower_m),
    top: flatRing(ring, volume.upper_m),
    ground: flatRing(ring, 0),
    middle: [middle.lon_deg, middle.lat_deg],
  };
}
