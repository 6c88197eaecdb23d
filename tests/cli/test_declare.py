"""``detente declare`` and ``detente plans`` against an exchange that really runs."""

import contextlib
import datetime as dt
import json
import re

import msgspec
import pytest
from click.testing import CliRunner

from detente.cli import check, main
from detente.cli.filing import plan_id_of
from detente.cli.plans import read_area
from detente.cli.refused import say_settlement
from detente.cli.words import shift_text, ways_out_text
from detente.client import Client
from detente.errors import BadInput
from detente.geo.model import Circle, LatLon, Polygon
from detente.plans.model import (
    NoWayOut,
    PlanBody,
    PlanVolume,
    Sharing,
    WayOut,
    WayOutKind,
    WaysOut,
    WaysOutLimits,
)
from detente.plans.refusal_model import Settlement, SettlementKind
from tests.cli.conftest import DAY, detente, feature, secret_of

UUID = "3f6e9f5c-5f5e-4c3b-9d0c-7a2d0a1b2c3d"


def test_all_accepted_then_declared_again_without_harm(exchange, file):
    plans = file(feature("one", "alpha", 10), feature(UUID, "alpha", 11), feature("hers", "bravo", 10))
    for _ in range(2):
        done = detente("declare", plans, *exchange.at("alpha"))
        assert "2 accepted" in done.stdout
        assert "passed over: 1 plans of other parties than alpha" in done.stderr
    listed = json.loads(detente("plans", *exchange.at("bravo"), "--area", "11,7,100", "--json").stdout)
    assert [(one["plan_id"], one["party_id"], one["version"]) for one in listed] == [(UUID, "alpha", 1)]


def test_a_conflict_is_told_with_whom_where_when_and_how_deep(exchange, file):
    detente("declare", file(feature("low", "alpha", 20)), *exchange.at("alpha"))
    mine = file(feature("low", "bravo", 20.004, lower_m=50, minutes=5))
    done = detente("declare", mine, *exchange.at("bravo"), check=False)
    assert done.returncode == 1
    assert "alpha " + plan_id_of("alpha", "low")[:8] in done.stdout
    assert re.search(r"20\.00\d+ 7\.0000, 50 to 100 m WGS84", done.stdout)
    start = DAY + dt.timedelta(minutes=5)
    assert f"{start:%Y-%m-%d %H:%M:%S} to {start + dt.timedelta(minutes=5):%H:%M:%S}" in done.stdout
    assert re.search(r"\d+ m across, 50 m high, 300 s", done.stdout)
    assert re.search(r"low: ways out: .*50 m up", done.stdout)
    assert "1 refused" in done.stdout


def test_the_way_out_that_is_taken_stands(exchange, file):
    detente("declare", file(feature("still", "alpha", 30)), *exchange.at("alpha"))
    mine = file(feature("moved", "bravo", 30, lower_m=60), feature("clear", "bravo", 31))
    done = detente("declare", mine, *exchange.at("bravo"), "--take-way-out", "--json")
    moved, clear = json.loads(done.stdout)
    assert (moved["outcome"], clear["outcome"]) == ("moved", "accepted")
    with Client(exchange.url, **secret_of(exchange, "bravo")) as client:
        stands = client.get(moved["plan_id"])
        assert json.loads(msgspec.json.encode(stands.volumes)) == moved["taken"]["volumes"]
        assert client.conflicts_of(moved["plan_id"]) == ()


def test_what_was_refused_is_listed_with_what_settled_it(exchange, file):
    detente("declare", file(feature("below", "alpha", 35)), *exchange.at("alpha"))
    mine = file(feature("lifted", "bravo", 35, lower_m=60), feature("stuck", "bravo", 35.001, lower_m=20))
    detente("declare", mine, *exchange.at("bravo"), check=False)
    one = file(feature("lifted", "bravo", 35, lower_m=60), name="one.geojson")
    detente("declare", one, *exchange.at("bravo"), "--take-way-out")
    listed = json.loads(detente("plans", "--refused", *exchange.at("bravo"), "--json").stdout)
    lifted, stuck = (
        next(one for one in listed if one["plan_id"] == plan_id_of("bravo", name))
        for name in ("lifted", "stuck")
    )
    assert (lifted["settlement"]["kind"], lifted["settlement"]["shift_up_m"]) == ("height", 40.0)
    assert stuck["settlement"] == {**stuck["settlement"], "is_settled": False, "kind": "none"}
    told = detente("plans", "--refused", "--party", "bravo", *exchange.at("alpha")).stdout
    assert "40 m higher" in told
    assert "still refused" in told
    assert f"alpha {plan_id_of('alpha', 'below')[:8]}: 35.0" in told
    done = detente("plans", "--refused", "--geojson", *exchange.at("alpha"), check=False)
    assert done.returncode == 2
    assert "--refused takes" in done.stderr


@pytest.mark.parametrize(
    ("settlement", "said"),
    [
        (Settlement(is_settled=False), "still refused"),
        (Settlement(is_settled=True), "settled"),
        (Settlement(is_settled=False, kind=SettlementKind.NONE), "still refused"),
        (Settlement(is_settled=True, kind=SettlementKind.TIME, shift_s=-90.0), "90 s earlier"),
        (Settlement(is_settled=True, kind=SettlementKind.HEIGHT, shift_up_m=40.25), "40.25 m higher"),
        (
            Settlement(is_settled=True, kind=SettlementKind.SIDEWAYS, shift_east_m=-30.0, shift_north_m=0.0),
            "30.0 m towards 270°",
        ),
        (Settlement(is_settled=True, kind=SettlementKind.AS_DECLARED), "accepted as declared"),
        (Settlement(is_settled=True, kind=SettlementKind.CHANGED), "changed"),
        (Settlement(is_settled=True, kind=SettlementKind.ENDED), "ended"),
    ],
)
def test_what_settled_a_refusal_is_said_in_a_few_words(settlement, said):
    assert say_settlement(settlement) == said


def test_a_plan_that_the_server_refuses_does_not_stop_the_others(exchange, file):
    past = (DAY - dt.timedelta(days=5)).isoformat()
    mine = file(
        feature("over", "bravo", 40, start=past, end=(DAY - dt.timedelta(days=4)).isoformat()),
        feature("later", "bravo", 41),
    )
    done = detente("declare", mine, *exchange.at("bravo"), "--json", check=False)
    over, later = json.loads(done.stdout)
    assert done.returncode == 1
    assert (over["outcome"], over["problem"]) == ("refused", "bad-input")
    assert later["outcome"] == "accepted"


def test_a_token_file_and_a_bare_secret_do_as_well(exchange, file, tmp_path):
    kept = secret_of(exchange, "alpha")
    (tmp_path / "bare").write_text(kept["secret"] + "\n")
    mine = file(feature("bare", "alpha", 50))
    words = ["--url", exchange.url, "--account", kept["account_id"], "--secret-file", tmp_path / "bare"]
    assert "1 accepted" in detente("declare", mine, *words).stdout
    (tmp_path / "token").write_text(detente("token", *exchange.at("alpha")).stdout)
    words = ["--url", exchange.url, "--token-file", tmp_path / "token"]
    assert "1 accepted" in detente("declare", mine, *words).stdout


def test_a_wrong_secret_gets_no_token(exchange, tmp_path):
    (tmp_path / "bare").write_text("x" * 43)
    account = secret_of(exchange, "alpha")["account_id"]
    words = ["--url", exchange.url, "--account", account, "--secret-file", tmp_path / "bare"]
    done = detente("token", *words, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    said = f"detente: the account {account!r} or its secret is not accepted by {exchange.url}"
    assert done.stderr.startswith(said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--secret-file", "absent"], "absent does not exist"),
        (["--token-file", "absent"], "absent does not exist"),
        (["--secret-file", "."], "'.' is a directory"),
        (["--secret-file", "{number}"], "its member client_id is no text"),
        (["--secret-file", "{lacking}"], "its member client_secret is missing"),
        (["--secret-file", "{broken}"], "begins like JSON but is none"),
        (["--secret-file", "{token}"], "does not say the account"),
        (["--token-file", "{token}"], "token"),
        ([], "Name --token-file, or --secret-file"),
        (["--token-file", "a", "--secret-file", "b"], "Name --token-file, or --secret-file"),
    ],
)
def test_without_access_nothing_is_declared(exchange, file, tmp_path, words, said):
    files = {
        "token": "eyJ.no.token",
        "number": '{"client_id": 1}',
        "lacking": '{"client_id": "a"}',
        "broken": '{"client_id"',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    words = [word.format(**{name: tmp_path / name for name in files}) for word in words]
    done = detente("declare", file(feature("none", "alpha", 60)), "--url", exchange.url, *words, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_exchange_that_does_not_answer_is_said_in_a_line(exchange, file):
    words = exchange.at("alpha")
    words[1] = "http://127.0.0.1:9"
    done = detente("declare", file(feature("none", "alpha", 60)), *words, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("detente: the exchange at http://127.0.0.1:9 cannot be reached")


def test_https_against_http_and_what_is_no_url_are_said_in_words(exchange):
    words = exchange.at("alpha")
    words[1] = exchange.url.replace("http:", "https:")
    done = detente("token", *words, check=False)
    assert (
        f"the exchange at {words[1]} cannot be reached: it speaks http where https was asked" in done.stderr
    )
    for bad in ("nonsense", "ftp://x", "http://x:notaport", "http://"):
        words[1] = bad
        done = detente("token", *words, check=False)
        assert (
            done.stderr
            == f"detente: {bad!r} is no URL of an exchange\nexpected: such as http://127.0.0.1:8440\n"
        )


def test_every_fault_of_the_files_is_named(exchange, file):
    bad = file(feature("a", "alpha", 10, lower_m=900), feature("b", "alpha", 10, end="soon"))
    done = detente("declare", bad, *exchange.at("alpha"), check=False)
    assert done.returncode == 2
    assert 'feature 2 (id "b"), end: expected' in done.stderr
    assert done.stdout == ""


def test_files_without_a_plan_of_ours_are_refused(exchange, file):
    done = detente("declare", file(feature("hers", "bravo", 10)), *exchange.at("alpha"), check=False)
    assert done.returncode == 2
    assert "no plan of alpha" in done.stderr


def test_plans_are_narrowed_and_printed(exchange, file):
    detente("declare", file(feature("seen", "alpha", 70)), *exchange.at("alpha"))
    plan_id = plan_id_of("alpha", "seen")
    area = ["--area", "69,6,69,8,71,8,71,6"]
    shown = detente("plans", *exchange.at("bravo"), *area).stdout
    assert plan_id in shown
    assert "1 plans" in shown
    assert "alpha (you)" in detente("plans", *exchange.at("alpha"), *area).stdout
    long_ago = ["--to", "2020-01-01T00:00:00Z"]
    for none in (["--party", "bravo"], ["--state", "ended"], long_ago):
        assert "0 plans" in detente("plans", *exchange.at("alpha"), *area, *none).stdout
    after = ["--from", (DAY + dt.timedelta(minutes=5)).isoformat(), "--party", "alpha"]
    assert "1 plans" in detente("plans", *exchange.at("bravo"), *area, *after).stdout


@pytest.mark.parametrize("width", [80, 100, 200])
def test_an_id_stays_on_one_line_however_narrow_the_terminal(exchange, file, capsys, monkeypatch, width):
    detente("declare", file(feature("narrow", "alpha", 72)), *exchange.at("alpha"))
    monkeypatch.setenv("COLUMNS", str(width))
    main_words = ["plans", *exchange.at("alpha"), "--area", "72,7,100"]
    with contextlib.suppress(SystemExit):
        main(main_words)
    shown = capsys.readouterr().out
    assert plan_id_of("alpha", "narrow") in shown
    assert "accepted" in shown
    assert max(map(len, shown.splitlines())) <= width


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--area", "1,2"], "LAT,LON,RADIUS_M"),
        (["--area", "north"], "LAT,LON,RADIUS_M"),
        (["--from", "yesterday"], "RFC 3339"),
        (["--to", "2026-01-01T00:00:00"], "RFC 3339"),
        (["--area", "1,2,-5"], "radius_m"),
    ],
)
def test_questions_that_cannot_be_asked_are_refused_by_name(exchange, words, said):
    done = detente("plans", *exchange.at("alpha"), *words, check=False)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_geojson_that_is_listed_is_read_by_check(exchange, file, tmp_path):
    hers = feature("by line", "bravo", 80, width_m=300)
    hers["geometry"] = {"type": "LineString", "coordinates": [[6.99, 80], [7.01, 80]]}
    detente("declare", file(hers), *exchange.at("bravo"))
    listed = detente("plans", *exchange.at("alpha"), "--area", "80,7,1000", "--geojson").stdout
    (tmp_path / "listed.geojson").write_text(listed)
    other = file(feature("other", "alpha", 80, minutes=5))
    done = CliRunner().invoke(check.command, [str(tmp_path / "listed.geojson"), other, "--json"])
    assert done.exit_code == 1, done.output
    pairs = {(one["a"], one["b"]) for one in json.loads(done.stdout)["conflicts"]}
    assert pairs == {tuple(sorted((plan_id_of("bravo", "by line"), "other")))}


def test_one_id_in_several_files_is_one_plan(exchange, file):
    first = file(feature("parts", "alpha", -10), name="first.geojson")
    second = file(feature("parts", "alpha", -11), name="second.geojson")
    assert "1 accepted" in detente("declare", first, second, *exchange.at("alpha")).stdout
    with Client(exchange.url, **secret_of(exchange, "alpha")) as client:
        volumes = client.get(plan_id_of("alpha", "parts")).volumes
    assert [volume.shape.center.lat_deg for volume in volumes] == [-10, -11]


def test_what_others_wrote_cannot_steer_the_terminal(exchange):
    body = PlanBody(
        (PlanVolume(Circle(LatLon(-20, 7), 50), 0, 9, DAY, DAY + dt.timedelta(minutes=1)),),
        title="\x1b[2Jgone [red]",
        sharing=Sharing.FULL,
    )
    with Client(exchange.url, **secret_of(exchange, "bravo")) as client:
        client.declare(plan_id_of("bravo", "loud"), body)
    shown = detente("plans", *exchange.at("alpha"), "--area", "-20,7,100").stdout
    assert "\x1b" not in shown
    assert "gone [red]" in shown


def test_areas_are_read():
    assert read_area("47,7,500") == Circle(LatLon(47, 7), 500)
    assert read_area("1,2,3,4,5,6") == Polygon((LatLon(1, 2), LatLon(3, 4), LatLon(5, 6)))
    for bad in ("", "1,2,3,4", "1,2,3,4,5", "a,b,c"):
        with pytest.raises(BadInput):
            read_area(bad)


def test_plan_ids_differ_by_party_and_name_and_never_by_run():
    assert plan_id_of("alpha", "one") == "6c856ca6-25ab-5139-9f07-8acaa9203ec0"
    assert plan_id_of("alpha", "one") != plan_id_of("bravo", "one") != plan_id_of("bravo", "two")
    assert plan_id_of("alpha", UUID.upper()) == UUID


def test_shifts_are_said_in_words():
    def way(kind, s=0.0, up=0.0, east=0.0, north=0.0):
        return WayOut(kind, s, up, east, north, ())

    assert shift_text(way(WayOutKind.TIME, s=-90)) == "90 s earlier"
    assert shift_text(way(WayOutKind.SIDEWAYS, east=-40, north=30)) == "30 m north, 40 m west"
    none = (NoWayOut(WayOutKind.HEIGHT, "the sky is full"),)
    both = WaysOut((way(WayOutKind.HEIGHT, up=60), way(WayOutKind.TIME, s=5)), none, WaysOutLimits())
    assert ways_out_text(both) == "ways out: 60 m up; 5 s later (height: the sky is full)"
    assert ways_out_text(WaysOut((), none, WaysOutLimits())) == "no way out (height: the sky is full)"
