/** Short messages at the edge of the page, read out by screen readers. */

import type { Key } from "../words/words";
import { Problem, SignedOut, Unreachable } from "../api/problem";
import type { Words } from "../words/words";
import { fill, foreign, h } from "./dom";

export type Tone = "good" | "bad" | "plain";

const STAY_MS = 12_000;
const MOST = 4;

export class Notices {
  readonly element: HTMLElement;

  constructor(private readonly words: () => Words) {
    this.element = h("div", { class: "notices", role: "status", "aria-live": "polite" });
  }

  /** Shows one line; bad news stays until it is dismissed. */
  show(tone: Tone, text: string, detail = ""): void {
    // Said once is enough, however often it is tried again.
    const key = `${tone}/${text}/${detail}`;
    for (const shown of this.element.children) if (shown.getAttribute("data-key") === key) shown.remove();
    const close = h(
      "button",
      {
        type: "button",
        class: "icon",
        "aria-label": this.words().say("dismiss"),
        on: { click: () => notice.remove() },
      },
      "×",
    );
    const notice = h(
      "div",
      { class: `notice ${tone}`, "data-key": key, role: tone === "bad" ? "alert" : undefined },
      h("div", {}, h("strong", {}, text), detail ? h("p", {}, foreign(detail)) : null),
      close,
    );
    this.element.append(notice);
    while (this.element.childElementCount > MOST) this.element.firstElementChild?.remove();
    if (tone !== "bad") setTimeout(() => notice.remove(), STAY_MS);
  }

  /** Says what an error means to the viewer and what to do. */
  trouble(error: unknown): void {
    if (error instanceof SignedOut) return;
    const [key, detail] = explain(error);
    this.show("bad", this.words().say(key), detail);
  }

  clear(): void {
    fill(this.element);
  }
}

const BY_SLUG: Readonly<Partial<Record<string, Key>>> = {
  "stale-version": "error.stale",
  "version-required": "error.stale",
  "conflicting-plan": "error.conflict",
  "forbidden-transition": "error.transition",
  "not-found": "error.gone",
  "bad-input": "error.input",
  "invalid-shape": "error.input",
  "unsupported-datum": "error.input",
  "not-allowed": "error.forbidden",
};

/** The text of an error and what the server said besides. */
export function explain(error: unknown): readonly [Key, string] {
  if (error instanceof Unreachable) return ["error.line", ""];
  if (!(error instanceof Problem)) return ["error.page", error instanceof Error ? error.message : ""];
  const { field, detail, title } = error.document;
  const key = BY_SLUG[error.slug] ?? (error.status === 403 ? "error.forbidden" : "error.server");
  const text = detail || title;
  return [key, field && !text.includes(field) ? `${field}: ${text}` : text];
}
