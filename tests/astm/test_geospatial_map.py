"""A harness looks at the map as a user: whether there are zones where and when it asks."""

import json
from datetime import timedelta

import pytest

from detente.astm.geospatial_map import routes
from tests.astm.house import House, constraint
from tests.astm.house import volume as extent
from tests.astm.planner import START, text
from tests.astm.schemas import check_response

pytestmark = pytest.mark.pg

QUERY = "interuss.geospatial_map.query"
DIRECT = "interuss.geospatial_map.direct_automated_test"


async def call(planner, method, path, body=None, *, scope=QUERY, valid=True):
    answer = await planner.http.request(
        method,
        routes.BASE + path,
        content=None if body is None else json.dumps(body).encode(),
        headers={"authorization": f"Bearer harness,{scope}", "content-type": "application/json"},
    )
    if valid:
        check_response(method, path, answer.status_code, answer.content, document="geospatial_map")
    return answer


async def ask(planner, *checks):
    """Each check is a list of sets of filters; gives the results."""
    body = {"checks": [{"filter_sets": list(sets)} for sets in checks]}
    return (await call(planner, "POST", "/map/queries", body)).json()["results"]


async def outcome(planner, *sets):
    (result,) = await ask(planner, sets)
    return result["features_selection_outcome"]


def at(lat=47.0, lng=8.0, height=None, reference="W84", units="M"):
    place = {"location": {"lat": lat, "lng": lng}}
    if height is not None:
        place["altitude"] = {"value": height, "reference": reference, "units": units}
    return {"position": place}


@pytest.fixture
async def zoned(uss1):
    """A zone of 300 m around 47 N 8 E from 100 to 200 m, from 12:00 to 12:30."""
    house = House(uss1.pool)
    await house.made("constraint_references", constraint(extent()), who="authority1")
    yield uss1
    await house.http.aclose()


async def test_status(uss1):
    answer = await call(uss1, "GET", "/status", scope=DIRECT)
    assert answer.json() == {
        "status": "Ready",
        "api_name": "Geospatial Map Provider Automated Testing Interface",
        "api_version": "v0.2.2",
    }


INSIDE = [
    at(),
    at(lat=47.0026),
    at(height=150.0),
    at(height=100.0),
    at(height=400.0, units="FT"),
    {"volumes4d": [extent()]},
    {"volumes4d": [extent(lat=50.0), extent(lat=47.005)]},
    {"volumes4d": [{"volume": {"outline_circle": extent()["volume"]["outline_circle"]}}]},
    at() | {"volumes4d": [extent(lat=47.005)]},
    {},
    {"after": text(START + timedelta(minutes=30))},
    {"before": text(START)},
    at() | {"after": text(START), "before": text(START + timedelta(hours=9))},
]
OUTSIDE = [
    at(lat=47.0028),
    at(height=90.0),
    at(height=150.0, units="FT"),
    {"volumes4d": []},
    {"volumes4d": [extent(lat=47.006)]},
    {"volumes4d": [extent(lower=200.0, upper=300.0)]},
    {"volumes4d": [extent(start=START + timedelta(minutes=30))]},
    at() | {"volumes4d": [extent(lat=50.0)]},
    {"after": text(START + timedelta(minutes=31))},
    {"before": text(START - timedelta(minutes=1))},
    at() | {"before": text(START - timedelta(minutes=1))},
]


@pytest.mark.parametrize("filters", INSIDE, ids=str)
async def test_a_zone_that_fits_every_filter_is_present(zoned, filters):
    assert await outcome(zoned, filters) == "Present"


@pytest.mark.parametrize("filters", OUTSIDE, ids=str)
async def test_a_zone_that_fits_one_filter_less_is_absent(zoned, filters):
    assert await outcome(zoned, filters) == "Absent"


@pytest.mark.parametrize(
    "filters",
    [
        {"restriction_source": "X"},
        {"operation_rule_set": "X"},
        {"resulting_operational_impact": "Block"},
        {"ed269": {"acceptable_restrictions": ["PROHIBITED"]}},
        at(height=10.0, reference="SFC"),
    ],
    ids=str,
)
async def test_a_filter_that_cannot_be_applied_is_said_to_be_one(zoned, filters):
    (result,) = await ask(zoned, [at(lat=50.0), at() | filters])
    assert result["features_selection_outcome"] == "UnsupportedFilter"
    assert result["message"]
    assert await outcome(zoned, at() | filters, at()) == "Present"


async def test_any_set_of_filters_is_enough_and_each_check_has_its_result(zoned):
    results = await ask(zoned, [at(lat=50.0), at()], [at(lat=50.0)], [], [{"volumes4d": [{"volume": {}}]}])
    said = [one["features_selection_outcome"] for one in results]
    assert said == ["Present", "Absent", "Absent", "Error"]
    assert "checks[3].filter_sets[0].volumes4d[0]" in results[3]["message"]


async def test_a_zone_that_was_withdrawn_is_no_longer_there(uss1):
    house = House(uss1.pool)
    made = await house.made("constraint_references", constraint(extent()), who="authority1")
    reference = made["constraint_reference"]
    path = f"constraint_references/{reference['id']}/{reference['ovn']}"
    assert await outcome(uss1, at()) == "Present"
    assert (await house.call("DELETE", path, who="authority1")).status_code == 200
    assert await outcome(uss1, at()) == "Absent"
    await house.http.aclose()


async def test_too_many_checks_are_refused(uss1, monkeypatch):
    monkeypatch.setattr(routes, "MAX_CHECKS", 2)
    assert len(await ask(uss1, [], [])) == 2
    body = {"checks": [{"filter_sets": []}] * 3}
    assert (await call(uss1, "POST", "/map/queries", body, valid=False)).status_code == 413
