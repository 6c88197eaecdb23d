/** Server-sent events out of pieces of text (WHATWG HTML, 9.2.6), without a connection. */

export interface SentEvent {
  readonly event: string;
  readonly data: string;
  readonly id: string | null;
}

/** Collects pieces as they come; a piece may end anywhere. */
export class EventParser {
  private rest = "";
  private event = "";
  private data: string[] = [];
  private id: string | null = null;

  push(piece: string): SentEvent[] {
    const events: SentEvent[] = [];
    const text = this.rest + piece;
    // A lone CR at the end may be half of a CRLF: it waits for the next piece.
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      const done = this.line(line);
      if (done) events.push(done);
    }
    return events;
  }

  private line(line: string): SentEvent | null {
    if (line === "") return this.finish();
    const colon = line.indexOf(":");
    if (colon === 0) return null;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") this.event = value;
    else if (name === "data") this.data.push(value);
    else if (name === "id" && !value.includes("\0")) this.id = value;
    return null;
  }

  private finish(): SentEvent | null {
    const event: SentEvent | null =
      this.data.length === 0 ? null : { event: this.event || "message", data: this.data.join("\n"), id: this.id };
    this.event = "";
    this.data = [];
    return event;
  }
}
