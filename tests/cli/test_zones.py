"""``detente zones`` against an exchange that really runs."""

import json

import pytest

from detente.client import Client
from detente.errors import ClosedZone
from detente.formats.zone_files import read_zones
from detente.geo.model import Circle, LatLon
from detente.plans.model import CheckBody, PlanBody, PlanVolume
from tests.cli.conftest import DAY, detente, secret_of
from tests.formats.zone_data import BESIDE

RANGE = "AC P\nAN Range\nAL GND\nAH FL95\nV X={lat}:00:00 N 008:00:00 E\nDC 5\n\n"
TOWER = "AC D\nAN Tower\nAL GND\nAH 2500ft MSL\nV X=51:00:00 N 008:00:00 E\nDC 4\n\n"
BROKEN = "AC R\nAN Broken\nAL GND\nAH FL95\nDP 47:00:00 N 008:00:00 E\nDP 47:00:00 N 008:01:00 E\n\n"


@pytest.fixture
def edition(tmp_path):
    def write(*zones, name="airspace.txt"):
        path = tmp_path / name
        path.write_text("".join(zones))
        return str(path)

    return write


def filed(*words, code=0):
    done = detente("zones", "import", *words, "--json", check=False)
    assert done.returncode == code, done.stderr
    return {one["identifier"]: one for one in json.loads(done.stdout)}


def listed(exchange, who="alpha"):
    return json.loads(detente("zones", "list", "--json", *exchange.at(who)).stdout)


def test_an_edition_is_published_once_changed_and_withdrawn(exchange, edition):
    at = exchange.at("caa")
    first = edition(RANGE.format(lat=50), TOWER)
    dry = detente("zones", "import", first, "--dry-run", *at)
    assert "2 zones: would be: 2 published" in dry.stdout
    assert listed(exchange) == []
    made = filed(first, *at)
    assert {one["outcome"] for one in made.values()} == {"published"}
    before = listed(exchange)
    # The same again changes nothing.
    assert {one["outcome"] for one in filed(first, *at).values()} == {"stands"}
    assert listed(exchange) == before
    # The next edition moves one and has no more of the other.
    second = edition(RANGE.format(lat=49))
    said = detente("zones", "import", second, *at).stdout
    assert "2 zones: 1 changed, 1 withdrawn" in said
    [left] = listed(exchange)
    assert (left["zone_id"], left["version"]) == (made["Range"]["zone_id"], 2)
    assert left["zone_id"][14] == "4"
    # Another source withdraws nothing of this one; and --keep nothing at all.
    filed(edition(TOWER, name="other.txt"), *at)
    filed(edition(TOWER), "--keep", "--source", "airspace.txt", *at)
    assert {one["zone"]["identifier"] for one in listed(exchange)} == {"Range", "Tower"}


def test_a_miss_is_told_by_line_and_reason_and_keeps_its_zone(exchange, edition):
    at = exchange.at("caa")
    good = BROKEN.replace("\n\n", "\nDP 47:01:00 N 008:00:00 E\n\n")
    filed(edition(good, name="b.txt"), *at)
    done = detente("zones", "import", edition(TOWER, BROKEN, name="b.txt"), *at, check=False)
    assert done.returncode == 1
    assert "line 8: Broken: missed:" in done.stdout
    assert "at least 3" in done.stdout
    assert "Broken" in {one["zone"]["identifier"] for one in listed(exchange)}


def test_what_may_not_be_published_is_told_as_refused(exchange, edition):
    refused = filed(edition(RANGE.format(lat=52), name="c.txt"), *exchange.at("alpha"), code=1)
    assert refused["Range"]["outcome"] == "refused"
    assert "zones.write" in refused["Range"]["detail"]


def test_a_zone_that_is_over_is_passed_over(exchange, tmp_path):
    path = tmp_path / "old.geojson"
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [8, 47]},
        "properties": {"id": "OLD", "radius_m": 100, "restriction": "prohibited", "upper_m": 100,
                       "start": "2001-01-01T00:00:00Z", "end": "2001-01-02T00:00:00Z"},
    }  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    assert filed(str(path), *exchange.at("caa"))["OLD"]["outcome"] == "over"


def test_an_unreadable_file_is_refused_with_why(exchange, edition):
    done = detente("zones", "import", edition("nothing"), *exchange.at("caa"), check=False)
    assert (done.returncode, "expected zones" in done.stderr) == (2, True)
    done = detente("zones", "import", "/nowhere", *exchange.at("caa"), check=False)
    assert (done.returncode, "No such file" in done.stderr) == (2, True)


def test_an_imported_zone_closes_the_air_and_is_told(exchange, edition):
    filed(edition(RANGE.format(lat=53), TOWER, name="d.txt"), *exchange.at("caa"))
    volume = PlanVolume(Circle(LatLon(53.0, 8.0), 100.0), 50.0, 120.0, DAY, DAY.replace(hour=23, minute=59))
    with Client(exchange.url, **secret_of(exchange, "alpha")) as client:
        [told] = client.check(CheckBody((volume,))).zones
        assert (told.identifier, told.party_id, told.is_closed) == ("Range", "caa", True)
        with pytest.raises(ClosedZone, match="Range of caa") as refused:
            client.declare("3f6e9f5c-5f5e-4c3b-9d0c-7a2d0a1b2c3e", PlanBody((volume,)))
        assert refused.value.members["zones"][0]["ovn"] == told.ovn


def test_what_is_exported_reads_as_what_stands(exchange, edition, tmp_path):
    filed(edition(RANGE.format(lat=54), TOWER, name="e.txt"), *exchange.at("caa"))
    path = tmp_path / "out.json"
    said = detente("zones", "export", path, "--format", "ed318", *exchange.at("caa")).stdout
    read = read_zones(path.name, path.read_bytes())
    assert f"{len(read.zones)} zones written" in said
    assert {entry.zone.identifier for entry in read.zones} == {
        one["zone"]["identifier"] for one in listed(exchange) if one["party_id"] == "caa"
    }


def test_a_table_is_listed_by_area(exchange, edition):
    filed(edition(RANGE.format(lat=55), name="f.txt"), *exchange.at("caa"))
    said = detente("zones", "list", "--area", "55,8,100", *exchange.at("bravo")).stdout
    assert "Range" in said
    assert "prohibited" in said
    assert "1 zones" in said


@pytest.mark.parametrize("name", ["openair-ch.txt", "openair-de.txt", "openair-fr.txt.gz"])
def test_published_airspace_is_imported_in_full(exchange, name):
    if not (BESIDE / name).is_file():
        pytest.skip(f"{name} is not here: it may not ship with the project")
    words = [str(BESIDE / name), *exchange.at("caa")]
    read = read_zones(name, (BESIDE / name).read_bytes())
    done = detente("zones", "import", *words, "--json", check=False)
    outcomes = [one["outcome"] for one in json.loads(done.stdout) if one["line"] is not None]
    assert len(outcomes) == len(read.zones) + len(read.misses)
    assert outcomes.count("missed") == len(read.misses)
    assert [one for one in json.loads(done.stdout) if one["outcome"] == "refused"] == []
    assert set(outcomes) <= {"published", "changed", "over", "missed"}
    again = detente("zones", "import", *words, "--json", check=False)
    outcomes = [one["outcome"] for one in json.loads(again.stdout)]
    assert set(outcomes) <= {"stands", "over", "missed"}
