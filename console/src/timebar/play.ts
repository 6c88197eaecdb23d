/** Playing: the instant runs, up to 600 times as fast as the clock. */

export const SPEEDS: readonly number[] = [1, 10, 60, 300, 600];
export const USUAL_SPEED = 60;

export class Player {
  private frame = 0;
  private last_ms = 0;

  constructor(
    private readonly instant: () => number,
    private readonly move: (instant_ms: number) => void,
    private readonly onChange: () => void,
    public speed: number,
  ) {}

  get isPlaying(): boolean {
    return this.frame !== 0;
  }

  toggle(): void {
    if (this.isPlaying) this.stop();
    else this.play();
  }

  play(): void {
    if (this.isPlaying) return;
    this.last_ms = performance.now();
    this.frame = requestAnimationFrame(this.step);
    this.onChange();
  }

  stop(): void {
    if (!this.isPlaying) return;
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.onChange();
  }

  private readonly step = (now_ms: number): void => {
    // A page that was hidden does not jump by hours when it is seen again.
    const passed_ms = Math.min(250, now_ms - this.last_ms);
    this.last_ms = now_ms;
    this.frame = requestAnimationFrame(this.step);
    this.move(this.instant() + passed_ms * this.speed);
  };
}
