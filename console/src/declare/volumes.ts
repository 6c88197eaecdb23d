/** The volumes of a draft as a list: pick one, add one, take one out. */

import type { Context } from "../shell/context";
import { type Child, h, ltr } from "../shell/dom";
import type { Change } from "./form";
import { addVolume, type DraftState, faultsOf, MOST_VOLUMES, removeVolume, type VolumeDraft } from "./draft";

export function volumeList(context: Context, draft: DraftState, change: Change): HTMLElement {
  const { volumes, at } = draft;
  const press = (id: string, text: string, isOff: boolean, click: () => void): HTMLElement =>
    h("button", { type: "button", id, disabled: isOff, on: { click } }, text);
  return h(
    "div",
    { class: "draft-volumes" },
    volumes.length > 1
      ? h(
          "ol",
          { "aria-label": context.say("volumes") },
          volumes.map((volume, k) =>
            h(
              "li",
              {},
              h(
                "button",
                {
                  type: "button",
                  id: `draft-volume-${k}`,
                  "aria-pressed": String(k === at),
                  on: { click: () => change((now) => ({ ...now, at: k })) },
                },
                context.say("edit.volume", { n: k + 1 }),
                " ",
                volumeText(context, volume),
                faultsOf(volume).length > 0 ? " ⚠" : "",
              ),
            ),
          ),
        )
      : null,
    h(
      "div",
      { class: "actions" },
      press("draft-add-volume", context.say("edit.add_volume"), volumes.length >= MOST_VOLUMES, () =>
        change(addVolume),
      ),
      volumes.length > 1
        ? press("draft-remove-volume", context.say("edit.remove_volume", { n: at + 1 }), false, () =>
            change(removeVolume),
          )
        : null,
    ),
  );
}

/** When and how high. */
export function volumeText({ units }: Context, volume: VolumeDraft): Child {
  const [start, end] = [new Date(volume.start_ms).toISOString(), new Date(volume.end_ms).toISOString()];
  return [ltr(units.span(start, end)), " · ", ltr(units.band(volume.lower_m, volume.upper_m, volume.datum))];
}
