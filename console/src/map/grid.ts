/** Lines of latitude and longitude for what is in view: which, and how they are written. */

const STEPS_DEG = [30, 10, 5, 2, 1, 0.5, 0.25, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];
const MOST_LINES = 8;

/** The step with which at most eight lines cross a span. */
export function gridStep(span_deg: number): number {
  let best = STEPS_DEG[0] as number;
  for (const step of STEPS_DEG) if (span_deg / step <= MOST_LINES) best = step;
  return best;
}

/** Multiples of a step within a span. */
export function gridLines(from_deg: number, to_deg: number, step_deg: number): number[] {
  const lines: number[] = [];
  for (let k = Math.ceil(from_deg / step_deg); k * step_deg <= to_deg && lines.length < 40; k += 1) {
    lines.push(Number((k * step_deg).toFixed(6)));
  }
  return lines;
}

export function gridLabel(value_deg: number, step_deg: number, plus: string, minus: string): string {
  const digits = step_deg >= 1 ? 0 : Math.min(3, (String(step_deg).split(".")[1] ?? "").length);
  const mark = value_deg === 0 ? "" : value_deg < 0 ? minus : plus;
  return `${Math.abs(value_deg).toFixed(digits)}°${mark}`;
}
