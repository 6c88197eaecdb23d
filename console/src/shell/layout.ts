/** The places of the page: top, left, map, right, bottom; on a narrow screen one at a time above the time bar. */

import type { MapBoard } from "../map/board";
import { STATE_STYLE } from "../map/palette";
import { STATES } from "../plans/view";
import type { Key, Words } from "../words/words";
import type { Context } from "./context";
import { fill, h } from "./dom";

export type Pane = "list" | "map" | "detail";

export class Layout {
  readonly top = h("div", { class: "top" });
  readonly screen = h("div", { class: "screen", role: "tabpanel", id: "screen" });
  readonly map = h("main", { class: "map" });
  readonly detail = h("div", { class: "detail" });
  readonly time = h("section", { class: "time" });
  pane: Pane = "map";
  private readonly tabBar = h("div", { class: "tabs", role: "tablist" });
  private readonly left: HTMLElement;
  private readonly panes = h("nav", { class: "panes" });
  private readonly intro = h("div", {});
  private readonly tools = h("div", { class: "tools" });
  private readonly frame: HTMLElement;

  constructor(root: HTMLElement, notices: HTMLElement) {
    this.left = h("section", { class: "left" }, this.tabBar, this.screen);
    this.map.append(this.tools, this.intro);
    this.frame = h(
      "div",
      { class: "frame", "data-pane": this.pane },
      this.top,
      this.left,
      this.map,
      this.detail,
      this.time,
      this.panes,
      notices,
    );
    fill(root, this.frame);
  }

  label(words: Words): void {
    this.left.setAttribute("aria-label", words.say("pane.list"));
    this.map.setAttribute("aria-label", words.say("pane.map"));
    this.time.setAttribute("aria-label", words.say("time.slider"));
    this.panes.setAttribute("aria-label", words.say("panes"));
    const pane = (name: Pane, key: Key): HTMLElement =>
      h(
        "button",
        {
          type: "button",
          "aria-pressed": String(this.pane === name),
          "data-pane": name,
          on: { click: () => this.show(name) },
        },
        words.say(key),
      );
    fill(this.panes, pane("list", "pane.list"), pane("map", "pane.map"), pane("detail", "pane.detail"));
  }

  /** On a narrow screen: which of the three is seen. */
  show(pane: Pane): void {
    this.pane = pane;
    this.frame.dataset["pane"] = pane;
    for (const button of this.panes.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset["pane"] === pane));
    }
  }

  tabs(
    screens: readonly { readonly id: string; readonly title: string }[],
    chosen: string,
    choose: (id: string) => void,
  ): void {
    const move = (event: KeyboardEvent): void => {
      const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      const signed = document.documentElement.dir === "rtl" ? -step : step;
      const next = screens[screens.findIndex((screen) => screen.id === chosen) + signed];
      if (step === 0 || !next) return;
      event.preventDefault();
      choose(next.id);
      this.tabBar.querySelector<HTMLElement>("[aria-selected=true]")?.focus();
    };
    fill(
      this.tabBar,
      screens.map(({ id, title }) =>
        h(
          "button",
          {
            type: "button",
            role: "tab",
            "aria-controls": "screen",
            "aria-selected": String(id === chosen),
            tabindex: id === chosen ? 0 : -1,
            on: { click: () => choose(id), keydown: move },
          },
          title,
        ),
      ),
    );
    this.tabBar.hidden = screens.length < 2;
  }

  /** Over the map, until it has been read; null: nothing. */
  introduce(element: HTMLElement | null): void {
    fill(this.intro, element);
  }

  /** Buttons over the map and the key to its signs. */
  toolbar(context: Context, board: MapBoard): void {
    const { isTilted } = context.settings.get();
    const tool = (key: Key, mark: string, click: () => void, isOn?: boolean): HTMLElement =>
      h(
        "button",
        {
          type: "button",
          class: "icon",
          "aria-label": context.say(key),
          title: context.say(key),
          "aria-pressed": isOn === undefined ? undefined : String(isOn),
          on: { click },
        },
        mark,
      );
    const isOpen = this.tools.querySelector("details")?.open ?? false;
    fill(
      this.tools,
      tool("map.zoom_in", "+", () => board.zoom(1)),
      tool("map.zoom_out", "−", () => board.zoom(-1)),
      tool("map.tilt", "3D", () => context.settings.set({ isTilted: !isTilted }), isTilted),
      tool("map.all", "⤢", () => board.fitAll()),
      h(
        "details",
        { class: "legend", open: isOpen },
        h("summary", { class: "icon", "aria-label": context.say("legend"), title: context.say("legend") }, "i"),
        h(
          "ul",
          {},
          STATES.map((state) =>
            h(
              "li",
              {},
              h("span", { class: `swatch ${state}`, "aria-hidden": "true" }),
              STATE_STYLE[state].mark,
              " ",
              context.say(`state.${state}`),
            ),
          ),
          h("li", {}, h("span", { class: "swatch piece", "aria-hidden": "true" }), context.say("legend.conflict")),
          h("li", {}, h("span", { class: "swatch settled", "aria-hidden": "true" }), context.say("legend.settled")),
          h("li", {}, h("span", { class: "swatch marks", "aria-hidden": "true" }), context.say("legend.marks")),
          h("li", {}, h("span", { class: "swatch refused", "aria-hidden": "true" }), context.say("legend.refused")),
          h("li", {}, h("span", { class: "swatch way_out", "aria-hidden": "true" }), context.say("legend.way_out")),
          h("li", {}, h("span", { class: "swatch ahead", "aria-hidden": "true" }), context.say("legend.ahead")),
          h("li", { class: "note" }, context.say("map.heights_note")),
          h("li", { class: "note" }, context.say("map.borders_note")),
        ),
      ),
    );
  }
}
