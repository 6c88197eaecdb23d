"""Zones between parties: details of hosted ones, notices of them, and what managers elsewhere tell."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest
import pytest_asyncio

from detente.astm.f3548 import wire_details
from detente.astm.f3548.hosted_plans import NoticeBodies
from detente.astm.f3548.hosted_zones import HostedZones, ZoneTeller, geozone_of, short_identifier
from detente.astm.f3548.peer_zones import PeerZones, told_of_zone
from detente.astm.f3548.telling import Teller
from detente.astm.f3548.uss import uss_routes
from detente.discovery.arbitration import Arbitration
from detente.discovery.notices import take
from detente.errors import BadInput, PeerUnavailable
from detente.geo import undulation_m
from detente.geo.model import Datum
from detente.web import Limits, make_app
from detente.zones.model import (
    LIMITS,
    AuthorityPurpose,
    ZoneAuthority,
    ZoneBody,
    ZoneKind,
    ZoneReason,
    ZoneRestriction,
)
from detente.zones.views import decode_zone
from tests.astm.house import ALL, CP, CR, OWN_URL, SC, SUB, Tokens, constraint, intent, volume
from tests.astm.peer_server import START_MS, running
from tests.astm.schemas import check, check_response
from tests.zones.conftest import ZoneWorld, ring, text, zone

RICH = zone(
    ring(lat=47.0, upper_m=1_000.0, datum=Datum.AMSL),
    ring(lat=47.1, start_ms=1_796_000_000_000, end_ms=1_796_100_000_000),
    identifier="LF-P 12 PALACE",
    country="FRA",
    name=text("Palace"),
    kind=ZoneKind.CUSTOMIZED,
    conditions=("PERMITTED/OPERATOR=POLICE",),
    region=7,
    reasons=(ZoneReason.SENSITIVE, ZoneReason.DAR, ZoneReason.OTHER),
    other_reason=text("x" * 40),
    regulation_exemption=False,
    u_space_class="EUROCONTROL_X",
    message=text("Ask first. " * 40),
    authorities=(
        ZoneAuthority(
            AuthorityPurpose.AUTHORIZATION, name=text("Office"), phone="+33 1", interval_before="P1D"
        ),
    ),
)


class Uss:
    """The party to party routes on a real database, beside the rooms that write."""

    def __init__(self, pool):
        self.pool = pool
        self.world = ZoneWorld(pool)
        self.hosted = HostedZones(pool, ZoneTeller(Teller(OWN_URL), None))
        arbitration = Arbitration(pool, new_id=lambda: str(uuid.uuid4()), new_version=lambda: "v")
        self.app = make_app(
            uss_routes(pool, None, None, self.hosted, arbitration, lambda: self.world.now_ms),
            authenticator=Tokens(),
            now_ms=lambda: self.world.now_ms,
            readiness=dict,
            limits=Limits(rate_per_s=0),
        )
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://exchange")

    async def call(self, method, path, body=None, *, who="uss2", scopes=ALL):
        headers = {"authorization": f"Bearer {','.join([who, *scopes])}"}
        answer = await self.http.request(method, path, json=body, headers=headers)
        check_response(method, path, answer.status_code, answer.content)
        return answer


@pytest_asyncio.fixture
async def uss(pg_pool):
    made = Uss(pg_pool)
    yield made
    await made.http.aclose()


async def test_details_of_a_hosted_zone_are_told_as_the_standard_says(uss, house):
    made = await uss.world.publish(RICH)
    answer = await uss.call("GET", f"/uss/v1/constraints/{made.zone_id}", scopes=(CP,))
    assert answer.status_code == 200
    told = answer.json()["constraint"]
    reference, details = told["reference"], told["details"]
    assert (reference["id"], reference["manager"], reference["version"]) == (made.zone_id, "caa", 1)
    assert (reference["ovn"], reference["uss_base_url"]) == (made.ovn, OWN_URL)
    assert details["type"] == "detente.prohibited"
    lower, upper = (details["volumes"][0]["volume"][f"altitude_{one}"]["value"] for one in ("lower", "upper"))
    geoid_m = undulation_m(47.0, 8.0)
    assert lower <= geoid_m
    assert upper >= 1_000 + geoid_m
    assert details["volumes"][0]["time_end"]["value"].startswith("9999-12-31T00:00:00")
    geozone = details["geozone"]
    assert (geozone["restriction"], geozone["country"], geozone["type"]) == (
        "PROHIBITED",
        "FRA",
        "CUSTOMIZED",
    )
    assert len(geozone["identifier"]) == 7
    # The reference is found by discovery, without its OVN.
    found = (await house.call("POST", f"{CR}/query", {"area_of_interest": volume()}, who="uss2")).json()
    assert [one["id"] for one in found["constraint_references"]] == [made.zone_id]
    assert made.ovn not in json.dumps(found)


async def test_a_zone_that_is_not_kept_here_has_no_details_here(uss, house):
    made = await house.made(CR, constraint())
    zone_id = made["constraint_reference"]["id"]
    for one in (zone_id, str(uuid.uuid4())):
        assert (await uss.call("GET", f"/uss/v1/constraints/{one}")).status_code == 404
    refused = await uss.call("GET", f"/uss/v1/constraints/{zone_id}", scopes=(SC,))
    assert refused.status_code == 403


@pytest.mark.parametrize("restriction", ZoneRestriction)
def test_every_rule_is_understood_by_our_own_reader(restriction):
    told = geozone_of("caa", zone(restriction=restriction))
    read = {ZoneRestriction.USPACE: ZoneRestriction.CAUTION}.get(restriction, restriction)
    assert read_back(told).restriction is read
    assert told.zone_authority[0].name == "caa"
    assert told.country == "ZZZ"


def test_what_has_room_comes_back_as_it_was():
    back = read_back(geozone_of("caa", RICH))
    for name in ("country", "name", "kind", "conditions", "region", "regulation_exemption", "u_space_class"):
        assert getattr(back, name) == getattr(RICH, name), name
    assert back.authorities == RICH.authorities
    assert back.reasons == (ZoneReason.SENSITIVE, ZoneReason.OTHER)  # DAR has no word there
    assert back.message[0].text == RICH.message[0].text[:200]
    assert back.other_reason == text("x" * 30)
    assert short_identifier(RICH) == back.identifier != short_identifier(zone(identifier="LF-P 13 PALACE"))


async def test_a_notice_carries_the_zone_or_that_it_is_gone(uss, house):
    await house.made(
        SUB,
        {
            "extents": volume(start=house.now, end=house.now + timedelta(hours=1)),
            "uss_base_url": "https://uss2.example",
            "notify_for_constraints": True,
        },
        who="uss2",
    )
    made = await uss.world.publish(zone())
    bodies = NoticeBodies(None, None, uss.hosted)
    [notice] = await take(uss.pool, uss.world.now_ms, 10)
    assert (notice.party_id, notice.uss_base_url) == ("caa", "https://uss2.example")
    message = json.loads(await bodies.make(notice))
    check("PutConstraintDetailsParameters", message)
    assert message["constraint_id"] == message["constraint"]["reference"]["id"] == made.zone_id
    assert message["subscriptions"][0]["notification_index"] == 1
    await uss.world.withdraw(made)
    gone = json.loads(await bodies.make(notice))
    check("PutConstraintDetailsParameters", gone)
    assert "constraint" not in gone or gone["constraint"] is None


async def test_a_reference_elsewhere_must_know_a_hosted_zone_where_its_subscription_asks_for_zones(
    uss, house
):
    made = await uss.world.publish(zone())
    watching = {"uss_base_url": "https://uss1.example/utm", "notify_for_constraints": True}
    refused = await house.put(
        "operational_intent_references", str(uuid.uuid4()), intent(new_subscription=watching)
    )
    assert refused.status_code == 409
    assert [one["id"] for one in refused.json()["missing_constraints"]] == [made.zone_id]
    await house.intent(intent(key=[made.ovn], new_subscription=watching))


async def test_what_a_manager_sends_is_kept_and_shown(uss, house):
    reference = (await house.made(CR, constraint()))["constraint_reference"]
    body = told_by("uss1", reference, geozone={"restriction": "PROHIBITED"})
    assert (await uss.call("POST", "/uss/v1/constraints", body, who="uss2")).status_code == 403
    assert (await uss.call("POST", "/uss/v1/constraints", body, who="uss1")).status_code == 204
    shown = await uss.world.zones.find(reference["id"])
    assert (shown.is_told, shown.zone.restriction) == (True, ZoneRestriction.PROHIBITED)


async def test_a_peer_is_asked_and_its_answer_is_remembered(pg_pool, client, clock):
    zone_id, ovn = str(uuid.uuid4()), "an-ovn-of-the-standard"
    answer = {"constraint": full(zone_id, ovn)}
    async with running(lambda _asked: (200, answer)) as peer:
        zones = PeerZones(pg_pool, client, clock)
        told = decode_zone(await zones.ask(zone_id, ovn, peer.url))
        assert told.restriction is ZoneRestriction.CONSENT
        assert told.volumes[0].lower_datum is Datum.WGS84
        assert peer.asked[0].target == f"/uss/v1/constraints/{zone_id}"
        assert decode_zone((await zones.remembered({zone_id: ovn}))[zone_id]) == told
        assert await zones.remembered({zone_id: "another"}) == {}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((404, {}), "knows nothing"),
        ((200, {}), "not as the standard says"),
        ((200, b"\xff"), "no JSON"),
        ((200, {"constraint": "full"}), "another version"),
        ((500, {}), "500"),
        (None, "broke the connection off"),
    ],
)
async def test_a_peer_that_does_not_tell_is_named(  # noqa: PLR0917 - fixtures and cases
    pg_pool, client, clock, monkeypatch, answer, why
):
    monkeypatch.setattr("detente.astm.f3548.asking._PAUSE_S", 0.0)
    zone_id = str(uuid.uuid4())
    if answer is not None and answer[1] == {"constraint": "full"}:
        answer = (200, {"constraint": full(zone_id, "an-older-ovn-of-it")})
    async with running(lambda _asked: answer) as peer:
        with pytest.raises(PeerUnavailable, match=why) as refused:
            await PeerZones(pg_pool, client, clock).ask(zone_id, "an-ovn-of-the-standard", peer.url)
        assert refused.value.members["peer"] == peer.url
        assert refused.value.members["zone_id"] == zone_id


def test_more_volumes_than_a_zone_may_have_are_refused():
    said = full(str(uuid.uuid4()), "an-ovn-of-the-standard")
    said["details"]["volumes"] *= LIMITS.volumes + 1
    with pytest.raises(BadInput, match="volumes"):
        told_of_zone(msgspec.convert(said, wire_details.Constraint))


def test_a_zone_without_geography_or_with_a_rule_unknown_is_a_caution():
    for geozone in (None, {"restriction": "SOMETHING"}):
        said = full(str(uuid.uuid4()), "an-ovn-of-the-standard", geozone=geozone)
        told = decode_zone(told_of_zone(msgspec.convert(said, wire_details.Constraint)).body)
        assert told.restriction is ZoneRestriction.CAUTION


def read_back(geozone) -> ZoneBody:
    said = full(str(uuid.uuid4()), "an-ovn-of-the-standard", geozone=msgspec.to_builtins(geozone))
    return decode_zone(told_of_zone(msgspec.convert(said, wire_details.Constraint)).body)


def full(zone_id, ovn, geozone=..., manager="uss2"):
    start = datetime.fromtimestamp(START_MS / 1_000, UTC)
    details = {"volumes": [volume(start=start)], "type": "x"}
    if geozone is not None:
        told = {} if geozone is ... else {name: one for name, one in geozone.items() if one is not None}
        details["geozone"] = {
            "identifier": "ABC",
            "country": "CHE",
            "zone_authority": [{"purpose": "INFORMATION"}],
            "type": "COMMON",
            "restriction": "REQ_AUTHORISATION",
            **told,
        }
    reference = {
        "id": zone_id,
        "manager": manager,
        "uss_availability": "Unknown",
        "version": 1,
        "ovn": ovn,
        "time_start": {"value": start.isoformat(), "format": "RFC3339"},
        "time_end": {"value": (start + timedelta(hours=1)).isoformat(), "format": "RFC3339"},
        "uss_base_url": "https://uss2.example",
    }
    return {"reference": reference, "details": details}


def told_by(manager, reference, geozone):
    said = full(reference["id"], reference["ovn"], geozone, manager)
    return {
        "constraint_id": reference["id"],
        "subscriptions": [{"subscription_id": str(uuid.uuid4()), "notification_index": 1}],
        "constraint": said,
    }
