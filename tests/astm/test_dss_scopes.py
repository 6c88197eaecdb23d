"""Who may do what at the discovery service: every operation with every scope alone, and with none."""

import pytest

from tests.astm.house import (
    AA,
    ALL,
    CM,
    CMSA,
    CP,
    CR,
    OIR,
    SC,
    SUB,
    constraint,
    intent,
    new_id,
    new_subscription,
    subscription,
    volume,
)

X = "x" * 20
AREA = {"area_of_interest": volume()}
REPORT = {
    "exchange": {
        "url": "https://uss2.example/utm",
        "method": "GET",
        "recorder_role": "Client",
        "request_time": {"value": "2026-12-01T08:00:00Z", "format": "RFC3339"},
    }
}
READS_PLANS, READS_ZONES, SUBSCRIBES = {SC, CMSA}, {CM, CP}, {SC, CP}
OPERATIONS = {
    "query intents": ("POST", f"{OIR}/query", AREA, READS_PLANS),
    "read intent": ("GET", f"{OIR}/{new_id()}", None, READS_PLANS),
    "make intent": ("PUT", f"{OIR}/{new_id()}", intent(), {SC}),
    "change intent": ("PUT", f"{OIR}/{new_id()}/{X}", intent(), {SC}),
    "report intent": (
        "PUT", f"{OIR}/{new_id()}/{X}", intent(state="Nonconforming", **new_subscription()), {CMSA},
    ),
    "end intent": ("DELETE", f"{OIR}/{new_id()}/{X}", None, READS_PLANS),
    "query constraints": ("POST", f"{CR}/query", AREA, READS_ZONES),
    "read constraint": ("GET", f"{CR}/{new_id()}", None, READS_ZONES),
    "make constraint": ("PUT", f"{CR}/{new_id()}", constraint(), {CM}),
    "change constraint": ("PUT", f"{CR}/{new_id()}/{X}", constraint(), {CM}),
    "end constraint": ("DELETE", f"{CR}/{new_id()}/{X}", None, {CM}),
    "query subscriptions": ("POST", f"{SUB}/query", AREA, SUBSCRIBES),
    "read subscription": ("GET", f"{SUB}/{new_id()}", None, SUBSCRIBES),
    "make subscription": ("PUT", f"{SUB}/{new_id()}", subscription(), {SC}),
    "change subscription": ("PUT", f"{SUB}/{new_id()}/{X}", subscription(), {SC}),
    "end subscription": ("DELETE", f"{SUB}/{new_id()}/{X}", None, SUBSCRIBES),
    "read availability": ("GET", "uss_availability/uss7", None, {AA, SC, CMSA}),
    "set availability": (
        "PUT", "uss_availability/uss7", {"old_version": "", "availability": "Normal"}, {AA},
    ),
    "report": ("POST", "reports", REPORT, set(ALL)),
}  # fmt: skip


async def count(house):
    """How much stands in the exchange."""
    tables = ("plan", "zone", "subscription", "party_availability", "statement_queue", "statement")
    held = await house.pool.fetch("SELECT relname FROM pg_class WHERE relname = ANY ($1)", tables)
    return [(row[0], await house.pool.fetchval(f"SELECT count(*) FROM {row[0]}")) for row in held]


@pytest.mark.parametrize("name", OPERATIONS)
async def test_each_scope_alone(house, name):
    method, path, body, admitted = OPERATIONS[name]
    before = await count(house)
    for scope in (*ALL, "rid.service_provider", "interuss.pool_status.read"):
        if scope not in admitted:
            refused = await house.call(method, path, body, scopes=[scope])
            assert refused.status_code == 403, (scope, refused.text)
            assert refused.json()["message"]
    nobody = await house.call(method, path, body, scopes=[])
    assert nobody.status_code == 401, "a token that grants nothing"
    anonymous = await house.call(method, path, body, who="")
    assert anonymous.status_code == 401
    assert anonymous.json()["message"]
    bare = await house.http.request(method, f"/dss/v1/{path}", json=body)
    assert (bare.status_code, bool(bare.json()["message"])) == (401, True)
    assert await count(house) == before, "nothing may be written"
    for scope in sorted(admitted):
        answer = await house.call(method, path, body, scopes=[scope])
        assert answer.status_code not in {401, 403}, (scope, answer.text)


async def test_a_body_of_a_stranger_is_not_even_read(house):
    for method, path, body, _ in OPERATIONS.values():
        if body is not None:
            refused = await house.call(method, path, b"{", scopes=["rid.service_provider"])
            assert refused.status_code == 403


async def test_subscribing_to_constraints_alone_takes_the_scope_of_constraints(house):
    only = subscription(notify_for_operational_intents=False, notify_for_constraints=True)
    assert (await house.put(SUB, new_id(), only, scopes=[CP])).status_code == 200
    assert (await house.put(SUB, new_id(), subscription(), scopes=[CP])).status_code == 403
    both = subscription(notify_for_constraints=True)
    assert (await house.put(SUB, new_id(), both, scopes=[SC, CP])).status_code == 200


async def test_who_lacks_the_scope_of_constraints_is_shown_none(house):
    await house.made(CR, constraint(), who="uss9")
    both = subscription(notify_for_constraints=True)
    shown = await house.made(SUB, both, scopes=[SC, CP])
    assert len(shown["constraint_references"]) == 1
    hidden = await house.made(SUB, both, scopes=[SC])
    assert hidden["constraint_references"] == []


async def test_back_to_nominal_takes_the_scope_of_planning(house):
    one = await house.intent(intent(**new_subscription()))
    off = await house.put(OIR, one["id"], intent(state="Nonconforming", **new_subscription()), one["ovn"])
    ovn = off.json()["operational_intent_reference"]["ovn"]
    back = intent(state="Activated", **new_subscription())
    assert (await house.put(OIR, one["id"], back, ovn, scopes=[CMSA])).status_code == 403
    assert (await house.put(OIR, one["id"], back, ovn, scopes=[SC])).status_code == 200
