"""Members of a zone's JSON or XML, read tolerantly: what is there in another shape is taken and noted.

A published feed is often a little off its standard. What can be understood in one way only is read;
what cannot is left out where the zone is no smaller without it, else the zone is missed by name.
"""

import math
import re
from typing import TypeVar

from detente.formats.faults import shown
from detente.zones.model import LIMITS, UNKNOWN_LANGUAGE, ZoneText

MAX_NOTES = 50
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_EXACT = 2.0**53
_T = TypeVar("_T")


class Missed(Exception):
    """One zone cannot be read; inside this package only."""

    def __init__(self, field: str, expected: str, actual: str) -> None:
        super().__init__(f"{field}: expected {expected}, found {actual}")


class Notes:
    """What was changed or left out while a zone was read; bounded, the rest is counted."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self._more = 0

    def add(self, note: str) -> None:
        """Say one thing; saying it again changes nothing."""
        if note in self._said:
            return
        if len(self._said) < MAX_NOTES:
            self._said.append(note)
        else:
            self._more += 1

    def all(self) -> tuple[str, ...]:
        """Give what was said.

        Returns:
            The notes, in order.
        """
        more = (f"and {self._more} more notes",) if self._more else ()
        return (*self._said, *more)


def clean(text: str) -> str:
    """Take control characters and lone surrogates out of a text; neither a file nor a database needs them.

    Args:
        text: as it was found.

    Returns:
        The text, stripped.
    """
    if text.isprintable():
        return text.strip()
    kept = (mark if mark == "\n" or mark.isprintable() else " " for mark in text.replace("\r\n", "\n"))
    return "".join(kept).strip()


class Fields:
    """The members of one object, by name; null is the same as absent."""

    def __init__(self, members: dict[str, object], path: str, notes: Notes) -> None:
        self._members = members
        self.path = path
        self.notes = notes

    def at(self, name: str) -> str:
        """Give the path of a member, such as ``geometry[0].radius``."""
        return f"{self.path}.{name}" if self.path else name

    def names(self) -> set[str]:
        """Give the names of all members."""
        return set(self._members)

    def raw(self, *names: str) -> object:
        """Give the first of these members that is there, as it is; else None."""
        for name in names:
            if (value := self._members.get(name)) is not None:
                return value
        return None

    def missed(self, name: str, expected: str) -> Missed:
        """Refuse a member as it is."""
        return Missed(self.at(name), expected, shown(self._members.get(name)))

    def left_out(self, name: str, expected: str) -> None:
        """Note that a member could not be used."""
        self.notes.add(f"{self.at(name)} left out: expected {expected}, found {shown(self.raw(name))}")

    def text(self, name: str, letters: int = LIMITS.text_letters) -> str | None:
        """Read a text; a number becomes one, a longer one is cut, both with a note."""
        value = self.raw(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            self.notes.add(f"{self.at(name)} is a number, taken as text")
            value = str(value)
        if value is None:
            return None
        if not isinstance(value, str):
            self.left_out(name, "a text")
            return None
        return self._cut(name, clean(value), letters) or None

    def _cut(self, name: str, text: str, letters: int) -> str:
        if len(text) > letters:
            self.notes.add(f"{self.at(name)} cut to {letters:,} of {len(text):,} characters")
            return text[:letters]
        return text

    def texts(self, name: str, letters: int = LIMITS.text_letters) -> tuple[ZoneText, ...]:
        """Read a text in several languages: a plain text, or a list of ``{"text", "lang"}``."""
        value = self.raw(name)
        if not isinstance(value, list | dict):
            plain = self.text(name, letters)
            return (ZoneText(plain),) if plain else ()
        found = []
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                inner: dict[str, object] = {"text": item}
            elif isinstance(item, dict):
                inner = item
            else:
                self.left_out(name, "texts")
                continue
            fields = Fields(inner, self.at(name), self.notes)
            text = fields.text("text", letters)
            if text:
                found.append(ZoneText(text, (fields.text("lang") or UNKNOWN_LANGUAGE)[:20]))
        return self.bounded(name, tuple(found), LIMITS.languages)

    def bounded(self, name: str, found: tuple[_T, ...], most: int) -> tuple[_T, ...]:
        """Keep at most so many items; the rest is noted."""
        if len(found) > most:
            self.notes.add(f"{self.at(name)}: the first {most} of {len(found)} are kept")
        return found[:most]

    def number(self, *names: str) -> float | None:
        """Read a number, also out of a text.

        Raises:
            Missed: it is none, or not finite.
        """
        name = next((name for name in names if self.raw(name) is not None), names[0])
        value = self.raw(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            self.notes.add(f"{self.at(name)} is a text, taken as the number in it")
            value = float(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = float(value) if abs(value) <= _EXACT else math.inf
            if math.isfinite(number):
                return number
        raise self.missed(name, "a number")

    def words(self, name: str) -> list[str]:
        """Read a list of words; one word alone is a list of one."""
        value = self.raw(name)
        items = value if isinstance(value, list) else [] if value is None else [value]
        if not all(isinstance(item, str) for item in items):
            self.left_out(name, "words")
        return [clean(item) for item in items if isinstance(item, str) and item.strip()]

    def child(self, name: str) -> "Fields | None":
        """Read an inner object; anything else is noted and absent."""
        value = self.raw(name)
        if isinstance(value, dict):
            return Fields(value, self.at(name), self.notes)
        if value is not None:
            self.left_out(name, "an object")
        return None

    def children(self, name: str, most: int) -> "list[Fields]":
        """Read a list of objects; one object alone is a list of one.

        Raises:
            Missed: there are more than allowed, or something else among them.
        """
        value = self.raw(name)
        items = value if isinstance(value, list) else [] if value is None else [value]
        if len(items) > most:
            raise Missed(self.at(name), f"at most {most:,}", f"{len(items):,}")
        found = []
        for index, item in enumerate(items):
            if not isinstance(item, dict):
                raise Missed(f"{self.at(name)}[{index}]", "an object", shown(item))
            found.append(Fields(item, f"{self.at(name)}[{index}]", self.notes))
        return found
