/**
 * How finely the map is drawn: sharp while it rests, and while it moves only as finely as this machine draws fast
 * enough. A machine without a graphics processor paints every pixel on its processor. Pure; times come in.
 */

/** Pixels drawn for each pixel of the page's layout. */
export interface Ratios {
  readonly ground: number;
  readonly volumes: number;
}

/** Parts of the full number of pixels, by length. */
const SHARES: readonly number[] = [1, 0.7, 0.5];
const SLOW_MS = 40;
const FAST_MS = 20;
const SLOW_FRAMES = 2;
const FAST_FRAMES = 60;
/** Changes further apart than this are single ones: each is drawn sharply. */
const APART_MS = 400;
/** Borders of volumes have no smoothing of their own; at rest they are drawn this finely and shown smaller. */
const SMOOTH_RATIO = 2;

/** What WebGL calls itself where there is no graphics processor. */
export function isPaintedByProcessor(renderer: string): boolean {
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(renderer);
}

export class Pace {
  isMoving = false;
  private place = 0;

  /** This machine is known to paint on its processor: it need not find out by being slow. */
  beginCoarse(): void {
    this.place = SHARES.length - 1;
  }

  private slow = 0;
  private fast = 0;
  private last_ms = -Infinity;

  /**
   * Something on the map changed.
   *
   * @param isSure whether more is known to follow, as in a movement of the map
   * @returns whether `ratios` answers differently now
   */
  stir(now_ms: number, isSure: boolean): boolean {
    const passed_ms = now_ms - this.last_ms;
    this.last_ms = now_ms;
    if (!this.isMoving) {
      this.isMoving = isSure || passed_ms < APART_MS;
      return this.isMoving;
    }
    return this.measure(passed_ms);
  }

  /** Nothing changed for a while. */
  rest(): void {
    this.isMoving = false;
    this.slow = 0;
    this.fast = 0;
  }

  ratios(screen: number): Ratios {
    if (!this.isMoving) return { ground: screen, volumes: Math.max(screen, SMOOTH_RATIO) };
    const ratio = screen * (SHARES[this.place] ?? 1);
    return { ground: ratio, volumes: ratio };
  }

  private measure(frame_ms: number): boolean {
    this.slow = frame_ms > SLOW_MS ? this.slow + 1 : 0;
    this.fast = frame_ms < FAST_MS ? this.fast + 1 : 0;
    const step = this.slow >= SLOW_FRAMES ? 1 : this.fast >= FAST_FRAMES ? -1 : 0;
    const next = Math.min(SHARES.length - 1, Math.max(0, this.place + step));
    if (step !== 0) this.slow = this.fast = 0;
    if (next === this.place) return false;
    this.place = next;
    return true;
  }
}
