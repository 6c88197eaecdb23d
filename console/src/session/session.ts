/** Signing in with a link, who is signed in, the token that other requests carry, signing out. */

import type { Tokens } from "../api/client";
import { Problem, problemOf, SignedOut, Unreachable } from "../api/problem";
import type { Who } from "../api/wire";

const HEADERS = { "X-Detente-Console": "1" };
/** Renewed this long before it ends, so that no request is sent with a token that ends on its way. */
const EARLY_MS = 60_000;

export class Session implements Tokens {
  private current: { readonly token: string; readonly until_ms: number } | null = null;
  private asking: Promise<string> | null = null;
  private readonly fixedToken: string | null;

  constructor(private readonly onSignedOut: () => void) {
    this.fixedToken = import.meta.env.DEV ? fragmentValue(location.hash, "token") : null;
  }

  /** Uses up the link in the address, if there is one, and takes it out of the address and the history. */
  async useLink(): Promise<void> {
    const link = fragmentValue(location.hash, "link");
    if (link === null) return;
    history.replaceState(null, "", location.pathname + location.search);
    await ask("POST", "/console/session", { link });
  }

  /** Who is signed in, or null. */
  async who(): Promise<Who | null> {
    if (this.fixedToken !== null) return await whoOfToken(this.fixedToken);
    try {
      return (await (await ask("GET", "/console/session")).json()) as Who;
    } catch (error) {
      if (error instanceof Problem && (error.status === 401 || error.status === 403)) return null;
      throw error;
    }
  }

  token(isStale = false): Promise<string> {
    if (this.fixedToken !== null) return Promise.resolve(this.fixedToken);
    if (!isStale && this.current && Date.now() < this.current.until_ms) return Promise.resolve(this.current.token);
    // One question at a time, however many requests wait for its answer.
    this.asking ??= this.renew().finally(() => {
      this.asking = null;
    });
    return this.asking;
  }

  private async renew(): Promise<string> {
    this.current = null;
    try {
      const answer = await ask("POST", "/console/session/token");
      const { access_token, expires_in } = (await answer.json()) as { access_token: string; expires_in: number };
      this.current = { token: access_token, until_ms: Date.now() + expires_in * 1000 - EARLY_MS };
      return access_token;
    } catch (error) {
      if (!(error instanceof Problem) || (error.status !== 401 && error.status !== 403)) throw error;
      this.onSignedOut();
      throw new SignedOut();
    }
  }

  /** Ends the session; one that has ended already is no trouble. */
  async signOut(): Promise<void> {
    this.current = null;
    try {
      await ask("DELETE", "/console/session");
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) throw error;
    }
  }
}

/** Asks one of the console's own routes, with the cookie and the header that they want. */
export async function ask(method: string, path: string, body?: unknown): Promise<Response> {
  const headers: Record<string, string> = { ...HEADERS };
  const init: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    throw new Unreachable(error);
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function whoOfToken(token: string): Promise<Who> {
  const answer = await fetch("/v1/whoami", { headers: { Authorization: `Bearer ${token}` } });
  if (!answer.ok) throw await problemOf(answer);
  const who = (await answer.json()) as Partial<Who>;
  return {
    party_id: who.party_id ?? "",
    party_name: who.party_name ?? who.party_id ?? "",
    account_id: who.account_id ?? "",
    account_name: who.account_name ?? "",
    role: who.role ?? "",
    scopes: who.scopes ?? ["plans.read", "plans.write", "parties.read"],
    languages: who.languages ?? [],
    expires: "",
    exchange_name: who.exchange_name ?? "Détente",
  };
}

/** A member of an address's fragment, such as `link` of `#link=abc`. */
export function fragmentValue(hash: string, name: string): string | null {
  return new URLSearchParams(hash.replace(/^#/, "")).get(name);
}
