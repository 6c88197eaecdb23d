/** Refusals that the viewer may know of: all at first, then those that are open, from time to time. */

import type { Api } from "../api/client";
import { Problem } from "../api/problem";
import type { Known } from "../plans/known";

const PAGE = 200;
const EVERY_MS = 20_000;

/** Reads pages of refusals into `known`; returns the ids of those that came. */
export async function readRefusals(
  api: Api,
  known: Known,
  narrow: { readonly settled?: boolean },
): Promise<Set<string>> {
  const seen = new Set<string>();
  let cursor: string | null = null;
  try {
    do {
      const page = await api.queryRefusals({ ...narrow, limit: PAGE, ...(cursor && { cursor }) });
      for (const refusal of page.refusals) {
        seen.add(refusal.refusal_id);
        known.takeRefusal(refusal);
      }
      cursor = page.next;
    } while (cursor !== null);
  } catch (error) {
    // An exchange that does not remember refusals still has plans to show.
    if (!(error instanceof Problem) || error.status !== 404) throw error;
  }
  return seen;
}

/** Looks after open refusals: new ones, and those that have been settled or hidden since. */
export class RefusalWatch {
  private timer: ReturnType<typeof setInterval> | undefined;
  private isRunning = false;

  constructor(
    private readonly api: Api,
    private readonly known: Known,
  ) {}

  start(): void {
    this.timer = setInterval(() => {
      if (!document.hidden) void this.look();
    }, EVERY_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  async look(): Promise<void> {
    if (this.isRunning || !this.known.isLoaded) return;
    this.isRunning = true;
    try {
      const open = await readRefusals(this.api, this.known, { settled: false });
      for (const refusal of [...this.known.refusals.values()]) {
        if (!refusal.settlement.is_settled && !open.has(refusal.refusal_id)) await this.askAgain(refusal.refusal_id);
      }
    } catch {
      // The feed tells the viewer when the line is down; the next look makes up for this one.
    } finally {
      this.isRunning = false;
    }
  }

  private async askAgain(refusalId: string): Promise<void> {
    try {
      this.known.takeRefusal(await this.api.refusal(refusalId));
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 404) throw error;
      this.known.dropRefusal(refusalId);
    }
  }
}
