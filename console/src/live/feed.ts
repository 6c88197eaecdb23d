/** The stream of changes: connects, keeps the known up to date, connects again when the line breaks. */

import { type Api, pause } from "../api/client";
import { Problem, problemOf, SignedOut } from "../api/problem";
import type { PlanView, Refusal } from "../api/wire";
import type { Known, News } from "../plans/known";
import type { ServerClock } from "./clock";
import { readSnapshot } from "./snapshot";
import { EventParser, type SentEvent } from "./sse";

export type FeedState = "connecting" | "live" | "lost" | "ended";

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** The server beats more often than this; a longer silence is a line that broke without saying so. */
const SILENCE_MS = 45_000;

export class Feed {
  state: FeedState = "connecting";
  /** When the next attempt begins, by this computer's clock; 0: now. */
  retryAt_ms = 0;
  private cursor: string | null = null;
  /** News that came while a snapshot was being read; null: none is. */
  private held: News[] | null = null;
  private endedWell = false;
  private stopping: AbortController | null = null;
  private wake: (() => void) | null = null;
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly api: Api,
    private readonly known: Known,
    private readonly clock: ServerClock,
    /** Told of anything that keeps the snapshot from being read. */
    private readonly onTrouble: (error: unknown) => void,
  ) {}

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Runs until the session ends. */
  async run(): Promise<void> {
    let wait_ms = FIRST_WAIT_MS;
    while (this.state !== "ended") {
      const began_ms = Date.now();
      this.endedWell = false;
      try {
        await this.connection();
        this.endedWell = true;
      } catch (error) {
        if (error instanceof SignedOut) return this.enter("ended");
        if (error instanceof Problem && (error.status === 400 || error.status === 410)) this.cursor = null;
        else if (error instanceof Problem) await this.withoutStream(error);
      }
      if (this.isStopped()) return;
      // The server ends every stream after a while: that is no loss, the next one goes on where it ended.
      if (this.endedWell && Date.now() - began_ms > FIRST_WAIT_MS) continue;
      wait_ms = Date.now() - began_ms > LONGEST_WAIT_MS ? FIRST_WAIT_MS : Math.min(wait_ms * 2, LONGEST_WAIT_MS);
      this.retryAt_ms = Date.now() + wait_ms;
      this.enter("lost");
      await Promise.race([pause(wait_ms), new Promise<void>((resolve) => (this.wake = resolve))]);
      this.retryAt_ms = 0;
    }
  }

  /** Tries again at once instead of waiting. */
  retryNow(): void {
    this.wake?.();
  }

  stop(): void {
    this.enter("ended");
    this.stopping?.abort();
    this.wake?.();
  }

  private isStopped(): boolean {
    return this.state === "ended";
  }

  private async connection(): Promise<void> {
    this.stopping = new AbortController();
    const after = this.cursor === null ? "" : `?after=${encodeURIComponent(this.cursor)}`;
    const answer = await this.api.send("GET", `/v1/events${after}`, {
      headers: { Accept: "text/event-stream" },
      signal: this.stopping.signal,
    });
    if (!answer.ok || !answer.body) throw await problemOf(answer);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventParser();
    let watchdog = this.watch();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        clearTimeout(watchdog);
        if (done) return;
        watchdog = this.watch();
        for (const event of parser.push(value)) this.hear(event);
      }
    } finally {
      clearTimeout(watchdog);
      this.stopping.abort();
    }
  }

  private watch(): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.stopping?.abort(), SILENCE_MS);
  }

  private hear(event: SentEvent): void {
    const data: unknown = JSON.parse(event.data);
    if (event.event === "hello") {
      const { cursor, now } = data as { cursor: string | number; now: string };
      this.clock.hear(now, Date.now());
      const isFirst = !this.known.isLoaded || this.cursor === null;
      this.cursor = String(cursor);
      this.enter("live");
      if (isFirst) void this.snapshot();
    } else if (event.event === "beat") {
      this.clock.hear((data as { now: string }).now, Date.now());
      this.tell();
    } else {
      const news = newsOf(event.event, data);
      if (!news) return;
      if (this.held) this.held.push(news);
      else this.known.take(news);
    }
    if (event.id) this.cursor = event.id;
  }

  private async snapshot(): Promise<void> {
    if (this.held) return;
    this.held = [];
    try {
      await readSnapshot(this.api, this.known, this.clock.now());
    } catch (error) {
      this.onTrouble(error);
      // Without a snapshot the cursor means nothing: begin again.
      this.cursor = null;
      this.stopping?.abort();
    }
    const held = this.held;
    this.held = null;
    for (const news of held) this.known.take(news);
  }

  /** The server answers but does not stream: what it knows is shown all the same, with the line marked as lost. */
  private async withoutStream(error: Problem): Promise<void> {
    this.onTrouble(error);
    if (!this.known.isLoaded) await this.snapshot();
  }

  private enter(state: FeedState): void {
    if (this.state === "ended" || this.state === state) return;
    this.state = state;
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}

/** What an event says, or null for one that this page does not know (a newer server's). */
export function newsOf(event: string, data: unknown): News | null {
  if (event === "plan") return { kind: "plan", plan: data as PlanView };
  if (event === "gone") return { kind: "gone", planId: (data as { plan_id: string }).plan_id };
  if (event === "refusal") return { kind: "refusal", refusal: data as Refusal };
  if (event === "refusal_gone") return { kind: "refusal_gone", refusalId: (data as { refusal_id: string }).refusal_id };
  return null;
}
