/** Three sentences that say what the page is, until they are put away. */

import type { Context } from "./context";
import { h } from "./dom";

/** Null where they have been read. */
export function introduction(context: Context): HTMLElement | null {
  if (context.settings.get().isIntroduced) return null;
  return h(
    "section",
    { class: "intro", "aria-labelledby": "intro-title" },
    h("h2", { id: "intro-title" }, context.say("intro.title")),
    h(
      "ol",
      {},
      (["intro.1", "intro.2", "intro.3"] as const).map((key) => h("li", {}, context.say(key))),
    ),
    h(
      "button",
      { type: "button", class: "primary", on: { click: () => context.settings.set({ isIntroduced: true }) } },
      context.say("intro.done"),
    ),
  );
}
