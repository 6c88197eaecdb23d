"""The checker itself: what the standards allow passes, and each kind of wrong answer fails."""

import json

import pytest

from tests.astm.schemas import (
    DOCUMENTS,
    NotAsTheStandardSays,
    check,
    check_response,
    components,
    load,
    uri_of,
)

ID = "03e5572a-f733-49af-bc14-8a18bd53ee39"
TIME = {"value": "2026-12-01T09:00:00Z", "format": "RFC3339"}
REFERENCE = {
    "id": ID,
    "manager": "uss1",
    "uss_availability": "Normal",
    "version": 1,
    "state": "Accepted",
    "ovn": "9d158f59-80b7-4c11-9c0c-8a2b4d936b2d",
    "time_start": TIME,
    "time_end": TIME,
    "uss_base_url": "https://uss.example.com/utm",
    "subscription_id": "78ea3fe8-71c2-4f5c-9b44-9c02f5563c6f",
}
CHANGED = {
    "subscribers": [
        {
            "subscriptions": [{"subscription_id": ID, "notification_index": 0}],
            "uss_base_url": "https://uss.example.com",
        }
    ],
    "operational_intent_reference": REFERENCE,
}
PATH = f"/dss/v1/operational_intent_references/{ID}"
CIRCLE = {
    "center": {"lat": 90, "lng": -180.0},
    "radius": {"value": 0.5, "units": "M"},
}


def test_an_answer_as_the_standard_has_it_passes():
    assert check("ChangeOperationalIntentReferenceResponse", CHANGED) == CHANGED
    assert check_response("PUT", PATH, 201, json.dumps(CHANGED).encode()) == CHANGED


def changed(at, value):
    """The answer with one place changed; `...` takes the member away."""
    body = json.loads(json.dumps(CHANGED))
    *steps, last = at
    place = body
    for step in steps:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return body


REF = "operational_intent_reference"
WRONG = {
    "a required member is missing": ((REF, "manager"), ...),
    "a required list is missing": (("subscribers",), ...),
    "an empty list that needs one": (("subscribers", 0, "subscriptions"), []),
    "an id that is no UUID": ((REF, "id"), "x" * 36),
    "a UUID of another version": ((REF, "id"), "03e5572a-f733-19af-bc14-8a18bd53ee39"),
    "a state that is none": ((REF, "state"), "accepted"),
    "an OVN that is too short": ((REF, "ovn"), "short"),
    "an OVN that is null": ((REF, "ovn"), None),
    "a version that is a text": ((REF, "version"), "1"),
    "a version that is no whole number": ((REF, "version"), 1.5),
    "a time without a zone": ((REF, "time_start"), {"value": "2026-12-01T09:00:00", "format": "RFC3339"}),
    "a time that is a text": ((REF, "time_end"), "2026-12-01T09:00:00Z"),
    "a time in another format": ((REF, "time_end", "format"), "ISO"),
    "an index below zero": (("subscribers", 0, "subscriptions", 0, "notification_index"), -1),
}


@pytest.mark.parametrize(("at", "value"), WRONG.values(), ids=WRONG)
def test_a_wrong_answer_fails_and_its_place_is_named(at, value):
    with pytest.raises(NotAsTheStandardSays, match=str(at[-1])):
        check_response("put", PATH, 201, json.dumps(changed(at, value)).encode())


@pytest.mark.parametrize(
    "circle",
    [
        {**CIRCLE, "radius": {"value": 0, "units": "M"}},
        {**CIRCLE, "radius": {"value": 1, "units": "FT"}},
        {**CIRCLE, "center": {"lat": 90.1, "lng": 0}},
        {**CIRCLE, "center": {"lat": 0, "lng": -180.1}},
    ],
)
def test_numbers_out_of_range_fail(circle):
    check("Circle", CIRCLE)
    with pytest.raises(NotAsTheStandardSays):
        check("Circle", circle)


def test_what_is_no_number_fails():
    with pytest.raises(NotAsTheStandardSays, match="NaN"):
        check("Circle", b'{"radius": {"value": NaN, "units": "M"}}')


def test_the_operation_and_its_statuses_are_those_of_the_document():
    error = json.dumps({"message": "no"}).encode()
    check_response("GET", PATH, 404, error)
    for method, path, status in [
        ("GET", PATH, 409),
        ("GET", PATH, 500),
        ("PATCH", PATH, 200),
        ("GET", "/dss/v2/subscriptions", 200),
    ]:
        with pytest.raises(NotAsTheStandardSays):
            check_response(method, path, status, error)
    with pytest.raises(NotAsTheStandardSays, match="message"):
        check_response("GET", PATH, 404, b'{"message": 5}')


def test_a_path_with_a_word_is_not_taken_for_one_with_an_id():
    listed = {"operational_intent_references": [REFERENCE]}
    check_response("POST", "/dss/v1/operational_intent_references/query", 200, json.dumps(listed).encode())


def test_an_answer_without_content_has_no_body():
    assert check_response("POST", "/uss/v1/constraints", 204, b"") is None
    with pytest.raises(NotAsTheStandardSays, match="with a body"):
        check_response("POST", "/uss/v1/constraints", 204, b"{}")


def test_a_component_that_is_not_there_is_no_component_that_allows_everything():
    with pytest.raises(KeyError):
        check("OperationalIntentReferences", {})


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_document_is_read_with_all_that_it_points_at(document):
    assert components(document)
    answers = [
        (method, path, int(status))
        for path, operations in load(uri_of(document))["paths"].items()
        for method in {"get", "put", "post", "delete"} & operations.keys()
        for status, response in operations[method]["responses"].items()
        if "content" in response
    ]
    assert answers
    for answer in answers:
        with pytest.raises(NotAsTheStandardSays):
            check_response(*answer, b'"a text"', document=document)


def test_a_schema_of_another_file_is_followed():
    notice = {"user_notifications": [{"observed_at": TIME, "conflicts": "Single"}]}
    check_response("GET", "/user_notifications?after=x", 200, json.dumps(notice), document="flight_planning")
    notice["user_notifications"][0]["observed_at"] = {**TIME, "format": "ISO"}
    with pytest.raises(NotAsTheStandardSays, match="ISO"):
        check_response("GET", "/user_notifications", 200, json.dumps(notice), document="flight_planning")


def test_names_that_a_document_requires_in_another_spelling_are_required_in_the_described_one():
    check("GeospatialMapCheckResult", {"features_selection_outcome": "Absent"}, document="geospatial_map")
    with pytest.raises(NotAsTheStandardSays, match="features_selection_outcome"):
        check("GeospatialMapCheckResult", {"featuresSelectionOutcome": "Absent"}, document="geospatial_map")
