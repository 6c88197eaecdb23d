"""Our messages are those of ASTM F3548-21: the same members, the same values, the same refusals."""

import json
from datetime import datetime

import msgspec
import pytest

from detente.astm.f3548 import wire, wire_details, wire_records
from detente.errors import BadInput
from detente.web.decode import json_decoder
from tests.astm.conformity import read_although_wrong, require_reading
from tests.astm.schemas import components, load, uri_of

STANDARD = "f3548-21"
COMPONENTS = components(STANDARD)
SCHEMAS = load(uri_of(STANDARD))["components"]["schemas"]
EXTRA = {
    "PutOperationalIntentReferenceParameters": {"requested_ovn_suffix"},
    # Required by the schema and described nowhere.
    "ExchangeRecord": {"request_source"},
}
TOLERATED = {
    # A short OVN in a key proves nothing; a peer's answer with one is still the peer's answer.
    "too short": {"ovn", "key", "ovns"},
    # Read in either case, by `read_availability`.
    "no word of the list": {"availability"},
    # InterUSS' tests leave it out where nothing was said before.
    "missing": {"old_version"},
}


def struct_of(component):
    """The struct of a schema's name; there is exactly one."""
    found = [
        vars(module)[component] for module in (wire, wire_details, wire_records) if component in vars(module)
    ]
    assert len(set(map(id, found))) == 1, f"{component}: {found}"
    return found[0]


def test_the_standard_has_as_many_messages_as_ever():
    assert len(COMPONENTS) == 59


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_message_has_the_members_of_its_schema(component):
    fields = msgspec.structs.fields(struct_of(component))
    schema = SCHEMAS[component]
    assert {field.encode_name for field in fields} - EXTRA.get(component, set()) == set(schema["properties"])
    needed = set(schema.get("required", ())) - TOLERATED["missing"]
    assert {field.encode_name for field in fields if field.required} == needed
    assert all(field.default is None for field in fields if not field.required)


@pytest.mark.parametrize("component", COMPONENTS)
def test_what_the_schema_allows_is_read_and_written_as_it_came(component):
    require_reading(struct_of(component), component, STANDARD)


@pytest.mark.parametrize("component", COMPONENTS)
def test_what_the_schema_refuses_is_refused(component):
    read = read_although_wrong(struct_of(component), component, STANDARD)
    assert [what for what in read if not is_tolerated(component, what)] == []


def is_tolerated(component, what):
    path, _, kind = what.partition(": ")
    if kind == "no word of the list" and component != "SetUssAvailabilityStatusParameters":
        return False
    return bool(TOLERATED.get(kind, set()) & set(path.split(".")))


def test_members_that_are_not_known_are_ignored_and_null_is_absent():
    text = '{"lat": 1, "lng": 2.5, "alt": 3}'
    assert msgspec.json.decode(text, type=wire.LatLngPoint) == wire.LatLngPoint(1.0, 2.5)
    read = msgspec.json.decode('{"volume": {"outline_circle": null}, "time_start": null}', type=wire.Volume4D)
    assert read == wire.Volume4D(wire.Volume3D())
    assert msgspec.json.encode(read) == b'{"volume":{}}'


def test_what_is_there_is_written_also_when_it_is_empty_or_nothing():
    written = msgspec.json.encode(wire_details.OperationalIntentDetails(volumes=(), priority=0))
    assert json.loads(written) == {"volumes": [], "priority": 0}
    subscription = wire.PutSubscriptionParameters(
        wire.Volume4D(wire.Volume3D()), "https://uss.example.com", notify_for_constraints=False
    )
    assert json.loads(msgspec.json.encode(subscription))["notify_for_constraints"] is False


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.520000Z"),
        ("2026-12-01T09:00:00+02:00", "2026-12-01T07:00:00Z"),
    ],
)
def test_a_time_is_written_in_utc(said, written):
    time = msgspec.json.decode(json.dumps({"value": said, "format": "RFC3339"}), type=wire.Time)
    assert json.loads(msgspec.json.encode(time))["value"] == written
    assert wire.time_of(datetime.fromisoformat(said)) == time


@pytest.mark.parametrize(
    "bad", ["2026-12-01T09:00:00", "2026-12-01", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00", ""]
)
def test_a_time_that_is_none_is_refused_by_its_place(bad):
    body = {"volume": {}, "time_start": {"value": bad, "format": "RFC3339"}}
    with pytest.raises(BadInput) as refusal:
        json_decoder(wire.Volume4D)(json.dumps(body).encode())
    assert refusal.value.members["field"].startswith("time_start")


@pytest.mark.parametrize("url", ["", "h" * 2_001])
def test_a_base_url_is_a_text_of_bounded_length(url):
    value = {"uss_base_url": url}
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps(value), type=wire.ImplicitSubscriptionParameters)


def test_numbers_beyond_all_numbers_are_refused():
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(b'{"speed": 1e999, "units_speed": "MetersPerSecond"}', type=wire_details.Velocity)


def test_the_wish_for_an_ovn_is_read_and_left_out_when_there_is_none():
    body = {
        "extents": [{"volume": {}}],
        "state": "Accepted",
        "uss_base_url": "https://uss.example.com",
        "requested_ovn_suffix": "wanted",
    }
    kind = wire.PutOperationalIntentReferenceParameters
    read = msgspec.json.decode(json.dumps(body), type=kind)
    assert read.requested_ovn_suffix == "wanted"
    assert json.loads(msgspec.json.encode(read)) == body
    del body["requested_ovn_suffix"]
    assert json.loads(msgspec.json.encode(msgspec.json.decode(json.dumps(body), type=kind))) == body


def test_availability_is_read_in_either_case():
    assert [wire.read_availability(word) for word in ("Normal", "DOWN", "unknown")] == [
        "Normal",
        "Down",
        "Unknown",
    ]
    with pytest.raises(BadInput) as refusal:
        wire.read_availability("up")
    assert refusal.value.members == {
        "field": "availability",
        "expected": "Unknown, Normal or Down",
        "actual": "up",
    }


def test_a_refusal_names_the_member_on_the_wire():
    vertices = [{"lat": 0, "lng": 0}, {"lat": 0, "lng": 1}, {"lat": 95, "lng": 1}]
    body = {
        "extents": [{"volume": {"outline_polygon": {"vertices": vertices}}}],
        "state": "Accepted",
        "uss_base_url": "https://uss.example.com",
    }
    with pytest.raises(BadInput) as refusal:
        json_decoder(wire.PutOperationalIntentReferenceParameters)(json.dumps(body).encode())
    assert refusal.value.members["field"] == "extents[0].volume.outline_polygon.vertices[2].lat"
    assert refusal.value.members["actual"] == "95"
