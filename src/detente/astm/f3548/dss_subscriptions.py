"""Subscriptions: five of the eighteen operations of ASTM F3548-21's discovery service."""

from detente.astm.f3548 import wire
from detente.astm.f3548.dss_references import asked_area
from detente.astm.f3548.reading import CONSTRAINTS, COORDINATION, act_of, read_id
from detente.astm.f3548.routing import WRITE_ERRORS, Wire, standard_route
from detente.astm.f3548.volumes import MAX_AREA_KM2, to_area
from detente.discovery.areas import rows_of_area
from detente.discovery.model import Area, Subscription
from detente.discovery.references import References
from detente.discovery.subscriptions import Subscriptions
from detente.discovery.zones import ZoneReferences
from detente.errors import BadInput, NotFound
from detente.plans.volumes import from_ms
from detente.web.model import Reply, Request, Route

_PATH = "/dss/v1/subscriptions"
_SCOPES = (COORDINATION, CONSTRAINTS)


def subscription_routes(
    subscriptions: Subscriptions, references: References, zones: ZoneReferences, at: Wire
) -> list[Route]:
    """The routes."""
    return [
        _query(subscriptions, at),
        _get(subscriptions, at),
        *_writes(subscriptions, references, zones, at),
        _delete(subscriptions, at),
    ]


def _query(subscriptions: Subscriptions, at: Wire) -> Route:
    async def query(request: Request) -> Reply:
        asked = asked_area(request.decoded(wire.QuerySubscriptionParameters).area_of_interest)
        area = to_area(asked, "area_of_interest", max_area_km2=MAX_AREA_KM2)
        found = await subscriptions.search(request.who().party_id, area, request.now_ms)
        told = tuple(at.teller.subscription(one) for one in found)
        return Reply(200, wire.QuerySubscriptionsResponse(told))

    return standard_route(
        "POST", f"{_PATH}/query", _SCOPES, query, "The caller's subscriptions that meet an area.",
        {200: wire.QuerySubscriptionsResponse}, wire.QuerySubscriptionParameters,
    )  # fmt: skip


def _get(subscriptions: Subscriptions, at: Wire) -> Route:
    async def get(request: Request) -> Reply:
        subscription_id = read_id(request.path["subscriptionid"], "subscriptionid")
        found = await subscriptions.find(request.who().party_id, subscription_id)
        return Reply(200, wire.GetSubscriptionResponse(at.teller.subscription(found)))

    return standard_route(
        "GET", f"{_PATH}/{{subscriptionid}}", _SCOPES, get, "One subscription of the caller's.",
        {200: wire.GetSubscriptionResponse}, errors=(BadInput, NotFound),
    )  # fmt: skip


def _writes(
    subscriptions: Subscriptions, references: References, zones: ZoneReferences, at: Wire
) -> list[Route]:
    async def write(request: Request) -> Reply:
        subscription_id = read_id(request.path["subscriptionid"], "subscriptionid")
        expected = request.path.get("version")
        who = request.who()
        body = at.reader.subscription(request.decoded(wire.PutSubscriptionParameters), who)
        act = act_of(request, f"PUT subscription {subscription_id}/{expected or ''}")
        made = await subscriptions.write(act, subscription_id, body, expected)
        # Read after it was written: what is written from now on is told, so that nothing falls between.
        rows = rows_of_area(_during(body.area, made), "extents.volume")
        plans = await references.search(who.party_id, rows) if body.tells_plans else []
        closed = await zones.search(rows) if body.tells_zones and CONSTRAINTS in who.scopes else []
        told = wire.PutSubscriptionResponse(
            subscription=at.teller.subscription(made),
            operational_intent_references=at.teller.references(plans, who.party_id)
            if body.tells_plans
            else None,
            constraint_references=at.teller.zones(closed, who.party_id) if body.tells_zones else None,
        )
        return Reply(200, told)

    body, answers = wire.PutSubscriptionParameters, {200: wire.PutSubscriptionResponse}
    return [
        standard_route(
            "PUT", f"{_PATH}/{{subscriptionid}}", _SCOPES, write, "Make a subscription.",
            dict(answers), body, WRITE_ERRORS,
        ),
        standard_route(
            "PUT", f"{_PATH}/{{subscriptionid}}/{{version}}", _SCOPES, write, "Change a subscription.",
            dict(answers), body, WRITE_ERRORS,
        ),
    ]  # fmt: skip


def _during(area: Area, made: Subscription) -> Area:
    """The area for as long as the subscription lasts."""
    return Area(area.shape, area.lower_m, area.upper_m, from_ms(made.start_ms), from_ms(made.end_ms))


def _delete(subscriptions: Subscriptions, at: Wire) -> Route:
    async def delete(request: Request) -> Reply:
        subscription_id = read_id(request.path["subscriptionid"], "subscriptionid")
        expected = request.path["version"]
        act = act_of(request, f"DELETE subscription {subscription_id}/{expected}")
        was = await subscriptions.end(act, subscription_id, expected)
        return Reply(200, wire.DeleteSubscriptionResponse(at.teller.subscription(was)))

    return standard_route(
        "DELETE", f"{_PATH}/{{subscriptionid}}/{{version}}", _SCOPES, delete, "End a subscription.",
        {200: wire.DeleteSubscriptionResponse}, errors=WRITE_ERRORS,
    )  # fmt: skip
