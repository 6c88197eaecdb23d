/** Requests to `/v1` with the session's token, renewed when it runs out. */

import { problemOf, SignedOut, Unreachable } from "./problem";
import type {
  CheckBody,
  CheckResult,
  Conflict,
  ConflictsPage,
  FileDefaults,
  FilePlan,
  Party,
  PlanBody,
  PlanPage,
  PlanState,
  PlanVersion,
  PlanView,
  RefusalPage,
} from "./wire";

/** Where tokens come from. */
export interface Tokens {
  /** A token that is still good; asks for a new one when `isStale`. Rejects with `SignedOut`. */
  token(isStale?: boolean): Promise<string>;
}

interface Asked {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

const MAX_WAIT_S = 10;
const MAX_TRIES = 3;

export class Api {
  constructor(private readonly tokens: Tokens) {}

  /** Sends one request and gives the answer, whatever its status but 401, 429 and 503. */
  async send(method: string, path: string, asked: Asked = {}): Promise<Response> {
    let isStale = false;
    for (let tries = 1; ; tries += 1) {
      const response = await this.once(method, path, asked, await this.tokens.token(isStale));
      if (response.status === 401) {
        if (isStale) throw new SignedOut();
        isStale = true;
      } else if ((response.status === 429 || response.status === 503) && tries < MAX_TRIES) {
        const wait_s = Number(response.headers.get("retry-after") ?? "1");
        await pause(Math.min(Number.isFinite(wait_s) ? wait_s : 1, MAX_WAIT_S) * 1000);
      } else {
        return response;
      }
    }
  }

  private async once(method: string, path: string, asked: Asked, token: string): Promise<Response> {
    const headers: Record<string, string> = { ...asked.headers, Authorization: `Bearer ${token}` };
    const init: RequestInit = { method, headers, cache: "no-store", credentials: "omit" };
    if (asked.signal) init.signal = asked.signal;
    if (asked.body !== undefined) {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(asked.body);
    }
    try {
      return await fetch(path, init);
    } catch (error) {
      if (asked.signal?.aborted) throw error;
      throw new Unreachable(error);
    }
  }

  private async json<T>(method: string, path: string, asked: Asked = {}): Promise<T> {
    const response = await this.send(method, path, asked);
    if (!response.ok) throw await problemOf(response);
    return (await response.json()) as T;
  }

  queryPlans(body: object, signal?: AbortSignal): Promise<PlanPage> {
    return this.json("POST", "/v1/plans/query", signal ? { body, signal } : { body });
  }

  queryRefusals(body: object): Promise<RefusalPage> {
    return this.json("POST", "/v1/refusals/query", { body });
  }

  plan(planId: string): Promise<PlanView> {
    return this.json("GET", planPath(planId));
  }

  history(planId: string): Promise<PlanVersion[]> {
    return this.json("GET", `${planPath(planId)}/history`);
  }

  conflictsOf(planId: string): Promise<Conflict[]> {
    return this.json("GET", `${planPath(planId)}/conflicts`);
  }

  queryConflicts(body: object): Promise<ConflictsPage> {
    return this.json("POST", "/v1/plans/conflicts/query", { body });
  }

  check(body: CheckBody, signal?: AbortSignal): Promise<CheckResult> {
    return this.json("POST", "/v1/plans/check", signal ? { body, signal } : { body });
  }

  /** The plans in a file; `content` is base64. */
  async readFile(content: string, name: string, defaults: FileDefaults): Promise<readonly FilePlan[]> {
    const body = { content, name, defaults };
    return (await this.json<{ plans: FilePlan[] }>("POST", "/v1/files/read", { body })).plans;
  }

  /** Declares a plan, or changes the version that is named. */
  declare(planId: string, body: PlanBody, version: number | null): Promise<PlanView> {
    return this.json("PUT", planPath(planId), { body, headers: ifMatch(version) });
  }

  enterState(planId: string, state: PlanState, version: number, reason = ""): Promise<PlanView> {
    return this.json("PUT", `${planPath(planId)}/state`, { body: { state, reason }, headers: ifMatch(version) });
  }

  async parties(): Promise<readonly Party[]> {
    return (await this.json<{ parties: Party[] }>("GET", "/v1/parties")).parties;
  }
}

function planPath(planId: string): string {
  return `/v1/plans/${encodeURIComponent(planId)}`;
}

function ifMatch(version: number | null): Record<string, string> {
  return version === null ? {} : { "If-Match": `"${version}"` };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Each page of a query, until there is no next; `ask` is given the cursor to add to it. */
export async function* pagesOf<P extends { readonly next: string | null }>(
  ask: (after: { readonly cursor?: string }) => Promise<P>,
): AsyncGenerator<P> {
  let cursor: string | null = null;
  do {
    const page: P = await ask(cursor === null ? {} : { cursor });
    yield page;
    cursor = page.next;
  } while (cursor !== null);
}
