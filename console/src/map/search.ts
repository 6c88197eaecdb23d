/** Finding a plan, a party or a place by typing. */

import type { LatLon } from "../api/wire";
import { fill, foreign, h, ltr } from "../shell/dom";
import type { Context } from "../shell/context";
import { planName } from "../plans/naming";
import { foldText } from "../plans/select";
import { parsePosition } from "../units/position";

const MOST = 8;

interface Found {
  readonly label: HTMLElement;
  readonly detail: HTMLElement | null;
  readonly go: () => void;
}

export function mountSearch(
  context: Context,
  goTo: (place: LatLon) => void,
  fitPlan: (planId: string) => void,
): HTMLElement {
  const list = h("ul", {
    class: "found",
    role: "listbox",
    id: "found",
    hidden: true,
    "aria-label": context.say("search"),
  });
  const input = h("input", {
    type: "search",
    id: "search",
    class: "search",
    role: "combobox",
    "aria-expanded": "false",
    "aria-controls": "found",
    autocomplete: "off",
    placeholder: context.say("search.hint"),
    "aria-label": context.say("search"),
    on: {
      input: () => show(),
      keydown: (event: KeyboardEvent) => key(event),
      blur: () => setTimeout(close, 150),
    },
  });
  let found: Found[] = [];
  let active = 0;

  function show(): void {
    found = search(input.value, context, goTo, fitPlan);
    active = 0;
    render();
  }

  function render(): void {
    const isOpen = input.value.trim() !== "";
    list.hidden = !isOpen;
    input.setAttribute("aria-expanded", String(isOpen));
    input.setAttribute("aria-activedescendant", isOpen && found.length ? `found-${active}` : "");
    if (!isOpen) return;
    if (found.length === 0) return fill(list, h("li", { class: "none" }, context.say("search.none")));
    fill(
      list,
      found.map((one, k) =>
        h(
          "li",
          {
            id: `found-${k}`,
            role: "option",
            "aria-selected": String(k === active),
            on: { mousedown: () => choose(one) },
          },
          one.label,
          one.detail,
        ),
      ),
    );
  }

  function key(event: KeyboardEvent): void {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      active = Math.max(0, Math.min(found.length - 1, active + (event.key === "ArrowDown" ? 1 : -1)));
      render();
      event.preventDefault();
    } else if (event.key === "Enter") {
      const one = found[active];
      if (one) choose(one);
    } else if (event.key === "Escape") {
      input.value = "";
      close();
    }
  }

  function choose(one: Found): void {
    one.go();
    close();
    input.blur();
  }

  function close(): void {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
  }

  return h("div", { class: "search-box", role: "search" }, input, list);
}

function search(text: string, context: Context, goTo: (place: LatLon) => void, fitPlan: (id: string) => void): Found[] {
  const place = parsePosition(text);
  const found: Found[] = [];
  if (place) found.push({ label: ltr(context.units.position(place)), detail: null, go: () => goTo(place) });
  const wanted = foldText(text.trim());
  if (wanted === "") return found;
  for (const plan of context.known.plans.values()) {
    if (found.length >= MOST) break;
    const party = context.known.partyName(plan.party_id);
    if (!foldText(`${plan.title ?? ""}\n${plan.plan_id}\n${party}\n${plan.party_id}`).includes(wanted)) continue;
    found.push({
      label: foreign(planName(plan, context.known)),
      detail: h("small", {}, foreign(party), " ", ltr(context.units.span(plan.start, plan.end))),
      go: () => {
        context.select({ kind: "plan", planId: plan.plan_id });
        fitPlan(plan.plan_id);
      },
    });
  }
  return found;
}
