"""The commands in the documents, run as they stand: each page in one shell, in a folder of its own.

What a page shows below a command must come out, line by line; ``...`` stands for anything, and so do the
seconds that something took. Set-up commands of other programs, the demo (it has tests of its own), and places
that exist only as examples are passed over.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import free_port
from tests.conftest import temporary_data_dir

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "deploy").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OTHERS = (
    "detente demo",
    "make ",
    "pip ",
    "git ",
    "python3 -m venv",
    "sudo ",
    "podman ",
    "systemctl ",
    "journalctl ",
    "psql ",
)
MAY_END_WITH_1 = ("detente check ", "detente declare ")
"""Conflicts and refusals are answers, not failures."""
LONGEST_S = 200
TOOK = re.compile(r"\b\d+\.\d s\b")


class Command:
    """One command of a page and the lines that are shown below it."""

    def __init__(self, text):
        self.text = text
        self.shown = []


def blocks(page, kind):
    return [body for found, body in BLOCK.findall(page.read_text(encoding="utf-8")) if found == kind]


def commands(page):
    found = []
    for body in blocks(page, "console"):
        lines = iter(body.splitlines())
        for line in lines:
            if not line.startswith("$ "):
                found[-1].shown.append(line)
                continue
            text = line[2:]
            while text.endswith("\\"):
                text += "\n" + next(lines)
            if here := re.search(r"<<'?(\w+)'?", text):
                while not text.endswith(f"\n{here[1]}"):
                    text += "\n" + next(lines)
            found.append(Command(text))
    return [one for one in found if not one.text.startswith(OTHERS) and ".example" not in one.text]


def with_commands():
    return [page for page in PAGES if commands(page)]


def script(steps, url):
    """All steps in one shell; what each says and how it ends is left in numbered files."""
    lines = ["set -u"]
    for number, step in enumerate(steps):
        if step.text.startswith("detente serve"):
            lines += [
                f"{step.text} >serve.log 2>&1 &",
                "server=$!",
                "trap 'kill $server; wait $server' EXIT",
                f"for _ in $(seq 600); do curl -fs {url}/ready && break; sleep 0.1; done >{number}.out",
            ]
        else:
            lines += [f"{{ {step.text}", f"}} >{number}.out 2>&1"]
        lines.append(f"echo $? >{number}.code")
    return "\n".join(lines)


@pytest.fixture
def folder():
    with temporary_data_dir() as data:
        here = data.parent
        (here / "docs").symlink_to(ROOT / "docs")
        yield here


@pytest.mark.pg
@pytest.mark.skipif(
    shutil.which("curl") is None, reason="curl is missing: the documents' requests are made with it"
)
@pytest.mark.parametrize("page", with_commands(), ids=lambda page: page.name)
def test_commands_do_what_the_page_shows(page, folder):
    steps = commands(page)
    address = f"127.0.0.1:{free_port()}"
    for step in steps:
        step.text = step.text.replace("127.0.0.1:8440", address)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DETENTE_LISTEN": address,
        "COLUMNS": "240",
    }
    (folder / "page.sh").write_text(script(steps, f"http://{address}"))
    run_shell(folder, environment)
    for number, step in enumerate(steps):
        code, said = (folder / f"{number}.code"), (folder / f"{number}.out").read_text()
        allowed = {"0\n", "1\n"} if step.text.startswith(MAY_END_WITH_1) else {"0\n"}
        assert code.read_text() in allowed, f"{step.text}\n{said}"
        for line in step.shown:
            assert is_said(line, said), f"{step.text}\nshows {line!r}, but said\n{said}"


def run_shell(folder, environment):
    shell = subprocess.Popen(["bash", "page.sh"], cwd=folder, env=environment, start_new_session=True)
    try:
        shell.wait(LONGEST_S)
    finally:
        if shell.poll() is None:
            os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()


def is_said(line, said):
    parts = [re.escape(part) for part in TOOK.sub("...", line).rstrip().split("...")]
    return any(
        re.fullmatch(".*".join(parts), one.rstrip()) for one in TOOK.sub("0.0 s", said).splitlines() or [""]
    )


def test_a_line_that_is_not_said_would_be_seen():
    said = "2 conflicts among 4 plans, in 0.3 s.\nand more\n"
    for line in ("2 conflicts among 4 plans, in 7.9 s.", "2 conf... plans...", "...more"):
        assert is_said(line, said)
    for line in ("3 conflicts among 4 plans, in 0.3 s.", "conflicts among", "more"):
        assert not is_said(line, said)


PYTHON = [(page, number) for page in PAGES for number in range(len(blocks(page, "python")))]


@pytest.mark.parametrize(("page", "number"), PYTHON, ids=lambda value: getattr(value, "name", value))
def test_python_runs(page, number):
    exec(compile(blocks(page, "python")[number], str(page), "exec"), {"__name__": "__docs__"})  # noqa: S102 - our own pages
