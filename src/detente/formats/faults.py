"""What is wrong with a file of plans: which feature, which field, what was expected, what was found."""

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from detente.errors import BadInput

MAX_SHOWN = 80


class Fault(Struct, frozen=True):
    """One thing that must be mended before a file can be read."""

    file: str
    feature: int | None
    """Its number in the file, from 1; null when the file as a whole is at fault."""
    id: str | None
    field: str
    expected: str
    actual: str

    def sentence(self) -> str:
        """Say it in one line, without a file name.

        Returns:
            Such as ``feature 3 (id "P1"), lower_m: expected a number, found "ten"``.
        """
        where = "file" if self.feature is None else f"feature {self.feature}"
        if self.id is not None:
            where += f' (id "{self.id}")'
        return f"{where}, {self.field}: expected {self.expected}, found {self.actual}"


class FaultyFile(BadInput):
    """Files that cannot be read whole. Member ``faults`` lists every fault."""

    def __init__(self, faults: list[Fault]) -> None:
        first = faults[0]
        super().__init__(
            f"{first.file}: {first.sentence()}"
            + (f"; and {len(faults) - 1} more faults" if len(faults) > 1 else ""),
            field=first.field,
            expected=first.expected,
            actual=first.actual,
            faults=faults,
        )
        self.faults = faults


class FileFault(Exception):
    """The file as a whole cannot be read; inside this package only."""

    def __init__(self, field: str, expected: str, actual: str) -> None:
        super().__init__(expected)
        self.field, self.expected, self.actual = field, expected, actual


@contextmanager
def collecting(file: str, faults: list[Fault]) -> Iterator[None]:
    """Turn a `FileFault` raised inside into an entry of ``faults``.

    Args:
        file: name of the file, for the entry.
        faults: where to put it.
    """
    try:
        yield
    except FileFault as fault:
        faults.append(Fault(file, None, None, fault.field, fault.expected, fault.actual))


def shown(value: object) -> str:
    """Show a value that was found, short and on one line.

    Args:
        value: anything that came out of a file.

    Returns:
        Its representation, cut to `MAX_SHOWN` characters.
    """
    if value is None:
        return "nothing"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    text = "".join(
        mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in text[: MAX_SHOWN + 1]
    )
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "..."
