/** The dialog of passkeys and sessions: adding, renaming and removing the ones, ending the others. */

import { Problem } from "../api/problem";
import type { Context } from "../shell/context";
import { type Child, fill, foreign, h, ltr } from "../shell/dom";
import type { Key } from "../words/words";
import {
  addPasskey,
  endSession,
  explainPasskey,
  listPasskeys,
  listSessions,
  type OpenSession,
  type Passkey,
  removePasskey,
  renamePasskey,
} from "./passkeys";

const NAME_CHARS = 200;

export function openKeyring(context: Context, onSignedOut: () => void): void {
  const say = (key: Key): string => context.say(key);
  const passkeys = h("ul", { class: "keyring" });
  const sessions = h("ul", { class: "keyring" });
  const said = h("p", { class: "bad", role: "alert" });
  const name = h("input", { id: "passkey-name", maxlength: NAME_CHARS, required: true, autocomplete: "off" });
  const add = h("button", { class: "primary" }, say("passkey.add"));

  /** Does one thing, then shows how everything stands; says what went wrong. */
  async function act(verb: () => Promise<unknown>): Promise<void> {
    said.textContent = "";
    try {
      await verb();
      await show();
    } catch (error) {
      if (error instanceof Problem && error.status === 401) {
        dialog.close();
        return onSignedOut();
      }
      said.textContent = explainPasskey(error, context.words);
    }
  }

  async function show(): Promise<void> {
    const [keys, open] = await Promise.all([listPasskeys(), listSessions()]);
    fill(passkeys, keys.length === 0 ? h("li", { class: "calm" }, say("passkey.none")) : keys.map(passkeyRow));
    fill(sessions, open.map(sessionRow));
  }

  const at = (key: Key, instant: string | null): Child =>
    instant === null ? null : [` · ${say(key)} `, ltr(context.units.dateTime(Date.parse(instant)))];

  function passkeyRow(one: Passkey): HTMLElement {
    const doing = h("div", { class: "chips" });
    const buttons = (): void =>
      fill(
        doing,
        one.is_mine ? button("passkey.rename", one.name, () => rename(doing, one, buttons)) : null,
        one.may_remove
          ? button("passkey.remove", one.name, () =>
              confirm(doing, "passkey.remove_sure", "passkey.remove", () => removePasskey(one.passkey_id), buttons),
            )
          : null,
      );
    buttons();
    return h(
      "li",
      {},
      h("div", {}, h("strong", {}, foreign(one.name)), " · ", foreign(one.account_name)),
      h("small", {}, say("passkey.made"), " ", ltr(context.units.dateTime(Date.parse(one.made))), at("passkey.used", one.used)),
      one.suspected === null ? null : h("p", { class: "bad" }, say("passkey.suspected"), " ", ltr(context.units.dateTime(Date.parse(one.suspected)))),
      doing,
    );
  }

  function sessionRow(one: OpenSession): HTMLElement {
    const doing = h("div", { class: "chips" });
    const buttons = (): void =>
      fill(
        doing,
        button("session.end", one.account_name, () =>
          confirm(
            doing,
            one.is_this ? "session.end_this" : "session.end_sure",
            "session.end",
            async () => {
              await endSession(one.session_id);
              if (one.is_this) throw new Problem({ type: "", title: "", status: 401, detail: "" });
            },
            buttons,
          ),
        ),
      );
    buttons();
    return h(
      "li",
      {},
      h("div", {}, foreign(one.account_name), one.is_this ? [" · ", h("strong", {}, say("session.this"))] : null),
      h("small", {}, say("session.made"), " ", ltr(context.units.dateTime(Date.parse(one.made))), at("session.seen", one.seen)),
      doing,
    );
  }

  function button(key: Key, of: string, click: () => void): HTMLElement {
    return h("button", { type: "button", "aria-label": `${say(key)}: ${of}`, on: { click } }, say(key));
  }

  function rename(host: HTMLElement, one: Passkey, back: () => void): void {
    const input = h("input", { value: one.name, maxlength: NAME_CHARS, required: true, "aria-label": say("passkey.name") });
    const save = (event: Event): void => {
      event.preventDefault();
      void act(() => renamePasskey(one.passkey_id, input.value.trim()));
    };
    fill(
      host,
      h(
        "form",
        { class: "chips", on: { submit: save } },
        input,
        h("button", { class: "primary" }, say("passkey.rename")),
        h("button", { type: "button", on: { click: back } }, say("cancel")),
      ),
    );
    input.select();
  }

  function confirm(host: HTMLElement, question: Key, key: Key, verb: () => Promise<unknown>, back: () => void): void {
    const yes = h("button", { type: "button", class: "danger", on: { click: () => void act(verb) } }, say(key));
    fill(host, h("span", {}, say(question)), yes, h("button", { type: "button", on: { click: back } }, say("cancel")));
    yes.focus();
  }

  const submit = (event: Event): void => {
    event.preventDefault();
    add.disabled = true;
    void act(async () => {
      await addPasskey(name.value.trim());
      name.value = "";
    }).finally(() => {
      add.disabled = false;
    });
  };
  const dialog = h(
    "dialog",
    { class: "help", "aria-label": say("keyring"), on: { close: () => dialog.remove() } },
    h("h2", { tabindex: -1, autofocus: true }, say("passkey.title")),
    h("p", { class: "calm" }, say("passkey.what")),
    passkeys,
    h(
      "form",
      { on: { submit } },
      h("label", { for: "passkey-name" }, say("passkey.name")),
      name,
      h("p", {}, add),
    ),
    said,
    h("h2", {}, say("session.title")),
    sessions,
    h("form", { method: "dialog" }, h("button", {}, say("close"))),
  );
  document.body.append(dialog);
  dialog.showModal();
  void act(async () => undefined);
}
