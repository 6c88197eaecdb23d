/** The server's clock, as far as the page can know it. */

export const MAX_OFF_MS = 30_000;

export class ServerClock {
  private offset_ms = 0;
  private isKnown = false;

  /** Takes a `now` of the server; `here_ms` is this computer's clock when it came. */
  hear(now: string, here_ms: number): void {
    const there_ms = Date.parse(now);
    if (!Number.isFinite(there_ms)) return;
    this.offset_ms = there_ms - here_ms;
    this.isKnown = true;
  }

  now(): number {
    return Date.now() + this.offset_ms;
  }

  /** How far this computer is behind the server (negative: ahead), in ms. */
  behind_ms(): number {
    return this.offset_ms;
  }

  isOff(): boolean {
    return this.isKnown && Math.abs(this.offset_ms) > MAX_OFF_MS;
  }
}
