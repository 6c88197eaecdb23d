/** One plan: what it is, what it stands beside, what may be done, its history. */

import { Problem } from "../api/problem";
import type { Conflict, PlanState, PlanVersion, PlanView, Refusal } from "../api/wire";
import { movedBody } from "../plans/body";
import { planName } from "../plans/naming";
import type { Context } from "../shell/context";
import { fill, foreign, h, ltr } from "../shell/dom";
import type { Key } from "../words/words";
import { STATE_STYLE } from "../map/palette";
import { heightOf, pointsOf as allPoints } from "../map/camera";
import { open } from "./open";
import { button, conflictFacts, copyButton, facts, partyMark, planLink, showAt, volumeTable } from "./parts";
import { settlementText } from "./settlement";
import { askWays } from "./ways";

/** States that a plan may enter from each, as docs/plans.md has them. */
export const NEXT_STATES: Readonly<Record<PlanState, readonly PlanState[]>> = {
  accepted: ["activated", "nonconforming", "contingent", "ended"],
  activated: ["nonconforming", "contingent", "ended"],
  nonconforming: ["activated", "contingent", "ended"],
  contingent: ["ended"],
  ended: [],
};

/** Whether new volumes are accepted for it, as the exchange decides it. */
export function mayChange(plan: PlanView): boolean {
  return plan.is_mine && plan.state !== "contingent" && plan.state !== "ended";
}

export function planDetail(context: Context, planId: string): HTMLElement {
  const plan = context.known.plans.get(planId);
  if (!plan) return h("p", { class: "calm" }, context.say(context.known.isLoaded ? "plan.gone" : "loading"));
  return h(
    "article",
    {},
    h("h2", { tabindex: "-1" }, foreign(planName(plan, context.known))),
    h(
      "p",
      { class: `state ${plan.state}` },
      STATE_STYLE[plan.state].mark,
      " ",
      context.say(`state.${plan.state}`),
      plan.is_mine ? ` · ${context.say("plan.mine")}` : "",
    ),
    plan.is_mine && context.may("plans.write") ? actions(context, plan) : null,
    planFacts(context, plan),
    plan.remarks ? h("p", { class: "remarks" }, foreign(plan.remarks)) : null,
    h(
      "p",
      {},
      plan.volumes?.length
        ? button(context, "plan.show", () => showAt(context, plan.start, allPoints([plan]), heightOf([plan])))
        : null,
    ),
    standingSection(context, plan),
    refusedSections(context, plan),
    volumesSection(context, plan),
    plan.is_mine ? historySection(context, plan) : null,
  );
}

function planFacts(context: Context, plan: PlanView): HTMLElement {
  return facts([
    [context.say("party"), partyMark(context, plan.party_id)],
    [context.say("conflict.when"), ltr(context.units.span(plan.start, plan.end))],
    [context.say("priority"), ltr(String(plan.priority))],
    [context.say("sharing"), context.say(`sharing.${plan.sharing}`)],
    [context.say("plan.version"), ltr(String(plan.version))],
    [context.say("plan.changed"), ltr(context.units.dateTime(Date.parse(plan.changed)))],
    [
      context.say("plan.id"),
      h("span", { class: "copyable" }, ltr(plan.plan_id, "id"), copyButton(context, plan.plan_id)),
    ],
  ]);
}

function volumesSection(context: Context, plan: PlanView): HTMLElement {
  const { volumes } = plan;
  if (!volumes) return h("p", { class: "calm" }, context.say("plan.not_shared"));
  return h(
    "details",
    { open: volumes.length <= 12 },
    h("summary", {}, context.say("volumes.count", { n: volumes.length })),
    volumeTable(context, volumes),
  );
}

/** Refusals of this plan, and of others because of it: what they were moved for can be found from it. */
function refusedSections(context: Context, plan: PlanView): (HTMLElement | null)[] {
  const refusals = [...context.known.refusals.values()];
  const heldUp = refusals.filter(({ conflicts }) => conflicts.some((one) => one.plan_id === plan.plan_id));
  return [
    refusedSection(context, "plan.refused_before", plan.plan_id, refusals.filter((one) => one.plan_id === plan.plan_id)),
    refusedSection(context, "plan.refused_for_it", plan.plan_id, heldUp),
  ];
}

function refusedSection(
  context: Context,
  title: Key,
  planId: string,
  refusals: readonly Refusal[],
): HTMLElement | null {
  if (refusals.length === 0) return null;
  // The conflict with this plan, where it was in the way; of a refusal of its own the first.
  const placeIn = (refusal: Refusal): number => Math.max(0, refusal.conflicts.findIndex((one) => one.plan_id === planId));
  const select = (refusal: Refusal): void =>
    open(context, { kind: "refusal", refusalId: refusal.refusal_id, place: placeIn(refusal) });
  const line = (refusal: Refusal): HTMLElement =>
    h(
      "li",
      {},
      h(
        "button",
        {
          type: "button",
          class: "link",
          on: { click: () => select(refusal) },
        },
        ltr(context.units.dateTime(Date.parse(refusal.at))),
      ),
      refusal.plan_id && refusal.plan_id !== planId ? [" ", planLink(context, refusal.plan_id, refusal.party_id)] : null,
      " ",
      settlementText(context, refusal.settlement),
    );
  return h("section", {}, h("h3", {}, context.say(title)), h("ul", {}, refusals.map(line)));
}

function standingSection(context: Context, plan: PlanView): HTMLElement | null {
  if (!plan.is_mine) return null;
  const host = h("section", {}, h("h3", {}, context.say("plan.beside")));
  const body = h("div", {});
  host.append(body);
  const show = (conflicts: readonly Conflict[]): void => {
    if (conflicts.length === 0) return fill(body, h("p", { class: "calm" }, context.say("plan.beside.none")));
    fill(
      body,
      conflicts.map((conflict, place) =>
        h(
          "details",
          { open: conflicts.length === 1, class: "conflict" },
          h(
            "summary",
            {},
            partyMark(context, conflict.party_id),
            " ",
            ltr(context.units.span(conflict.start, conflict.end)),
          ),
          conflictFacts(context, conflict),
          button(context, "conflict.open", () => context.select({ kind: "conflict", planId: plan.plan_id, place })),
        ),
      ),
      !mayChange(plan) || !context.may("plans.write")
        ? null
        : waysFor(context, plan),
    );
  };
  show(context.known.standing.get(plan.plan_id) ?? []);
  if (plan.state !== "ended") {
    context.api.conflictsOf(plan.plan_id).then(
      (conflicts) => {
        context.known.takeStanding(plan.plan_id, conflicts);
        show(conflicts);
      },
      (error: unknown) => fill(body, h("p", { class: "bad" }, foreign(error instanceof Error ? error.message : ""))),
    );
  }
  return host;
}

/** Moves a plan out of what it stands beside; its own party's plans are checked as well. */
export function waysFor(context: Context, plan: PlanView): HTMLElement {
  const { volumes } = plan;
  if (!volumes) return h("span");
  return askWays(
    context,
    async () => {
      const ways_out = { time_s: 7200, height_m: 600, sideways_m: 10_000 };
      const own = plan.own_plans ? { own_plans: plan.own_plans } : {};
      const body = { volumes, priority: plan.priority, ...own, ignore_plan_id: plan.plan_id, ways_out };
      const { conflicts, ways_out: ways } = await context.api.check(body);
      return conflicts.length === 0 ? null : ways;
    },
    async (way) => {
      const body = movedBody(plan, way.volumes);
      context.known.takePlan(await context.api.declare(plan.plan_id, body, plan.version));
      context.notices.show("good", context.say("plan.moved"));
    },
  );
}

function actions(context: Context, plan: PlanView): HTMLElement {
  const host = h("div", { class: "actions", role: "group", "aria-label": context.say("plan.actions") });
  if (mayChange(plan)) host.append(button(context, "edit.open", () => context.openDeclare(plan.plan_id)));
  for (const state of NEXT_STATES[plan.state]) {
    const kind = state === "activated" ? "primary" : state === "ended" ? "" : "danger";
    host.append(button(context, `act.${state}`, () => confirmState(context, plan, state, host), kind));
  }
  return host;
}

/** Off-nominal states and the end cannot be taken back, so they are asked for twice, in place. */
function confirmState(context: Context, plan: PlanView, state: PlanState, host: HTMLElement): void {
  if (state === "activated") return void enter(context, plan, state, "", host);
  const reason = h("input", {
    type: "text",
    maxlength: 2000,
    "aria-label": context.say("reason"),
    placeholder: context.say("reason"),
  });
  const back = (): void => host.replaceWith(actions(context, plan));
  const form = h(
    "form",
    {
      class: "confirm",
      on: {
        submit: (event: SubmitEvent) => {
          event.preventDefault();
          void enter(context, plan, state, reason.value, host);
        },
        keydown: (event: KeyboardEvent) => {
          if (event.key !== "Escape") return;
          event.stopPropagation();
          back();
        },
      },
    },
    h("p", {}, context.say(`confirm.${state as "nonconforming" | "contingent" | "ended"}`)),
    reason,
    h("button", { type: "submit", class: "danger" }, context.say(`act.${state}`)),
    button(context, "cancel", back),
  );
  fill(host, form);
  reason.focus();
}

async function enter(
  context: Context,
  plan: PlanView,
  state: PlanState,
  reason: string,
  host: HTMLElement,
): Promise<void> {
  for (const press of host.querySelectorAll("button")) press.disabled = true;
  try {
    const entered = await context.api.enterState(plan.plan_id, state, plan.version, reason);
    // The question is answered: as long as it stands there, the detail is not made anew.
    fill(host);
    context.known.takePlan(entered);
    context.notices.show("good", context.say(`state.${state}`), planName(plan, context.known));
  } catch (error) {
    context.notices.trouble(error);
    if (error instanceof Problem && error.slug === "conflicting-plan" && error.document.conflicts) {
      context.known.takeStanding(plan.plan_id, error.document.conflicts);
    }
    // What stands now may be another version than the one that was pressed: show that one.
    const current = await context.api.plan(plan.plan_id).catch(() => null);
    if (current) context.known.takePlan(current);
    host.replaceWith(actions(context, current ?? plan));
  }
}

function historySection(context: Context, plan: PlanView): HTMLElement {
  const body = h("div", {}, context.say("loading"));
  let isAsked = false;
  const load = (): void => {
    if (isAsked) return;
    isAsked = true;
    context.api.history(plan.plan_id).then(
      (versions) => fill(body, historyTable(context, versions)),
      (error: unknown) => fill(body, h("p", { class: "bad" }, foreign(error instanceof Error ? error.message : ""))),
    );
  };
  const details = h("details", { on: { toggle: load } }, h("summary", {}, context.say("plan.history")), body);
  return details;
}

function historyTable(context: Context, versions: readonly PlanVersion[]): HTMLElement {
  return h(
    "div",
    { class: "scroll-x" },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", {}, context.say("plan.version")),
          h("th", {}, context.say("state")),
          h("th", {}, context.say("volume.when")),
          h("th", {}, context.say("history.statement")),
          h("th", {}, "SHA-256"),
        ),
      ),
      h(
        "tbody",
        {},
        versions.map((one) =>
          h(
            "tr",
            {},
            h("td", {}, ltr(String(one.version))),
            h("td", {}, context.say(`state.${one.state}`)),
            h("td", {}, ltr(context.units.dateTime(Date.parse(one.at)))),
            h("td", {}, ltr(String(one.statement_id))),
            h("td", {}, ltr(one.content_sha256.slice(0, 12), "id")),
          ),
        ),
      ),
    ),
  );
}
