"""`detente check` as it is run: exit codes, table, JSON, GeoJSON, and what hostile files may not do."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from detente.cli import check as check_module
from detente.cli.check import SHOWN_ROWS, command, printable
from detente.errors import BadInput
from tests.formats.test_geojson import BAD, feature

ROOT = Path(__file__).parents[2]


def circle(plan, party="red", lon=8.0, lat=47.0, **properties):
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "properties": {
            "id": plan,
            "party": party,
            "start": "2026-07-01T10:00:00Z",
            "end": "2026-07-01T11:00:00Z",
            "lower_m": 0,
            "upper_m": 100,
            "radius_m": 100,
            **properties,
        },
    }


@pytest.fixture
def check(tmp_path):
    def run(features, *options):
        path = tmp_path / "plans.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        return CliRunner().invoke(command, [str(path), *options])

    return run


def test_no_conflict(check):
    result = check([circle("A"), circle("B", lon=8.1)])
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("No conflict among 2 plans (2 volumes)")


def test_no_plans(check):
    result = check([])
    assert (result.exit_code, result.stdout) == (0, "No plans, so no conflict.\n")
    found = json.loads(check([], "--json").stdout)
    assert (found["conflicts"], found["plans"], found["volumes"]) == ([], 0, 0)


def test_a_conflict_in_the_table(check):
    result = check([circle("B", lon=8.001), circle("A", "blue")])
    assert result.exit_code == 1
    row = next(line for line in result.stdout.splitlines() if "A (blue)" in line)
    assert row.index("A (blue)") < row.index("B (red)")
    assert "overlap" in row
    assert "1 conflict among 2 plans" in result.stdout


def test_json(check):
    later = circle("B", lon=8.001, start="2026-07-01T10:30:00.500+00:00", upper_m=50)
    result = check([later, circle("A", "blue")], "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (found["plans"], found["volumes"]) == (2, 2)
    assert found["separation"] == {"horizontal_m": 0.0, "vertical_m": 0.0, "time_s": 0.0}
    (conflict,) = found["conflicts"]
    geometry = conflict.pop("geometry")
    depth_m = conflict.pop("horizontal_depth_m")
    assert conflict == {
        "a": "A",
        "b": "B",
        "a_party": "blue",
        "b_party": "red",
        "rule": "overlap",
        "start": "2026-07-01T10:30:00.500Z",
        "end": "2026-07-01T11:00:00Z",
        "lower_m": 0.0,
        "upper_m": 50.0,
        "datum": "WGS84",
        "vertical_depth_m": 50.0,
        "time_depth_s": 1799.5,
        "pieces": 1,
    }
    assert depth_m == pytest.approx(200.0 - 76.06, abs=0.1)
    assert geometry["type"] == "Polygon"
    assert geometry["coordinates"][0][0] == geometry["coordinates"][0][-1]


def test_ids_are_ordered_as_text(check):
    result = check([circle("9"), circle("10")], "--json")
    (conflict,) = json.loads(result.stdout)["conflicts"]
    assert (conflict["a"], conflict["b"]) == ("10", "9")


def test_several_pieces_are_one_conflict(check):
    features = [
        circle("A"),
        circle("A", lon=8.1, end="2026-07-01T12:00:00Z"),
        circle("B", lower_m=50, upper_m=300),
        circle("B", lon=8.1, upper_m=20, end="2026-07-01T12:00:00Z"),
    ]
    (conflict,) = json.loads(check(features, "--json").stdout)["conflicts"]
    assert conflict["pieces"] == 2
    assert (conflict["start"], conflict["end"]) == ("2026-07-01T10:00:00Z", "2026-07-01T12:00:00Z")
    assert (conflict["lower_m"], conflict["upper_m"]) == (0.0, 100.0)
    assert conflict["geometry"]["type"] == "MultiPolygon"
    assert len(conflict["geometry"]["coordinates"]) == 2


def test_pieces_of_several_datums_are_told_above_the_ellipsoid(check):
    features = [
        circle("A", datum="AMSL"),
        circle("B", datum="AMSL"),
        circle("A", lon=8.1),
        circle("B", lon=8.1),
    ]
    (conflict,) = json.loads(check(features, "--json").stdout)["conflicts"]
    assert conflict["datum"] == "WGS84"
    assert conflict["lower_m"] == 0.0
    assert 140.0 < conflict["upper_m"] < 155.0  # the geoid lies some 48 m above the ellipsoid there


def test_separation_and_its_rule(check):
    pair = [circle("A"), circle("B", lon=8.005, start="2026-07-01T11:05:00Z", end="2026-07-01T12:00:00Z")]
    assert check(pair).exit_code == 0
    assert check(pair, "--separation", "500,0,0").exit_code == 0
    found = json.loads(check(pair, "--separation", "500,0,600", "--json").stdout)
    assert found["conflicts"][0]["rule"] == "separation"
    near = [circle("A"), circle("B", lon=8.001)]
    found = json.loads(check(near, "--separation", "500,10,600", "--json").stdout)
    assert found["conflicts"][0]["rule"] == "overlap"


@pytest.mark.parametrize("text", ["1,2", "a,b,c", "-1,0,0", "nan,0,0", "inf,0,0", "1,2,3,4", "0,0,90000"])
def test_bad_separations_are_usage_errors(check, text):
    result = check([circle("A")], f"--separation={text}")
    assert result.exit_code == 2
    assert "three numbers" in result.stderr


def test_own_plans(check):
    same = [circle("A"), circle("B")]
    assert check(same).exit_code == 1
    assert check(same, "--no-own").exit_code == 0


def test_quiet_says_it_by_the_exit_code(check):
    result = check([circle("A"), circle("B")], "--quiet")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "")


def test_out_is_geojson(check, tmp_path):
    out = tmp_path / "conflicts.geojson"
    assert check([circle("A"), circle("B")], "--out", str(out)).exit_code == 1
    (found,) = json.loads(out.read_text())["features"]
    assert found["geometry"]["type"] == "Polygon"
    assert (found["properties"]["a"], found["properties"]["b"]) == ("A", "B")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert check([circle("A")], "--out", str(out)).exit_code == 0
    assert json.loads(out.read_text())["features"] == []


def test_out_that_cannot_be_written(check, tmp_path):
    out = tmp_path / "none" / "x.geojson"
    result = check([circle("A")], "--out", str(out))
    assert result.exit_code == 2
    assert result.stderr == f"detente: {out} cannot be written: No such file or directory\n"


@pytest.mark.parametrize("name", ["plans.kml", "plans.geojson"])
@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_file_is_called_so(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    result = CliRunner().invoke(command, [str(tmp_path / name)])
    assert result.exit_code == 2
    assert "expected plans as GeoJSON, KML or KMZ, found an empty file" in result.stderr


def test_a_document_type_declaration_is_refused_in_words(tmp_path):
    (tmp_path / "plans.kml").write_text("<!DOCTYPE kml SYSTEM 'x'><kml/>")
    result = CliRunner().invoke(command, [str(tmp_path / "plans.kml")])
    assert result.exit_code == 2
    assert "a document type declaration is not read" in result.stderr
    assert "<!DOCTYPE kml ...>" in result.stderr
    assert "DTDForbidden" not in result.stderr


def test_unreadable_input_names_every_fault_and_checks_nothing(check, tmp_path):
    features = [circle("A"), circle("B", lower_m="low"), circle("C", party=""), circle("D")]
    result = check(features, "--out", str(tmp_path / "o.geojson"), "--json")
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert re.search(
        r'plans.geojson: feature 2 \(id "B"\), lower_m: expected a number .*, found "low"', lines[0]
    )
    assert 'feature 3 (id "C"), party' in lines[1]
    assert lines[2] == "2 faults; nothing was checked."
    assert not (tmp_path / "o.geojson").exists()
    faults = json.loads(result.stdout)["faults"]
    assert [(fault["feature"], fault["field"]) for fault in faults] == [(2, "lower_m"), (3, "party")]


@pytest.mark.parametrize("name", BAD)
def test_every_fault_is_told_as_json(check, name):
    bad, field = BAD[name]
    result = check([feature(5), bad], "--json")
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)
    faults = json.loads(result.stdout)["faults"]
    assert (faults[0]["feature"], faults[0]["field"]) == (2, field)


def test_the_documents_broken_file_as_json():
    result = CliRunner().invoke(command, [str(ROOT / "docs/examples/broken.geojson"), "--json"])
    assert result.exit_code == 2
    assert [fault["feature"] for fault in json.loads(result.stdout)["faults"]] == [1, 2, 2]


def test_faults_of_a_file_whose_name_is_no_text(tmp_path):
    result = CliRunner().invoke(command, [os.fsencode(tmp_path / "a").decode() + "\udcff", "--json"])
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)
    assert json.loads(result.stdout)["faults"][0]["file"].endswith("a?")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (BadInput("no such thing"), "no such thing"),
        (ValueError("two\nlines"), "the check failed: ValueError: two\ufffdlines"),
        (MemoryError(), "the check failed: MemoryError: "),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_what_fails_inside_is_no_conflict(check, monkeypatch, error, line):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(check_module, "_find", fail)
    result = check([circle("A"), circle("B")])
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"detente: {line}\n")


def test_a_missing_file(tmp_path):
    result = CliRunner().invoke(command, [str(tmp_path / "none.geojson")])
    assert result.exit_code == 2
    assert "No such file" in result.stderr


def test_control_characters_do_not_reach_the_terminal(check):
    evil = "\x1b[2J\u202e\x07[red]\r\n"
    result = check([circle("A" + evil, evil), circle("B", "b" + evil)])
    assert result.exit_code == 1
    faults = check([circle("A" + evil, evil, lower_m=evil)])
    assert faults.exit_code == 2
    for text in (result.stdout, faults.stderr):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert "[red]" in result.stdout


def test_printable():
    assert printable("a\x1b\x9b\u200b\u2028é飛") == "a\ufffd\ufffd\ufffd\ufffdé飛"


def test_a_long_table_is_cut_and_says_so(check):
    result = check([circle(f"P{number:02}", f"p{number}") for number in range(12)])
    assert result.exit_code == 1
    assert SHOWN_ROWS < 12 * 11 // 2
    assert f"... and {66 - SHOWN_ROWS} more" in result.stdout
    assert "66 conflicts among 12 plans" in result.stdout


def test_several_files_are_checked_together(tmp_path):
    paths = []
    for plan in ("A", "B"):
        paths.append(tmp_path / f"{plan}.geojson")
        paths[-1].write_text(json.dumps(circle(plan)))
    assert CliRunner().invoke(command, list(map(str, paths))).exit_code == 1


def console_blocks(page):
    """The commands of a page's console blocks, each with the lines that follow it."""
    for block in re.findall(r"```console\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL):
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            asked, _, answer = example.partition("\n")
            yield pytest.param(asked, answer, id=asked)


@pytest.mark.parametrize(("asked", "answer"), list(console_blocks("check.md")))
def test_the_examples_of_the_documentation(asked, answer, tmp_path):
    words = shlex.split(asked.partition(";")[0])
    assert words[0] == "detente"
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    environment = {**os.environ, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    run = [sys.executable, "-c", "from detente.cli import main; main()", *words[1:]]
    done = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    printed = done.stdout + done.stderr + (f"{done.returncode}\n" if "echo $?" in asked else "")
    took = r"in \d+\.\d s"
    assert re.sub(took, "in 0.0 s", printed).split() == re.sub(took, "in 0.0 s", answer).split()
