"""``detente check``: all conflicts of all plans in files; needs no exchange and no network."""

import errno
import math
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NoReturn

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from detente.errors import DetenteError
from detente.formats.conflicts import Conflicts, FoundConflict, write_geojson, write_json
from detente.formats.faults import FaultyFile
from detente.formats.read import ReadPlans, read_files
from detente.geo.model import Separation
from detente.geo.sweep import Sweep

EXIT_NONE, EXIT_CONFLICTS, EXIT_UNREADABLE = 0, 1, 2
SHOWN_ROWS = 50
_PLAIN_WIDTH = 160
_LIMITS = (100_000.0, 10_000.0, 86_400.0)
_PARTS = 3


def printable(text: str) -> str:
    """Make text from a file safe to print: whatever could move the cursor or turn the line is replaced.

    Args:
        text: anything.

    Returns:
        The same on one line, without control and formatting characters.
    """
    return "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in text)


class _SeparationType(click.ParamType[Separation]):
    """Three distances in one option."""

    name = "H,V,T"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Separation:
        """Read metres on the ground, metres of height and seconds."""
        if isinstance(value, Separation):
            return value
        try:
            numbers = [float(part) for part in str(value).split(",")]
        except ValueError:
            numbers = []
        good = len(numbers) == _PARTS and all(
            math.isfinite(n) and 0 <= n <= limit for n, limit in zip(numbers, _LIMITS, strict=True)
        )
        if not good:
            self.fail(
                f"{value} is not three numbers such as 500,50,300: metres on the ground (to 100000), "
                "metres of height (to 10000), seconds (to 86400)",
                param,
                ctx,
            )
        return Separation(*numbers)


@contextmanager
def _progress(*, is_quiet: bool) -> Iterator[Progress]:
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=is_quiet or not console.is_terminal
    ) as bar:
        yield bar


def _read(files: tuple[Path, ...], bar: Progress) -> ReadPlans:
    sizes = [path.stat().st_size for path in files if path.is_file()]
    task = bar.add_task("reading", total=sum(sizes) or None)
    read = read_files(files, lambda count: bar.advance(task, count))
    bar.update(task, description=f"{len(read.table):,} plans", completed=sum(sizes))
    return read


def _find(read: ReadPlans, separation: Separation, *, own: bool, bar: Progress) -> Conflicts:
    task = bar.add_task("comparing", total=None)
    sweep = Sweep(read.table.columns, separation, own=own, balls=read.balls)
    pairs = sweep.pairs(lambda count: bar.advance(task, count))
    bar.update(task, total=1, completed=1)
    return Conflicts(read.table, sweep, pairs)


class _Unwritable(Exception):
    """A place that a result cannot be written to."""


@contextmanager
def _writing(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _Unwritable(f"{place} cannot be written: {error.strerror or error}") from error


class _Console(Console):
    """A console that raises where the library's own ends the process with the exit code of conflicts."""

    def on_broken_pipe(self) -> None:
        """Treat a pipe that nobody reads like any other place that cannot be written to."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


@contextmanager
def _no_failure_is_a_conflict() -> Iterator[None]:
    """End with one line and exit code 2, whatever fails: 1 says that there are conflicts."""
    try:
        yield
    except click.ClickException:
        raise
    except KeyboardInterrupt:
        _give_up("interrupted")
    except _Unwritable as error:
        _give_up(str(error))
    except DetenteError as error:
        _give_up(error.detail)
    except OSError as error:
        _give_up(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except Exception as error:  # noqa: BLE001 - see the docstring
        _give_up(f"the check failed: {type(error).__name__}: {error}")


def _give_up(reason: str) -> NoReturn:
    with suppress(OSError, ValueError):
        click.echo(printable(f"detente: {reason}"), err=True)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            # What is left in the buffer would fail once more at the end, and change the exit code.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        except (AttributeError, ValueError):
            continue
    sys.exit(EXIT_UNREADABLE)


def _report_faults(error: FaultyFile, *, as_json: bool) -> None:
    for fault in error.faults:
        click.echo(printable(f"{fault.file}: {fault.sentence()}"), err=True)
    count = len(error.faults)
    click.echo(f"{count} fault{'s' if count > 1 else ''}; nothing was checked.", err=True)
    if as_json:
        # A file's name may be no UTF-8, which JSON has to be.
        names = {fault.file: fault.file.encode("utf-8", "replace").decode() for fault in error.faults}
        faults = [msgspec.structs.replace(fault, file=names[fault.file]) for fault in error.faults]
        with _writing("standard output"):
            click.echo(msgspec.json.encode({"faults": faults}))


def _is_input(out: Path, files: tuple[Path, ...]) -> bool:
    """Say whether the result would be written over what is read; a terminal may be both."""
    if not out.exists() or stat.S_ISCHR(out.stat().st_mode):
        return False
    return any(path.exists() and path.samefile(out) for path in files)


def _opened(path: Path) -> BinaryIO:
    """Open a link, a device or a pipe; where that is standard output or error, go on where it stands."""
    for descriptor in (1, 2):
        with suppress(OSError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return os.fdopen(os.dup(descriptor), "wb")
    return path.open("wb")


def _save(conflicts: Conflicts, path: Path) -> None:
    """Write the file beside its place and move it there whole; links, devices and pipes are written into."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        with _opened(path) as out:
            write_geojson(conflicts, out)
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            write_geojson(conflicts, out)
        # mkstemp keeps the file to its owner; a result is as public as the folder it is put into.
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _row(conflict: FoundConflict) -> list[Text]:
    lasts = f"{conflict.time_depth_s:,.0f} s"
    cells = (
        f"{conflict.a} ({conflict.a_party})",
        f"{conflict.b} ({conflict.b_party})",
        conflict.rule.value,
        conflict.start,
        conflict.end,
        f"{conflict.lower_m:,.1f} to {conflict.upper_m:,.1f} m {conflict.datum.value}",
        ", ".join((f"{conflict.horizontal_depth_m:,.2f} m", f"{conflict.vertical_depth_m:,.2f} m", lasts)),
    )
    return [Text(printable(cell)) for cell in cells]


def _show(conflicts: Conflicts) -> None:
    console = _Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = _Console(highlight=False, markup=False, emoji=False, width=_PLAIN_WIDTH)
    table = Table(title=None)
    for name in ("plan", "plan", "rule", "from", "to", "heights", "depth (ground, height, time)"):
        table.add_column(name, overflow="fold")
    for conflict in conflicts.some(SHOWN_ROWS):
        table.add_row(*_row(conflict))
    console.print(table)
    if len(conflicts) > SHOWN_ROWS:
        console.print(f"... and {len(conflicts) - SHOWN_ROWS:,} more; --out and --json give all of them.")


def _summary(read: ReadPlans, conflicts: Conflicts, began_s: float) -> str:
    found = (
        f"{len(conflicts):,} conflict{'' if len(conflicts) == 1 else 's'}"
        if len(conflicts)
        else "No conflict"
    )
    plans, volumes = len(read.table), len(read.table.columns)
    if not plans:
        return "No plans, so no conflict."
    took_s = time.monotonic() - began_s
    return (
        f"{found} among {plans:,} plan{'' if plans == 1 else 's'} "
        f"({volumes:,} volume{'' if volumes == 1 else 's'}), in {took_s:.1f} s."
    )


@click.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--separation",
    type=_SeparationType(),
    default=Separation(),
    help="Metres on the ground, metres of height, seconds: closer than all three is a conflict.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the conflicts as GeoJSON."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.option("--quiet", "is_quiet", is_flag=True, help="Print nothing but faults; the exit code says it.")
@click.option("--no-own", is_flag=True, help="Do not compare plans of one party with each other.")
def command(
    *,
    files: tuple[Path, ...],
    separation: Separation,
    out: Path | None,
    as_json: bool,
    is_quiet: bool,
    no_own: bool,
) -> None:
    """Find all conflicts among the plans in FILES (GeoJSON, KML, KMZ).

    Exit code 0: no conflict; 1: conflicts; 2: something could not be read or written, or failed.
    """
    began_s = time.monotonic()
    with _no_failure_is_a_conflict():
        if out and _is_input(out, files):
            raise click.BadParameter(f"{out} is one of the files to read", param_hint="--out")
        try:
            with _progress(is_quiet=is_quiet) as bar:
                read = _read(files, bar)
                conflicts = _find(read, separation, own=not no_own, bar=bar)
                if out:
                    with _writing(str(out)):
                        _save(conflicts, out)
        except FaultyFile as error:
            _report_faults(error, as_json=as_json)
            sys.exit(EXIT_UNREADABLE)
        with _writing("standard output"):
            if as_json:
                write_json(conflicts, read.table, separation, sys.stdout.buffer)
                sys.stdout.flush()
            elif not is_quiet:
                if len(conflicts):
                    _show(conflicts)
                click.echo(_summary(read, conflicts, began_s))
    sys.exit(EXIT_CONFLICTS if len(conflicts) else EXIT_NONE)
