/** The bar at the bottom: which instant is shown, how full the day is, playing it. */

import { AHEAD_CHOICES } from "../plans/view";
import { spanOf } from "../plans/select";
import type { Context } from "../shell/context";
import { fill, h, ltr } from "../shell/dom";
import { groundOf } from "../shell/settings";
import { formatCountdown } from "../units/time";
import { type Density, densityOf } from "./density";
import { barKey, SliceBox, sliceAt, sliceText } from "./key";
import { paint } from "./paint";
import { Player, SPEEDS, USUAL_SPEED } from "./play";
import { firstWindow, keepIn, moveWindow, type Window, zoomWindow } from "./window";

const SLICE_PX = 3;
/** How much of its length the bar moves on when it is played from its end. */
const NEXT_SHARE = 0.9;
const KEY_STEPS_MS: Readonly<Partial<Record<string, number>>> = {
  ArrowLeft: -60_000,
  ArrowRight: 60_000,
  ArrowDown: -600_000,
  ArrowUp: 600_000,
  PageDown: -3_600_000,
  PageUp: 3_600_000,
};

export class Timebar {
  readonly player: Player;
  private window: Window | null = null;
  private density: Density | null = null;
  private densityKey = "";
  private lastInstant_ms = 0;
  private readonly canvas: HTMLCanvasElement;
  // Not read out by itself: it changes at every frame. The slider tells it to whoever is there.
  private readonly label = h("output", { class: "instant", "aria-live": "off" });
  private readonly sliceBox = new SliceBox();
  private readonly playButton: HTMLButtonElement;
  private readonly nowButton: HTMLButtonElement;
  private drag: { readonly x: number; readonly window: Window; readonly isPan: boolean } | null = null;
  private readonly undo: (() => void)[] = [];

  constructor(
    host: HTMLElement,
    private readonly context: Context,
    speed = USUAL_SPEED,
  ) {
    this.player = new Player(
      () => context.instant(),
      (instant_ms) => this.playTo(instant_ms),
      () => this.update(),
      speed,
    );
    this.canvas = h("canvas", {
      class: "density",
      tabindex: "0",
      role: "slider",
      "aria-orientation": "horizontal",
      "aria-label": context.say("time.slider"),
      on: {
        pointerdown: (event: PointerEvent) => this.grab(event),
        pointermove: (event: PointerEvent) => this.pull(event),
        pointerup: () => (this.drag = null),
        pointercancel: () => (this.drag = null),
        pointerleave: () => this.sliceBox.show(null, 0, 0),
        wheel: (event: WheelEvent) => this.wheel(event),
        keydown: (event: KeyboardEvent) => this.key(event),
      },
    });
    this.playButton = h("button", { type: "button", class: "icon play", on: { click: () => this.player.toggle() } });
    this.nowButton = h("button", { type: "button", on: { click: () => this.goLive() } }, context.say("time.now"));
    host.append(
      h("div", { class: "time-controls" }, this.controls()),
      h("div", { class: "bar" }, this.canvas, this.sliceBox.element),
    );
    const resized = new ResizeObserver(() => this.update());
    resized.observe(this.canvas);
    this.undo.push(() => resized.disconnect());
    this.update();
  }

  unmount(): void {
    this.player.stop();
    for (const undo of this.undo) undo();
  }

  /** Moves the instant; the bar follows it if it leaves the window. */
  move(instant_ms: number): void {
    if (this.window) this.window = keepIn(this.window, instant_ms);
    this.context.view.set({ instant_ms: Math.round(instant_ms) });
  }

  /** Plays or pauses; from the end of the bar on, the bar goes along first. */
  toggle(): void {
    const { window } = this;
    const instant_ms = this.context.instant();
    if (!this.player.isPlaying && window && instant_ms >= lastOf(window))
      this.window = moveWindow(window, (window[1] - window[0]) * NEXT_SHARE);
    this.player.toggle();
  }

  step(by_ms: number): void {
    this.move(this.context.instant() + by_ms);
  }

  /** Plays as far as the bar goes, then stops and says so. */
  private playTo(instant_ms: number): void {
    const end_ms = lastOf(this.window);
    this.context.view.set({ instant_ms: Math.round(Math.min(instant_ms, end_ms)) });
    if (instant_ms < end_ms) return;
    this.player.stop();
    this.context.notices.show("plain", this.context.say("bar.end"), this.context.units.dateTime(end_ms));
  }

  goLive(): void {
    this.player.stop();
    if (this.window) this.window = keepIn(this.window, this.context.clock.now());
    this.context.view.set({ instant_ms: null });
    this.update();
  }

  update(): void {
    const { context } = this;
    const { known, view } = context;
    const now_ms = context.clock.now();
    const instant_ms = context.instant();
    if (known.isLoaded && !this.window) {
      const span = spanOf(known.plans.values());
      this.window = keepIn(firstWindow(span, now_ms), instant_ms);
    }
    const { instant_ms: chosen_ms, ahead_min } = view.get();
    // Whoever moved the instant wants to see it; whoever moved the window wants to look elsewhere.
    const hasJumped = chosen_ms !== null && chosen_ms !== this.lastInstant_ms;
    this.lastInstant_ms = chosen_ms ?? 0;
    if (this.window && hasJumped && !this.drag) this.window = keepIn(this.window, instant_ms);
    const window = this.window ?? firstWindow(null, now_ms);
    paint(this.canvas, {
      window,
      density: this.densityFor(window),
      now_ms,
      instant_ms,
      isLive: chosen_ms === null,
      ahead_min,
      zone: context.settings.get().zone,
      ground: groundOf(context.settings.get().theme),
    });
    this.describe(window, instant_ms, chosen_ms === null, now_ms);
  }

  private controls(): HTMLElement[] {
    const { context } = this;
    const speed = h(
      "select",
      { "aria-label": context.say("time.speed"), on: { change: () => (this.player.speed = Number(speed.value)) } },
      SPEEDS.map((factor) => h("option", { value: factor, selected: factor === this.player.speed }, `${factor}×`)),
    );
    const ahead = h(
      "select",
      {
        "aria-label": context.say("time.ahead"),
        title: context.say("time.ahead"),
        on: { change: () => context.view.set({ ahead_min: Number(ahead.value) }) },
      },
      AHEAD_CHOICES.map((minutes) =>
        h(
          "option",
          { value: minutes, selected: minutes === context.view.get().ahead_min },
          minutes === 0 ? context.say("time.ahead.none") : `+${context.units.seconds(minutes * 60)}`,
        ),
      ),
    );
    const icon = (mark: string, label: string, click: () => void): HTMLElement =>
      h("button", { type: "button", class: "icon", "aria-label": label, title: label, on: { click } }, mark);
    return [
      // Time runs to the right in every language, so these are not mirrored either.
      h(
        "span",
        { class: "transport", dir: "ltr" },
        icon("«", context.say("time.back"), () => this.step(-600_000)),
        this.playButton,
        icon("»", context.say("time.forward"), () => this.step(600_000)),
      ),
      speed,
      this.nowButton,
      this.label,
      ahead,
      h(
        "span",
        { class: "transport", dir: "ltr" },
        icon("−", context.say("bar.zoom_out"), () => this.zoomKey(2)),
        icon("+", context.say("bar.zoom_in"), () => this.zoomKey(0.5)),
      ),
      barKey(context),
    ];
  }

  private densityFor(window: Window): Density {
    const { known, shown } = this.context;
    const slices = Math.max(20, Math.floor(this.canvas.clientWidth / SLICE_PX));
    const key = `${window[0]}/${window[1]}/${slices}/${shown.key()}/${shown.pairsKey()}`;
    if (!this.density || key !== this.densityKey) {
      this.densityKey = key;
      const kept = new Set(shown.pairs().map(({ selection }) => selection.kind === "refusal" && selection.refusalId));
      const refusals = [...known.refusals.values()].filter((refusal) => kept.has(refusal.refusal_id));
      this.density = densityOf(shown.plans(), refusals, window[0], window[1], slices);
    }
    return this.density;
  }

  private describe(window: Window, instant_ms: number, isLive: boolean, now_ms: number): void {
    const { context, canvas } = this;
    const label = context.say(this.player.isPlaying ? "time.pause" : "time.play");
    this.playButton.setAttribute("aria-label", label);
    this.playButton.title = label;
    this.playButton.textContent = this.player.isPlaying ? "❚❚" : "▶";
    this.nowButton.setAttribute("aria-pressed", String(isLive));
    const text = context.units.dateTime(instant_ms);
    const away = isLive
      ? context.say("time.live")
      : `${instant_ms < now_ms ? "−" : "+"}${formatCountdown(instant_ms - now_ms)}`;
    fill(this.label, ltr(text), " ", h("small", { class: isLive ? "live" : "away" }, isLive ? away : ltr(away)));
    canvas.setAttribute("aria-valuemin", String(Math.round(window[0] / 1000)));
    canvas.setAttribute("aria-valuemax", String(Math.round(window[1] / 1000)));
    canvas.setAttribute("aria-valuenow", String(Math.round(instant_ms / 1000)));
    canvas.setAttribute("aria-valuetext", [`${text} ${away}`, this.countsAt(window, instant_ms)].join("; "));
  }

  private countsAt(window: Window, instant_ms: number): string {
    const density = this.densityFor(window);
    const slice = sliceAt(window, density.mine.length, instant_ms);
    return slice === null ? "" : sliceText(this.context, window, density, slice);
  }

  private at(x: number, window: Window): number {
    const box = this.canvas.getBoundingClientRect();
    return window[0] + ((x - box.left) / box.width) * (window[1] - window[0]);
  }

  private grab(event: PointerEvent): void {
    if (!this.window) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.drag = { x: event.clientX, window: this.window, isPan: event.shiftKey || event.button === 1 };
    this.player.stop();
    this.pull(event);
  }

  private pull(event: PointerEvent): void {
    const { drag } = this;
    if (!this.window) return;
    const text = this.countsAt(this.window, this.at(event.clientX, this.window));
    this.sliceBox.show(text || null, event.offsetX, this.canvas.clientWidth);
    if (!drag) return;
    if (!drag.isPan) {
      this.context.view.set({ instant_ms: Math.round(this.at(event.clientX, this.window)) });
      return;
    }
    this.window = moveWindow(drag.window, this.at(drag.x, drag.window) - this.at(event.clientX, drag.window));
    this.update();
  }

  private wheel(event: WheelEvent): void {
    if (!this.window) return;
    event.preventDefault();
    const span_ms = this.window[1] - this.window[0];
    const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    this.window = isSideways
      ? moveWindow(this.window, (span_ms * (event.deltaX || event.deltaY)) / 1000)
      : zoomWindow(this.window, 1.0015 ** event.deltaY, this.at(event.clientX, this.window));
    this.update();
  }

  private key(event: KeyboardEvent): void {
    const step_ms = KEY_STEPS_MS[event.key];
    if (step_ms !== undefined) this.step(step_ms * (event.shiftKey ? 10 : 1));
    else if (event.key === "Home") this.goLive();
    else if (event.key === "End" && this.window) this.move(lastOf(this.window));
    else if (event.key === "+" || event.key === "-") this.zoomKey(event.key === "+" ? 0.5 : 2);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private zoomKey(factor: number): void {
    if (!this.window) return;
    this.window = zoomWindow(this.window, factor, this.context.instant());
    this.update();
  }
}

/** The last whole ms of a window: a rounded end would be outside of it. */
function lastOf(window: Window | null): number {
  return window ? Math.floor(window[1]) : Infinity;
}
