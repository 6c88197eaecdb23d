/** Puts the page together for somebody who is signed in, and takes it apart again. */

import { Api } from "../api/client";
import type { PlanView, Who } from "../api/wire";
import { forgetAll } from "../declare/kept";
import { Drawer } from "../detail/drawer";
import { firstConflict, open } from "../detail/open";
import { preparePrint } from "../detail/print";
import { ServerClock } from "../live/clock";
import { Feed } from "../live/feed";
import { MapBoard } from "../map/board";
import { cssColor, partyColor, partyPlaces } from "../map/palette";
import { Known } from "../plans/known";
import { firstInstant } from "../plans/select";
import { Shown } from "../plans/shown";
import { StandingWatch } from "../plans/standing";
import { decodeView, encodeView, isSameSelection, type Selection } from "../plans/view";
import { openKeyring } from "../session/keyring";
import type { Session } from "../session/session";
import { fragmentValue } from "../session/session";
import { Timebar } from "../timebar/timebar";
import { Units } from "../units/units";
import { Words } from "../words/words";
import type { Context } from "./context";
import { openHelp } from "./help";
import { introduction } from "./intro";
import { listen } from "./keyboard";
import { Layout, type Pane } from "./layout";
import { Notices } from "./notices";
import { SCREENS } from "./screens";
import { groundOf, type Settings } from "./settings";
import { Store } from "./store";
import { mountTopbar } from "./topbar";

const ADDRESS_MS = 400;

export class App {
  private readonly known = new Known();
  private readonly clock = new ServerClock();
  private readonly view = new Store(decodeView(location.hash));
  private readonly shown = new Shown(
    this.known,
    () => this.view.get(),
    () => this.clock.now(),
  );
  private readonly notices = new Notices(() => this.words);
  private readonly feed: Feed;
  private readonly standing: StandingWatch;
  private readonly layout: Layout;
  private readonly context: Context;
  private readonly board: MapBoard;
  private words: Words;
  private units: Units;
  private timebar: Timebar | null = null;
  private camera: string;
  private hasOpened = false;
  private editing: string | null = null;
  private screen = SCREENS[0]?.id ?? "";
  private places = { generation: -1, map: new Map<string, number>() };
  private unmountShell: () => void = () => undefined;
  private unmountScreen: () => void = () => undefined;
  private addressTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly undo: (() => void)[] = [];

  constructor(
    root: HTMLElement,
    private readonly session: Session,
    private readonly who: Who,
    private readonly settings: Store<Settings>,
    private readonly onSignOut: () => void,
  ) {
    const api = new Api(session);
    this.words = new Words(settings.get().language);
    this.units = this.makeUnits();
    this.camera = fragmentValue(location.hash, "at") ?? "";
    this.feed = new Feed(api, this.known, this.clock, (error) => this.notices.trouble(error));
    this.standing = new StandingWatch(api, this.known, () => this.clock.now());
    this.layout = new Layout(root, this.notices.element);
    this.context = this.makeContext(api);
    this.applySettings();
    this.board = new MapBoard(this.layout.map, this.context, this.camera || null, (camera) => {
      this.camera = camera;
      this.keepAddress();
    });
    this.mountShell();
    this.listen();
    void this.feed.run();
  }

  /** Removes everything that listens, asks or draws. */
  close(): void {
    this.feed.stop();
    this.standing.stop();
    this.unmountScreen();
    this.unmountShell();
    for (const undo of this.undo) undo();
    clearTimeout(this.addressTimer);
  }

  private makeContext(api: Api): Context {
    const app = this;
    return {
      api,
      who: this.who,
      known: this.known,
      view: this.view,
      shown: this.shown,
      settings: this.settings,
      clock: this.clock,
      feed: this.feed,
      notices: this.notices,
      get map() {
        return app.board;
      },
      get words() {
        return app.words;
      },
      get units() {
        return app.units;
      },
      say: (key, members) => this.words.say(key, members),
      instant: () => this.view.get().instant_ms ?? this.clock.now(),
      select: (selection) => this.select(selection),
      openDeclare: (planId) => {
        this.editing = planId;
        this.screen = "declare";
        this.mountScreens();
        this.layout.show("list");
        this.layout.screen.querySelector<HTMLElement>("h2")?.focus();
      },
      takeEditing: () => {
        const planId = this.editing;
        this.editing = null;
        return planId;
      },
      may: (scope) => this.who.scopes.includes(scope),
      partyColor: (partyId) => cssColor(partyColor(this.placeOf(partyId), groundOf(this.settings.get().theme))),
    };
  }

  private placeOf(partyId: string): number {
    if (this.places.generation !== this.known.generation) {
      const ids = [
        ...this.known.parties.keys(),
        ...[...this.known.plans.values()].map((plan: PlanView) => plan.party_id),
      ];
      this.places = { generation: this.known.generation, map: partyPlaces(ids, this.who.party_id) };
    }
    return this.places.map.get(partyId) ?? 1;
  }

  private makeUnits(): Units {
    const { language, height, zone, notation } = this.settings.get();
    return new Units({ locale: language, height, zone, notation }, () => this.clock.now());
  }

  /** All parts with text in them; mounted again when language or units change. */
  private mountShell(): void {
    this.unmountShell();
    const { context, layout } = this;
    const topbar = mountTopbar(
      context,
      () => void this.signOut(),
      () => openHelp(context),
      () => openKeyring(context, this.onSignOut),
    );
    layout.label(this.words);
    layout.top.replaceChildren(topbar.element);
    layout.time.replaceChildren();
    const speed = this.timebar?.player.speed;
    this.timebar = new Timebar(layout.time, context, speed);
    const drawer = new Drawer(context);
    layout.detail.replaceChildren(drawer.element);
    layout.toolbar(context, this.board);
    layout.introduce(introduction(context));
    this.mountScreens();
    this.unmountShell = () => {
      topbar.unmount();
      this.timebar?.unmount();
      drawer.unmount();
    };
  }

  private mountScreens(): void {
    const allowed = SCREENS.filter((screen) => !screen.scope || this.context.may(screen.scope));
    this.layout.tabs(
      allowed.map((screen) => ({ id: screen.id, title: this.context.say(screen.title) })),
      this.screen,
      (id) => {
        this.screen = id;
        this.mountScreens();
      },
    );
    this.unmountScreen();
    this.layout.screen.replaceChildren();
    const screen = allowed.find((one) => one.id === this.screen) ?? allowed[0];
    this.unmountScreen = screen ? screen.mount(this.layout.screen, this.context) : () => undefined;
  }

  private applySettings(): void {
    const { language, theme } = this.settings.get();
    document.documentElement.lang = language;
    document.documentElement.dir = this.words.direction;
    document.documentElement.dataset["theme"] = groundOf(theme);
    document.title = `${this.who.party_name} · ${this.who.exchange_name}`;
  }

  private onSettings(now: Settings, before: Settings): void {
    this.words = new Words(now.language);
    this.units = this.makeUnits();
    this.applySettings();
    if (now.theme !== before.theme) this.board.repaint();
    if (now.isTilted !== before.isTilted) {
      this.board.setTilt(now.isTilted);
      this.layout.toolbar(this.context, this.board);
      return;
    }
    if (now.isIntroduced !== before.isIntroduced) return this.layout.introduce(introduction(this.context));
    const menu = document.querySelector<HTMLDetailsElement>(".menu")?.open ?? false;
    const focused = document.activeElement?.id;
    this.mountShell();
    this.board.relabel();
    const opened = document.querySelector<HTMLDetailsElement>(".menu");
    if (opened) opened.open = menu;
    if (focused) document.getElementById(focused)?.focus();
  }

  private listen(): void {
    const print = (): void => preparePrint(this.context);
    addEventListener("beforeprint", print);
    const dark = matchMedia("(prefers-color-scheme: light)");
    const themed = (): void => {
      this.applySettings();
      this.board.repaint();
      this.timebar?.update();
    };
    dark.addEventListener("change", themed);
    const live = setInterval(() => this.tick(), 1000);
    this.undo.push(
      () => dark.removeEventListener("change", themed),
      () => clearInterval(live),
      this.settings.subscribe((now, before) => this.onSettings(now, before)),
      this.known.subscribe(() => {
        this.openAtFirst();
        this.board.update();
        this.timebar?.update();
        if (this.known.isLoaded) void this.standing.look();
      }),
      this.view.subscribe((now, before) => {
        const isInstantOnly =
          now.instant_ms !== before.instant_ms &&
          Object.keys(now).every(
            (name) => name === "instant_ms" || now[name as keyof typeof now] === before[name as keyof typeof now],
          );
        if (isInstantOnly) this.board.tick();
        else this.board.update();
        this.timebar?.update();
        this.keepAddress();
      }),
      listen(this.commands()),
      () => removeEventListener("beforeprint", print),
    );
  }

  /** Once, when the plans are there and the address names no instant. */
  private openAtFirst(): void {
    if (!this.known.isLoaded || this.hasOpened) return;
    this.hasOpened = true;
    const { instant_ms: asked_ms, selection } = this.view.get();
    if (asked_ms !== null) return;
    // A link to a conflict is opened as it begins.
    const conflict = selection && firstConflict(this.context, selection);
    if (conflict) return this.view.set({ instant_ms: Date.parse(conflict.start) });
    const instant_ms = firstInstant(this.known.plans.values(), this.clock.now());
    if (instant_ms !== null) this.view.set({ instant_ms });
  }

  private tick(): void {
    if (this.view.get().instant_ms === null) this.board.tick();
    this.timebar?.update();
    if (this.known.isLoaded) void this.standing.look();
  }

  private commands(): Parameters<typeof listen>[0] {
    const show = (pane: Pane, focus: () => void): void => {
      this.layout.show(pane);
      focus();
    };
    const focusIn = (host: HTMLElement, ...choices: string[]): void => {
      const found = choices.map((one) => host.querySelector<HTMLElement>(one)).find((one) => one !== null);
      found?.focus();
    };
    return [
      { keys: ["?"], run: () => openHelp(this.context) },
      { keys: ["/"], run: () => show("map", () => focusIn(this.layout.map, "input")) },
      { keys: ["l", "L"], run: () => show("list", () => focusIn(this.layout.screen, ".rows:not([hidden])", "input")) },
      { keys: ["m", "M"], run: () => show("map", () => focusIn(this.layout.map, ".maplibregl-canvas")) },
      { keys: ["t", "T"], run: () => focusIn(this.layout.time, "canvas") },
      { keys: ["d", "D"], run: () => show("detail", () => focusIn(this.layout.detail, "h2")) },
      { keys: [" "], run: () => this.timebar?.toggle() },
      { keys: ["n", "N"], run: () => this.timebar?.goLive() },
      { keys: [","], run: () => this.timebar?.step(-60_000) },
      { keys: ["."], run: () => this.timebar?.step(60_000) },
      { keys: ["["], run: () => this.selectNext(-1) },
      { keys: ["]"], run: () => this.selectNext(1) },
      { keys: ["z", "Z"], run: () => this.fitSelection() },
      { keys: ["a", "A"], run: () => this.board.fitAll() },
      { keys: ["h", "H"], run: () => this.settings.set({ isTilted: !this.settings.get().isTilted }) },
      { keys: ["+", "="], run: () => this.board.zoom(1) },
      { keys: ["-"], run: () => this.board.zoom(-1) },
      { keys: ["c", "C"], run: () => this.board.copyPlace() },
      { keys: ["Escape"], run: () => this.closeMenu() || this.select(null) },
    ];
  }

  /** @returns whether it was open */
  private closeMenu(): boolean {
    const menu = this.layout.top.querySelector<HTMLDetailsElement>("details[open]");
    if (!menu) return false;
    menu.open = false;
    menu.querySelector("summary")?.focus();
    return true;
  }

  /** Goes on in the list that is shown. */
  private selectNext(step: number): void {
    const { selection, list } = this.view.get();
    const isAt = (one: Selection): boolean => isSameSelection(one, selection);
    const pairs = this.shown.pairs();
    const isOfConflicts = list ? list === "conflicts" : selection?.kind !== "plan" && pairs.length > 0;
    if (isOfConflicts) {
      const at = pairs.findIndex((pair) => isAt(pair.selection));
      const next = pairs[Math.max(0, Math.min(pairs.length - 1, at + step))];
      if (next) open(this.context, next.selection, next.conflict);
      return;
    }
    const plans = this.shown.plans();
    const at = plans.findIndex((plan) => isAt({ kind: "plan", planId: plan.plan_id }));
    const next = plans[Math.max(0, Math.min(plans.length - 1, at + step))];
    if (next) this.select({ kind: "plan", planId: next.plan_id });
  }

  private fitSelection(): void {
    const { selection } = this.view.get();
    if (selection && selection.kind !== "refusal") return this.board.fitPlan(selection.planId);
    const refusal = selection && this.known.refusals.get(selection.refusalId);
    if (refusal) this.board.fit(refusal.conflicts.flatMap((conflict) => conflict.outline.flat()));
  }

  private select(selection: Selection | null): void {
    // The pane first: what is hidden takes no focus.
    this.layout.show(selection === null ? (this.layout.pane === "detail" ? "map" : this.layout.pane) : "detail");
    this.view.set({ selection });
  }

  /** The address follows what is looked at; not at every frame while the time plays. */
  private keepAddress(): void {
    clearTimeout(this.addressTimer);
    this.addressTimer = setTimeout(() => {
      const view = encodeView(this.view.get());
      const fragment = [view, this.camera && `at=${this.camera}`].filter(Boolean).join("&");
      history.replaceState(null, "", `#${fragment}`);
    }, ADDRESS_MS);
  }

  private async signOut(): Promise<void> {
    try {
      await this.session.signOut();
      forgetAll();
      this.onSignOut();
    } catch (error) {
      this.notices.trouble(error);
    }
  }
}
