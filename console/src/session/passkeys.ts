/** What the exchange keeps of passkeys and sessions, and what can go wrong with a passkey, in words. */

import { Problem } from "../api/problem";
import { explain } from "../shell/notices";
import type { Words } from "../words/words";
import { ask } from "./session";
import { type AddOptions, makePasskey, NoPasskeys, type SignInOptions, usePasskey } from "./webauthn";

export interface Passkey {
  readonly passkey_id: string;
  readonly account_name: string;
  readonly name: string;
  readonly made: string;
  readonly used: string | null;
  readonly suspected: string | null;
  readonly is_mine: boolean;
  readonly may_remove: boolean;
}

export interface OpenSession {
  readonly session_id: string;
  readonly account_name: string;
  readonly made: string;
  readonly seen: string;
  readonly is_this: boolean;
}

async function read<T>(method: string, path: string, body?: unknown): Promise<T> {
  return (await (await ask(method, path, body)).json()) as T;
}

export async function signInWithPasskey(): Promise<void> {
  const options = await read<SignInOptions>("POST", "/console/session/passkey/challenge");
  await ask("POST", "/console/session/passkey", await usePasskey(options));
}

export async function addPasskey(name: string): Promise<void> {
  const options = await read<AddOptions>("POST", "/console/passkeys/challenge");
  await ask("POST", "/console/passkeys", await makePasskey(options, name));
}

export async function listPasskeys(): Promise<readonly Passkey[]> {
  return (await read<{ passkeys: readonly Passkey[] }>("GET", "/console/passkeys")).passkeys;
}

export async function renamePasskey(passkeyId: string, name: string): Promise<void> {
  await ask("PUT", `/console/passkeys/${passkeyId}`, { name });
}

export async function removePasskey(passkeyId: string): Promise<void> {
  await ask("DELETE", `/console/passkeys/${passkeyId}`);
}

export async function listSessions(): Promise<readonly OpenSession[]> {
  return (await read<{ sessions: readonly OpenSession[] }>("GET", "/console/sessions")).sessions;
}

export async function endSession(sessionId: string): Promise<void> {
  await ask("DELETE", `/console/sessions/${sessionId}`);
}

/** What went wrong, and what the viewer may do about it. */
export function explainPasskey(error: unknown, words: Words, here = location.origin): string {
  if (error instanceof NoPasskeys) {
    if (error.why === "browser") return words.say("passkey.browser");
    return words.say("passkey.elsewhere", { there: `${error.origin}/console`, here });
  }
  if (error instanceof DOMException) {
    return words.say(error.name === "InvalidStateError" ? "passkey.is_there" : "passkey.cancelled");
  }
  if (error instanceof Problem) {
    const { reason, public_url } = error.document;
    if (reason === "no-secure-name") return words.say("passkey.nowhere", { url: String(public_url) });
    if (reason === "sign-in-too-old") return words.say("passkey.too_old");
    if (reason === "no-passkey") return words.say("passkey.refused");
    if (reason === "bad-passkey") return words.say("passkey.not_added");
    if (error.slug === "too-many") return words.say("passkey.too_many");
  }
  const [key, detail] = explain(error);
  return [words.say(key), detail].filter(Boolean).join(": ");
}
