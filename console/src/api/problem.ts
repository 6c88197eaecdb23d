/** What can go wrong between the page and the exchange, as errors that say what the viewer may do. */

import type { ProblemDocument } from "./wire";

/** The exchange refused; `document` is what it said. */
export class Problem extends Error {
  constructor(readonly document: ProblemDocument) {
    super(document.detail || document.title);
    this.name = "Problem";
  }

  get status(): number {
    return this.document.status;
  }

  /** The last part of the problem's type, such as `stale-version`. */
  get slug(): string {
    return slugOf(this.document.type);
  }
}

/** No answer came: the line, the server or the browser's network is down. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super("no answer from the exchange");
    this.name = "Unreachable";
    this.cause = cause;
  }
}

/** The session is over; only signing in helps. */
export class SignedOut extends Error {
  constructor() {
    super("signed out");
    this.name = "SignedOut";
  }
}

/** The last part of a problem's `type`. */
export function slugOf(type: string): string {
  return type.slice(type.lastIndexOf("/") + 1);
}

/** A problem from any answer that is not good, whether or not its body is a problem document. */
export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => "");
  let read: Partial<ProblemDocument> = {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) read = value;
  } catch {
    // Something between us and the exchange answered; its page is of no use to the viewer.
  }
  return new Problem({
    ...read,
    type: read.type ?? "about:blank",
    title: read.title ?? response.statusText,
    status: read.status ?? response.status,
    detail: read.detail ?? "",
  });
}
