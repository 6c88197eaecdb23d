"""Where `detente check` writes: files, links, devices, pipes and a standard output that fails."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from detente.cli.check import command
from tests.cli.test_check import ROOT, circle
from tests.formats.test_geojson import collection


def run_detente(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE):
    run = [sys.executable, "-c", "from detente.cli import main; main()", "check", *map(str, words)]
    return subprocess.run(run, stdout=stdout, stderr=stderr, text=True, check=False)


@pytest.fixture
def two(tmp_path):
    """A file whose two plans conflict."""
    path = tmp_path / "two.geojson"
    path.write_text(json.dumps(collection(circle("A"), circle("B"))))
    return path


def test_out_that_is_full_is_named_and_stays(two, tmp_path):
    link = tmp_path / "full"
    link.symlink_to("/dev/full")
    done = run_detente(two, "--out", link, "--quiet")
    told = f"detente: {link} cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, told)
    assert link.is_symlink()
    assert link.is_char_device()


def test_out_is_written_into_a_pipe(two, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    texts = []
    reader = threading.Thread(target=lambda: texts.append(pipe.read_text()))
    reader.start()
    assert run_detente(two, "--out", pipe).returncode == 1
    reader.join(timeout=10)
    assert len(json.loads(texts[0])["features"]) == 1
    assert pipe.is_fifo()


def test_out_is_written_into_the_file_behind_a_link(two, tmp_path):
    link, target = tmp_path / "link", tmp_path / "target"
    link.symlink_to(target)
    for before in ("", "longer" * 10_000):
        target.write_text(before)
        assert run_detente(two, "--out", link).returncode == 1
        assert link.is_symlink()
        assert len(json.loads(target.read_text())["features"]) == 1


@pytest.mark.parametrize("options", [(), ("--quiet",)])
def test_out_to_standard_output(two, tmp_path, options):
    link = tmp_path / "stdout"
    link.symlink_to("/dev/stdout")
    whole = run_detente(two, "--out", link, *options).stdout
    with (tmp_path / "redirected").open("w") as redirected:
        assert run_detente(two, "--out", link, *options, stdout=redirected).returncode == 1
    for text in (whole, (tmp_path / "redirected").read_text()):
        found, end = json.JSONDecoder().raw_decode(text)
        assert len(found["features"]) == 1
        assert ("1 conflict among 2 plans" in text[end:]) == (not options)
    assert link.is_symlink()


def test_out_is_not_written_over_what_is_read(two, tmp_path):
    (tmp_path / "hard").hardlink_to(two)
    (tmp_path / "soft").symlink_to(two)
    before = two.read_text()
    for out in (two, tmp_path / "hard", tmp_path / "soft", tmp_path / "." / two.name):
        result = CliRunner().invoke(
            command, [str(ROOT / "docs/examples/drones.geojson"), str(two), "--out", str(out)]
        )
        assert result.exit_code == 2
        assert f"{out} is one of the files to read" in result.stderr
        assert two.read_text() == before


def test_out_that_cannot_be_looked_at(two, tmp_path):
    result = CliRunner().invoke(command, [str(two), "--out", str(tmp_path / ("x" * 300))])
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)
    assert "File name too long" in result.stderr


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_standard_output_that_is_full(two, options):
    with Path("/dev/full").open("w") as full:
        for path in (two, ROOT / "docs/examples/broken.geojson"):
            done = run_detente(path, *options, stdout=full)
            assert done.returncode == 2
            if path == two or options:
                told = "detente: standard output cannot be written: No space left on device"
                assert done.stderr.splitlines()[-1] == told
            assert "Traceback" not in done.stderr
        assert run_detente(two, *options, stdout=full, stderr=full).returncode == 2


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_standard_output_that_nobody_reads(two, options):
    reader, writer = os.pipe()
    os.close(reader)
    done = run_detente(two, *options, stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (2, "detente: standard output cannot be written: Broken pipe\n")
