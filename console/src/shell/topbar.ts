/** The bar at the top: which exchange, as whom, what time it is, whether the line is up, choices, signing out. */

import type { Context } from "./context";
import { fill, foreign, h, ltr } from "./dom";
import { LANGUAGE_NAMES, LANGUAGES, type Language } from "../words/words";
import type { Settings } from "./settings";
import { formatCountdown, formatDate, formatTime } from "../units/time";
import type { Key } from "../words/words";

export interface Mounted {
  readonly element: HTMLElement;
  readonly unmount: () => void;
}

export function mountTopbar(context: Context, signOut: () => void, help: () => void, keyring: () => void): Mounted {
  const clock = h("time", { class: "clock num", dir: "ltr" });
  const lineText = h("span", { role: "status" });
  // Counted down for the eye only: a screen reader is told that the line is lost, not every second of it.
  const wait = h("span", { "aria-hidden": "true" });
  const line = h(
    "button",
    { type: "button", on: { click: () => context.feed.retryNow() } },
    h("i", { class: "lamp", "aria-hidden": "true" }),
    lineText,
    wait,
  );
  const warning = h("p", { class: "clock-warning", role: "alert", hidden: true });

  function tick(): void {
    const now_ms = context.clock.now();
    const local =
      context.settings.get().zone === "local" ? h("small", {}, ` ${formatTime(now_ms, "local", false)}`) : null;
    fill(clock, h("span", { class: "date" }, `${formatDate(now_ms, "utc")} `), formatTime(now_ms, "utc"), local);
    const off_ms = context.clock.behind_ms();
    warning.hidden = !context.clock.isOff();
    if (!warning.hidden) {
      const key: Key = off_ms > 0 ? "clock.behind" : "clock.ahead";
      fill(warning, context.say(key, { by: formatCountdown(off_ms) }));
    }
    showLine();
  }

  function showLine(): void {
    const { state, retryAt_ms } = context.feed;
    const wait_s = Math.max(0, Math.ceil((retryAt_ms - Date.now()) / 1000));
    const text = context.say(`line.${state}`);
    if (lineText.textContent !== text) lineText.textContent = text;
    wait.textContent = state === "lost" && wait_s > 0 ? context.say("line.again", { n: wait_s }) : "";
    line.className = `line ${state}`;
    line.title = state === "lost" ? context.say("line.retry") : text;
  }

  const timer = setInterval(tick, 1000);
  const undo = context.feed.subscribe(tick);
  const { who } = context;
  const menu = settingsMenu(context, signOut, help, keyring);
  const element = h(
    "header",
    { class: "topbar" },
    h("div", { class: "brand" }, h("strong", {}, foreign(who.exchange_name))),
    h(
      "div",
      { class: "identity" },
      partyDot(context),
      foreign(who.party_name, "party-name"),
      h("span", { class: "role" }, roleText(context), who.account_name ? [" · ", foreign(who.account_name)] : null),
    ),
    clock,
    line,
    menu.element,
    warning,
  );
  tick();
  return {
    element,
    unmount: () => {
      clearInterval(timer);
      menu.unmount();
      undo();
    },
  };
}

function partyDot(context: Context): HTMLElement {
  const dot = h("i", { class: "dot", "aria-hidden": "true" });
  dot.style.background = context.partyColor(context.who.party_id);
  return dot;
}

const ROLES = ["planner", "duty_officer", "authority", "observer", "administrator"] as const;

function roleText(context: Context): string {
  const role = ROLES.find((known) => known === context.who.role);
  return role ? context.say(`role.${role}`) : context.who.role;
}

function settingsMenu(context: Context, signOut: () => void, help: () => void, keyring: () => void): Mounted {
  const set = (patch: Partial<Settings>): void => context.settings.set(patch);
  const now = context.settings.get();
  const pick = <T extends string>(
    label: Key,
    name: keyof Settings,
    choices: readonly (readonly [T, string])[],
  ): HTMLElement => {
    const id = `setting-${name}`;
    const select = h(
      "select",
      { id, on: { change: () => set({ [name]: select.value } as Partial<Settings>) } },
      choices.map(([value, text]) => h("option", { value, selected: now[name] === value }, text)),
    );
    return h("p", {}, h("label", { for: id }, context.say(label)), select);
  };
  // Closed first, and the focus left where the dialog can give it back to.
  const openKeyring = (): void => {
    menu.open = false;
    menu.querySelector("summary")?.focus();
    keyring();
  };
  const menu = h(
    "details",
    { class: "menu" },
    h("summary", { "aria-label": context.say("settings"), title: context.say("settings") }, "☰"),
    h(
      "div",
      { class: "menu-body" },
      pick(
        "language",
        "language",
        LANGUAGES.map((language): [Language, string] => [language, LANGUAGE_NAMES[language]]),
      ),
      pick("theme", "theme", [
        ["auto", context.say("theme.auto")],
        ["dark", context.say("theme.dark")],
        ["light", context.say("theme.light")],
      ]),
      pick("units.height", "height", [
        ["m", context.say("units.m")],
        ["ft", context.say("units.ft")],
      ]),
      pick("units.zone", "zone", [
        ["utc", "UTC"],
        ["local", context.say("units.local")],
      ]),
      pick("units.notation", "notation", [
        ["decimal", context.say("notation.decimal")],
        ["minutes", context.say("notation.minutes")],
        ["mgrs", "MGRS"],
      ]),
      h("button", { type: "button", on: { click: help } }, context.say("keys"), " ", ltr("?")),
      h("button", { type: "button", on: { click: openKeyring } }, context.say("keyring")),
      h("button", { type: "button", on: { click: signOut } }, context.say("sign_out")),
    ),
  );
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
    event.stopPropagation();
  });
  const away = (event: PointerEvent): void => {
    if (!menu.contains(event.target as Node)) menu.open = false;
  };
  document.addEventListener("pointerdown", away);
  return { element: menu, unmount: () => document.removeEventListener("pointerdown", away) };
}
