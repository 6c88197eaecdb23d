/** A long list of which only the rows in view exist; one stop for the tab key, arrows within. */

import { type Child, fill, h } from "../shell/dom";

const SPARE = 4;

export interface RowsOf<T> {
  readonly idOf: (item: T) => string;
  readonly paint: (item: T) => HTMLElement[];
  readonly choose: (item: T) => void;
}

export class Rows<T> {
  readonly element: HTMLElement;
  private readonly body = h("div", { class: "rows-body", role: "presentation" });
  private readonly empty = h("div", { class: "calm empty", hidden: true });
  private items: readonly T[] = [];
  private selectedId: string | null = null;
  private active = 0;
  private drawn = "";
  private readonly resized: ResizeObserver;

  /**
   * @param name told apart from other lists on the page by it
   * @param label what a screen reader calls the list
   * @param row_rem how high a row is: as high as the viewer's type size asks
   */
  constructor(
    private readonly name: string,
    label: string,
    private readonly row_rem: number,
    private readonly of: RowsOf<T>,
  ) {
    this.element = h(
      "div",
      {
        class: "rows",
        role: "listbox",
        tabindex: "0",
        "aria-label": label,
        on: { scroll: () => this.draw(), keydown: (event: KeyboardEvent) => this.key(event) },
      },
      this.empty,
      this.body,
    );
    this.element.style.setProperty("--row", `${row_rem}rem`);
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.element);
  }

  private get row_px(): number {
    return this.row_rem * parseFloat(getComputedStyle(document.documentElement).fontSize);
  }

  unmount(): void {
    this.resized.disconnect();
  }

  /** Shows items; `isChanged` says that rows may read differently though the items are the same. */
  set(items: readonly T[], selectedId: string | null, isChanged: boolean): void {
    this.items = items;
    this.body.style.height = `${items.length * this.row_rem}rem`;
    if (selectedId !== this.selectedId) {
      this.selectedId = selectedId;
      const place = items.findIndex((item) => this.of.idOf(item) === selectedId);
      if (place >= 0) this.reveal(place);
    }
    if (isChanged) this.drawn = "";
    this.active = Math.min(this.active, Math.max(0, items.length - 1));
    this.draw();
  }

  /** Says why there is nothing; null: there is something. */
  showEmpty(content: Child): void {
    this.empty.hidden = content === null;
    fill(this.empty, content);
  }

  private reveal(place: number): void {
    this.active = place;
    const top = place * this.row_px;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + this.row_px > scrollTop + clientHeight) this.element.scrollTop = top + this.row_px - clientHeight;
  }

  private draw(): void {
    const first = Math.max(0, Math.floor(this.element.scrollTop / this.row_px) - SPARE);
    const last = Math.min(
      this.items.length,
      Math.ceil((this.element.scrollTop + this.element.clientHeight) / this.row_px) + SPARE,
    );
    const key = `${first}/${last}/${this.active}/${this.selectedId}`;
    if (key === this.drawn) return;
    this.drawn = key;
    fill(
      this.body,
      this.items.slice(first, last).map((item, k) => this.row(item, first + k)),
    );
    this.element.setAttribute("aria-activedescendant", this.items.length ? `${this.name}-${this.active}` : "");
  }

  private row(item: T, place: number): HTMLElement {
    const row = h(
      "div",
      {
        class: place === this.active ? "row active" : "row",
        id: `${this.name}-${place}`,
        role: "option",
        "aria-selected": String(this.of.idOf(item) === this.selectedId),
        "aria-posinset": place + 1,
        "aria-setsize": this.items.length,
        on: {
          click: () => {
            this.active = place;
            this.of.choose(item);
          },
        },
      },
      this.of.paint(item),
    );
    row.style.top = `${place * this.row_rem}rem`;
    return row;
  }

  private key(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.row_px) - 1);
    const steps: Readonly<Partial<Record<string, number>>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -Infinity,
      End: Infinity,
    };
    const step = steps[event.key];
    const item = this.items[this.active];
    if (step !== undefined) {
      this.reveal(Math.max(0, Math.min(this.items.length - 1, this.active + step)));
      this.draw();
    } else if ((event.key === "Enter" || event.key === " ") && item) this.of.choose(item);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
