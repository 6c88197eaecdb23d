/** Makes a form anew after a change, but not under a finger that presses or a key that is on its way to the next field. */

const RELEASES = ["pointerup", "pointercancel", "keydown", "change"] as const;

export class Rendering {
  private isAsked = false;
  private isPressed = false;

  constructor(
    private readonly host: HTMLElement,
    private readonly render: () => void,
  ) {
    host.addEventListener("pointerdown", this.press, true);
    // A list that opened over the page keeps the finger's release to itself: a key or a choice tells, too.
    for (const event of RELEASES) document.addEventListener(event, this.release, true);
  }

  stop(): void {
    this.isAsked = false;
    this.host.removeEventListener("pointerdown", this.press, true);
    for (const event of RELEASES) document.removeEventListener(event, this.release, true);
  }

  /** Soon: when the press has been let go, and the focus is where it will be. */
  ask(): void {
    this.isAsked = true;
    if (!this.isPressed) this.soon();
  }

  private readonly press = (): void => {
    this.isPressed = true;
  };

  private readonly release = (event: Event): void => {
    // The field that is left tells of its change while the finger is already down on something else.
    if (event.type === "change" && !(event.target instanceof HTMLSelectElement)) return;
    this.isPressed = false;
    if (this.isAsked) this.soon();
  };

  private soon(): void {
    setTimeout(() => {
      if (!this.isAsked || this.isPressed) return;
      this.isAsked = false;
      const focused = document.activeElement?.id;
      this.render();
      if (focused?.startsWith("draft-")) document.getElementById(focused)?.focus();
    }, 0);
  }
}
