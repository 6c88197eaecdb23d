"""Our messages are those of the interfaces through which a test harness speaks to us."""

import json

import msgspec
import pytest

from detente.astm.f3548 import wire as f3548
from detente.astm.flight_planning import wire as planning
from detente.astm.flight_planning import wire_details as planning_details
from detente.astm.geospatial_map import wire as map_wire
from detente.astm.versioning import wire as versioning
from detente.errors import UnsupportedDatum
from tests.astm.conformity import read_although_wrong, require_reading
from tests.astm.schemas import components, load, reached

MODULES = {
    # The later one wins: it is the interface's own.
    "flight_planning": (f3548, planning_details, planning),
    "geospatial_map": (f3548, map_wire),
    "versioning": (versioning,),
}
REACHED = [(document, name, file) for document in MODULES for name, file in reached(document)]
IDS = [f"{document}-{name}" for document, name, _ in REACHED]


def struct_of(document, name):
    found = [vars(module)[name] for module in MODULES[document] if name in vars(module)]
    assert found, f"{document} has no {name}"
    return found[-1]


def test_all_messages_of_an_interface_are_reached():
    counted = {document: sum(one == document for one, _, _ in REACHED) for document in MODULES}
    assert counted == {"flight_planning": 30, "geospatial_map": 21, "versioning": 1}
    for document in MODULES:
        assert set(components(document)) <= {name for one, name, _ in REACHED if one == document}


@pytest.mark.parametrize(("document", "name", "file"), REACHED, ids=IDS)
def test_a_message_has_the_members_of_its_schema(document, name, file):
    fields = msgspec.structs.fields(struct_of(document, name))
    schema = load(file)["components"]["schemas"][name]
    assert {field.encode_name for field in fields} == set(schema["properties"])
    assert {field.encode_name for field in fields if field.required} == set(schema.get("required", ()))
    assert all(field.default is None for field in fields if not field.required)


@pytest.mark.parametrize(("document", "name", "file"), REACHED, ids=IDS)
def test_what_the_schema_allows_is_read_and_written_as_it_came(document, name, file):
    require_reading(struct_of(document, name), name, file)


@pytest.mark.parametrize(("document", "name", "file"), REACHED, ids=IDS)
def test_what_the_schema_refuses_is_refused(document, name, file):
    assert read_although_wrong(struct_of(document, name), name, file) == []


def area(reference):
    altitude = {"value": 120, "reference": reference, "units": "M"}
    circle = {"center": {"lat": 1, "lng": 2}, "radius": {"value": 3, "units": "M"}}
    time = {"value": "2026-12-01T09:00:00Z", "format": "RFC3339"}
    return {"volume": {"outline_circle": circle, "altitude_upper": altitude}, "time_end": time}


def test_an_area_above_the_ellipsoid_is_one_of_the_standards():
    read = msgspec.convert(area("W84"), planning_details.Volume4D)
    assert planning.to_standard(read, "extent") == msgspec.convert(area("W84"), f3548.Volume4D)


@pytest.mark.parametrize("reference", ["SFC", "Takeoff"])
def test_an_area_above_something_else_is_read_and_not_taken_for_one(reference):
    read = msgspec.json.decode(json.dumps(area(reference)), type=planning_details.Volume4D)
    with pytest.raises(UnsupportedDatum) as refusal:
        planning.to_standard(read, "extent")
    assert refusal.value.members["field"] == "extent.volume.altitude_upper.reference"
    assert refusal.value.members["actual"] == reference
