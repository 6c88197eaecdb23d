/** Elements by function call. Text is always text: nothing here, and nothing elsewhere, parses HTML. */

import { balanced } from "../words/isolate";

export type Child = Node | string | null | undefined | false | readonly Child[];

export interface Props {
  readonly class?: string;
  readonly on?: Readonly<Partial<Record<string, (event: never) => void>>>;
  readonly [attribute: string]: unknown;
}

/** An element with attributes (`true`: present, `false`, null: absent), listeners and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  apply(element, props);
  append(element, children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag);
  apply(element, props);
  append(element, children);
  return element;
}

function apply(element: Element, props: Props): void {
  for (const [name, value] of Object.entries(props)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value as Record<string, EventListener>)) {
        element.addEventListener(event, listener);
      }
    } else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child as readonly Child[]);
    else if (child instanceof Node) element.append(child);
    else if (typeof child === "string") element.append(document.createTextNode(child));
  }
}

/** Replaces all children at once. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren();
  append(element, children);
}

/** Text that keeps its left to right order inside text of any direction: positions, heights, times, ids. */
export function ltr(text: string, className = "num"): HTMLElement {
  return h("bdi", { class: className, dir: "ltr" }, text);
}

/** What another party wrote: its direction is its own. A browser's isolate, too, ends at a sign in the text that ends one. */
export function foreign(text: string, className = ""): HTMLElement {
  return h("bdi", { class: className || undefined, dir: "auto" }, balanced(text));
}
