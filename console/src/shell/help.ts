/** Which keys do what, in a dialog. */

import type { Context } from "./context";
import { h, ltr } from "./dom";
import type { Key } from "../words/words";

const KEYS: readonly (readonly [string, Key])[] = [
  ["/", "key.search"],
  ["L", "key.list"],
  ["M", "key.map"],
  ["T", "key.time"],
  ["D", "key.detail"],
  ["Space", "key.play"],
  ["N", "key.now"],
  [", .", "key.step"],
  ["[ ]", "key.next"],
  ["Z", "key.fit"],
  ["A", "key.all"],
  ["H", "key.tilt"],
  ["+ −", "key.zoom"],
  ["C", "key.copy"],
  ["Esc", "key.escape"],
];

export function openHelp(context: Context): void {
  const dialog = h(
    "dialog",
    { class: "help", "aria-label": context.say("keys"), on: { close: () => dialog.remove() } },
    h("h2", {}, context.say("keys")),
    h(
      "dl",
      { class: "facts" },
      KEYS.map(([key, text]) => [h("dt", {}, ltr(key, "key")), h("dd", {}, context.say(text))]),
    ),
    h("p", { class: "calm" }, context.say("map.heights_note")),
    h(
      "form",
      { method: "dialog", class: "actions" },
      h("button", { on: { click: () => context.settings.set({ isIntroduced: false }) } }, context.say("intro.again")),
      h("button", { class: "primary", autofocus: true }, context.say("close")),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
}
