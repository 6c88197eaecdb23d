/** Keys that work anywhere but in a field. */

export interface Command {
  readonly keys: readonly string[];
  readonly run: () => void;
}

/** Listens until the returned function is called. */
export function listen(commands: readonly Command[]): () => void {
  const heard = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    // A dialog has its own keys, Escape above all.
    if (document.querySelector("dialog[open]")) return;
    if (event.key !== "Escape" && isField(event.target)) return;
    const command = commands.find((one) => one.keys.includes(event.key));
    if (!command) return;
    event.preventDefault();
    command.run();
  };
  document.addEventListener("keydown", heard);
  return () => document.removeEventListener("keydown", heard);
}

function isField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName);
}
