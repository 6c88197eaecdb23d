/** Begins: uses up a link, finds out who is signed in, shows the page or says how to sign in. */

import "./styles/base.css";
import "./styles/shell.css";
import "./styles/map.css";
import "./styles/list.css";
import "./styles/detail.css";
import "./styles/timebar.css";
import "./styles/forced.css";
import "./styles/print.css";
import { Problem } from "./api/problem";
import { doorPage, troublePage } from "./session/door";
import { Session } from "./session/session";
import { App } from "./shell/app";
import { fill } from "./shell/dom";
import { explain } from "./shell/notices";
import { groundOf, loadSettings } from "./shell/settings";
import { Words } from "./words/words";

async function begin(root: HTMLElement): Promise<void> {
  let app: App | null = null;
  const settings = loadSettings([]);
  const words = new Words(settings.get().language);
  document.documentElement.dataset["theme"] = groundOf(settings.get().theme);
  document.documentElement.lang = words.language;
  document.documentElement.dir = words.direction;

  const signedOut = (title: "signed_out.title" | "link_bad.title" | "goodbye.title"): void => {
    app?.close();
    fill(root, doorPage(words, title, () => location.reload()));
  };
  const session = new Session(() => signedOut("signed_out.title"));
  try {
    await session.useLink();
    const who = await session.who();
    if (!who) return signedOut("signed_out.title");
    app = new App(root, session, who, loadSettings(who.languages), () => signedOut("goodbye.title"));
  } catch (error) {
    const isLink = error instanceof Problem && error.status >= 400 && error.status < 500;
    if (isLink) return signedOut("link_bad.title");
    const [key, detail] = explain(error);
    fill(root, troublePage(words, words.say(key), detail || words.say("error.what_now")));
  }
}

// A link opened in a page that is already there changes only the fragment; it must be used all the same.
addEventListener("hashchange", () => {
  if (location.hash.startsWith("#link=")) location.reload();
});

// A file that misses the place where it may be dropped must not replace the page.
for (const event of ["dragover", "drop"]) addEventListener(event, (dropped) => dropped.preventDefault());

const root = document.getElementById("app");
if (root) void begin(root);
