"""The house rules, held against every file that is or may be committed."""

import ast
import importlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import detente

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for folder in ("src", "tests", "bench") for path in (ROOT / folder).rglob("*.py"))
PACKAGE = ROOT / "src" / "detente"
MAX_LINES = 400
MAX_DOCSTRING_LINES = 5
SUBJECTLESS = {"utils", "util", "helpers", "helper", "common", "misc"}


def name_of(path):
    return str(path.relative_to(ROOT))


def tracked():
    """Files that git knows, or would take; a file that is just being removed is no longer one."""
    words = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split("\0")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def texts():
    for path in tracked():
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_file_is_short_and_named_by_its_subject(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES
    assert path.stem not in SUBJECTLESS


def room_of(path):
    inside = path.relative_to(PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else None


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports relatively"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def foreign_stores(path):
    """Stores of other rooms that a file imports; ``detente.store`` is the database's own room."""
    mine = room_of(path)
    found = {re.match(r"detente\.(\w+)\.store\b", name) for name in imports_of(path)}
    return {match[1] for match in found if match and match[1] not in {mine, "store"}}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=name_of)
def test_no_room_reaches_into_another_rooms_store(path):
    assert foreign_stores(path) == set()


def test_an_import_of_another_rooms_store_would_be_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    (tmp_path / "plans").mkdir()
    bad = tmp_path / "plans" / "bad.py"
    for line in ("from detente.parties import store", "import detente.parties.store as s"):
        bad.write_text(line)
        assert foreign_stores(bad) == {"parties"}
    bad.write_text("from detente.store import Pool\nfrom detente.plans.store import find")
    assert foreign_stores(bad) == set()


def packages():
    return sorted(path.parent for path in PACKAGE.rglob("__init__.py"))


@pytest.mark.parametrize("folder", packages(), ids=name_of)
def test_a_package_says_in_five_lines_what_it_decides(folder):
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
    assert said, "a package begins with a docstring"
    assert len(said.splitlines()) <= MAX_DOCSTRING_LINES


@pytest.mark.parametrize("folder", packages(), ids=name_of)
def test_what_a_package_exports_exists(folder):
    module = importlib.import_module(".".join(folder.relative_to(ROOT / "src").parts))
    exported = getattr(module, "__all__", [])
    assert len(set(exported)) == len(exported)
    assert [name for name in exported if not hasattr(module, name)] == []


OPEN_ENDS = {
    "a type: ignore without a code and a reason": re.compile(r"# type: ignore(?!\[[\w, -]+\] +\S)"),
    "a noqa without a code and a reason": re.compile(r"# noqa(?!: [A-Z]+\d+(, ?[A-Z]+\d+)* +\S)"),
    "an open end": re.compile(r"\b(TODO|FIXME|XXX)\b"),
    "a skip": re.compile(r"pytest\.mark\.(skip|xfail)\b(?!\()"),
}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_exceptions_from_the_rules_give_their_reason(path):
    if path == Path(__file__):
        return
    text = path.read_text(encoding="utf-8")
    assert [what for what, pattern in OPEN_ENDS.items() if pattern.search(text)] == []


PLACES = re.compile(r"(?<![\w.~-])/(work|root|home)/[a-z.]")
INDEXES = re.compile(
    r"--(extra-)?index-url|--find-links|://[a-z0-9.-]*(artifactory|nexus|pypi\.|pythonhosted)", re.IGNORECASE
)


def test_no_place_of_a_machine_and_no_registry_stands_in_a_file():
    found = [
        f"{name_of(path)}: {line.strip()[:100]}"
        for path, text in texts()
        if path != Path(__file__) and path.suffix not in {".geojson", ".kml"}
        for line in text.splitlines()
        if PLACES.search(line) or INDEXES.search(line)
    ]
    assert found == []


def test_places_and_registries_would_be_seen():
    for bad in ("open('/work/x')", "cd /root/x", "in /home/ann/x", "--index-url x"):
        assert PLACES.search(bad) or INDEXES.search(bad), bad
    for good in (
        "/v1/plans",
        "/var/lib/detente",
        "~/.local",
        "the /homework",
        "(such as /root)",
        "--no-emit-index-url",
    ):
        assert not PLACES.search(good), good
        assert not INDEXES.search(good), good


def test_the_pages_lock_names_exact_versions_with_hashes_and_no_registry():
    named = json.loads((ROOT / "console" / "package.json").read_text())
    assert all(
        re.match(r"\d", one) for kind in ("dependencies", "devDependencies") for one in named[kind].values()
    )
    locked = json.loads((ROOT / "console" / "package-lock.json").read_text())["packages"]
    assert [name for name, one in locked.items() if name and "integrity" not in one] == []
    assert [name for name, one in locked.items() if "resolved" in one or "hasInstallScript" in one] == []


def test_nothing_large_or_built_is_kept():
    assert [name_of(path) for path in tracked() if path.suffix in {".whl", ".pyc", ".so", ".db"}] == []
    assert [name_of(path) for path in tracked() if path.stat().st_size > 2_000_000] == []


def test_the_changelog_knows_this_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert version == detente.__version__
    assert re.search(rf"^## \[{re.escape(version)}\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def checks():
    """The commands of the Makefile's target ``check``."""
    recipe = re.search(r"^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return [line.strip().removeprefix("$(BIN)/").split() for line in recipe[1].splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("words", checks(), ids=" ".join)
def test_what_make_check_runs_passes(words):
    tool = Path(sys.executable).parent / words[0]
    done = subprocess.run([tool, *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_make_check_runs_every_tool_and_pre_commit_runs_make_check():
    tools = ["ruff", "ruff", "mypy", "lint-imports", "codespell", "python", "python"]
    assert [words[0] for words in checks()] == tools
    assert [words[1:] for words in checks()[-2:]] == [
        ["console/make_page.py", one] for one in ("check", "test")
    ]
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert [(hook["entry"], hook["language"]) for hook in hooks] == [("make check", "system")]


def test_the_demos_list_is_a_part_of_the_tests_list():
    def pinned(name):
        text = (ROOT / name).read_text()
        assert text.count("--hash=sha256:") >= text.count("==")
        return set(re.findall(r"^([\w.-]+==[^\s;]+)", text, re.MULTILINE))

    assert pinned("requirements-demo.txt") <= pinned("requirements.txt")
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.match(r"[\w-]+", one)[0].lower() for one in named}
    assert names <= {one.partition("==")[0] for one in pinned("requirements-demo.txt")}
