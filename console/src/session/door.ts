/** The pages of somebody who is not signed in: how to come in, or what is wrong. */

import iconUrl from "../icon.svg?url";
import { type Child, h } from "../shell/dom";
import type { Key, Words } from "../words/words";
import { explainPasskey, signInWithPasskey } from "./passkeys";

const COMMAND = "detente console link";

/** Says who one is not, and offers both ways in: a passkey first, then a link. */
export function doorPage(words: Words, title: Key, onSignedIn: () => void): HTMLElement {
  const said = h("p", { class: "bad", role: "alert" });
  const button = h("button", { type: "button", class: "primary", autofocus: true }, words.say("passkey.sign_in"));
  button.addEventListener("click", () => {
    said.textContent = "";
    button.disabled = true;
    signInWithPasskey()
      .then(onSignedIn, (error: unknown) => {
        said.textContent = explainPasskey(error, words);
      })
      .finally(() => {
        button.disabled = false;
      });
  });
  return plainPage(
    words,
    words.say(title),
    h("p", {}, button),
    said,
    h("p", {}, words.say("signed_out.text")),
    h("pre", { dir: "ltr" }, COMMAND),
    h("p", { class: "calm" }, words.say("passkey.first")),
  );
}

/** Says what is wrong, and lets one try again. */
export function troublePage(words: Words, title: string, text: string): HTMLElement {
  const retry = h(
    "button",
    { type: "button", class: "primary", on: { click: () => location.reload() } },
    words.say("retry"),
  );
  return plainPage(words, title, h("p", {}, text), retry);
}

function plainPage(words: Words, title: string, ...children: Child[]): HTMLElement {
  return h(
    "main",
    { class: "plain", dir: words.direction, lang: words.language },
    h("img", { src: iconUrl, alt: "", width: 56, height: 56 }),
    h("h1", {}, title),
    children,
  );
}
