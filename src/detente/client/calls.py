"""Every act of the API as a request: the one place of the client that knows paths, headers and types."""

from urllib.parse import quote

import msgspec

from detente.client.call import Call, nothing, reader
from detente.parties.model import (
    Account,
    AccountBody,
    AccountChange,
    AccountList,
    AccountSecret,
    PartyBody,
    PartyList,
    PartyView,
    WhoAmI,
)
from detente.plans.model import (
    CheckBody,
    CheckResult,
    Conflict,
    ConflictsPage,
    ConflictsQuery,
    PlanBody,
    PlanPage,
    PlanState,
    PlanVersion,
    PlanView,
    QueryBody,
    SeparationRule,
    StateBody,
)
from detente.plans.refusal_model import RefusalPage, RefusalQuery, RefusalView
from detente.zones.model import ZonePage, ZonePublication, ZoneQuery, ZoneView

_encode = msgspec.json.Encoder().encode
_read_plan = reader(PlanView)


def declare(
    plan_id: str, body: PlanBody, *, idempotency_key: str | None = None, ways_out: bool = True
) -> Call[PlanView]:
    """Declare a plan.

    Args:
        plan_id: a UUID of your choice; declaring the same again is harmless.
        body: the plan.
        idempotency_key: refuses another plan under the same key.
        ways_out: whether a refusal offers ways out of the conflict, which costs the server time.

    Raises:
        ConflictsFound: if it conflicts with plans in force.
    """
    return Call(
        "PUT",
        f"/v1/plans/{quote(plan_id, safe='')}",
        _read_plan,
        query={"ways_out": _flag(ways_out)},
        headers={} if idempotency_key is None else {"idempotency-key": idempotency_key},
        content=_encode(body),
    )


def change(plan_id: str, body: PlanBody, *, version: int, ways_out: bool = True) -> Call[PlanView]:
    """Change a plan.

    Args:
        plan_id: which one.
        body: the whole plan as it shall be.
        version: the version that you saw.
        ways_out: as for ``declare``.

    Raises:
        StaleVersion: if it is no longer current.
        ConflictsFound: if the changed plan conflicts with plans in force.
    """
    return Call(
        "PUT",
        f"/v1/plans/{quote(plan_id, safe='')}",
        _read_plan,
        query={"ways_out": _flag(ways_out)},
        headers={"if-match": f'"{version}"'},
        content=_encode(body),
    )


def set_state(plan_id: str, body: StateBody, *, version: int) -> Call[PlanView]:
    """Put a plan into another state.

    Args:
        plan_id: which one.
        body: the state and the reason.
        version: the version that you saw.

    Raises:
        ForbiddenTransition: if it cannot go there from where it is.
        StaleVersion: if the version is no longer current.
    """
    return Call(
        "PUT",
        f"/v1/plans/{quote(plan_id, safe='')}/state",
        _read_plan,
        headers={"if-match": f'"{version}"'},
        content=_encode(body),
    )


def activate(plan_id: str, *, version: int, reason: str = "") -> Call[PlanView]:
    """Say that the activity has begun; see ``set_state``."""
    return set_state(plan_id, StateBody(PlanState.ACTIVATED, reason), version=version)


def report_nonconforming(plan_id: str, *, version: int, reason: str = "") -> Call[PlanView]:
    """Say that the activity has left its volumes and will return; see ``set_state``."""
    return set_state(plan_id, StateBody(PlanState.NONCONFORMING, reason), version=version)


def report_contingent(plan_id: str, *, version: int, reason: str = "") -> Call[PlanView]:
    """Say that the activity has left its volumes and will not return; see ``set_state``."""
    return set_state(plan_id, StateBody(PlanState.CONTINGENT, reason), version=version)


def end(plan_id: str, *, version: int, reason: str = "") -> Call[PlanView]:
    """End a plan for good; see ``set_state``."""
    return set_state(plan_id, StateBody(PlanState.ENDED, reason), version=version)


def get(plan_id: str) -> Call[PlanView]:
    """Ask for a plan.

    Raises:
        NotFound: if there is none that you may see.
    """
    return Call("GET", f"/v1/plans/{quote(plan_id, safe='')}", _read_plan)


def history(plan_id: str) -> Call[tuple[PlanVersion, ...]]:
    """Ask for all versions of your own plan, oldest first."""
    return Call("GET", f"/v1/plans/{quote(plan_id, safe='')}/history", reader(tuple[PlanVersion, ...]))


def conflicts_of(plan_id: str) -> Call[tuple[Conflict, ...]]:
    """Ask what conflicts with your own plan now."""
    return Call("GET", f"/v1/plans/{quote(plan_id, safe='')}/conflicts", reader(tuple[Conflict, ...]))


def query_conflicts(body: ConflictsQuery) -> Call[ConflictsPage]:
    """Ask for one page of what your own plans stand beside; ``own_conflicts`` of the client gives all."""
    return Call("POST", "/v1/plans/conflicts/query", reader(ConflictsPage), content=_encode(body))


def query(body: QueryBody) -> Call[PlanPage]:
    """Ask for one page of the plans that you may see; ``plans`` of the client gives all pages."""
    return Call("POST", "/v1/plans/query", reader(PlanPage), content=_encode(body))


def check(body: CheckBody) -> Call[CheckResult]:
    """Ask what would be in the way, without declaring anything."""
    return Call("POST", "/v1/plans/check", reader(CheckResult), content=_encode(body))


def query_refusals(body: RefusalQuery) -> Call[RefusalPage]:
    """Ask for one page of the refusals that you may know of; ``refusals`` of the client gives all pages."""
    return Call("POST", "/v1/refusals/query", reader(RefusalPage), content=_encode(body))


def get_refusal(refusal_id: str) -> Call[RefusalView]:
    """Ask for a refusal.

    Raises:
        NotFound: if there is none that you may know of.
    """
    return Call("GET", f"/v1/refusals/{quote(refusal_id, safe='')}", reader(RefusalView))


def put_zone(zone_id: str, body: ZonePublication, *, version: int | None = None) -> Call[ZoneView]:
    """Publish a zone, or change your own.

    Args:
        zone_id: a UUID of version 4 of your choice; publishing the same again is harmless.
        body: the whole zone as it shall be.
        version: the version that you saw; None for a new zone.

    Raises:
        StaleVersion: if it is no longer current.
    """
    return Call(
        "PUT",
        f"/v1/zones/{quote(zone_id, safe='')}",
        reader(ZoneView),
        headers={} if version is None else {"if-match": f'"{version}"'},
        content=_encode(body),
    )


def withdraw_zone(zone_id: str, *, version: int) -> Call[None]:
    """Withdraw your own zone at the version that you saw."""
    return Call(
        "DELETE",
        f"/v1/zones/{quote(zone_id, safe='')}",
        nothing,
        headers={"if-match": f'"{version}"'},
        is_repeatable=False,
    )


def get_zone(zone_id: str) -> Call[ZoneView]:
    """Ask for a zone.

    Raises:
        NotFound: if there is none.
    """
    return Call("GET", f"/v1/zones/{quote(zone_id, safe='')}", reader(ZoneView))


def query_zones(body: ZoneQuery) -> Call[ZonePage]:
    """Ask for one page of zones; ``zones`` of the client gives all pages."""
    return Call("POST", "/v1/zones/query", reader(ZonePage), content=_encode(body))


def separations() -> Call[tuple[SeparationRule, ...]]:
    """Ask for the separations that hold between parties."""
    return Call("GET", "/v1/separations", reader(tuple[SeparationRule, ...]))


def put_separation(rule: SeparationRule) -> Call[SeparationRule]:
    """Set the separation between two parties, or between one and everyone."""
    return Call("PUT", "/v1/separations", reader(SeparationRule), content=_encode(rule))


def delete_separation(party_a: str, party_b: str | None = None) -> Call[None]:
    """Take back a separation; ``party_b`` None: the one from everyone."""
    pair = {"party_a": party_a} if party_b is None else {"party_a": party_a, "party_b": party_b}
    return Call("DELETE", "/v1/separations", nothing, query=pair)


def parties() -> Call[PartyList]:
    """Ask for all parties."""
    return Call("GET", "/v1/parties", reader(PartyList))


def put_party(party_id: str, body: PartyBody, *, version: int | None = None) -> Call[PartyView]:
    """Add a party, or change it.

    Args:
        party_id: its short name.
        body: the whole party as it shall be.
        version: the version that you saw; None for a new party.
    """
    return Call(
        "PUT",
        f"/v1/parties/{quote(party_id, safe='')}",
        reader(PartyView),
        headers={} if version is None else {"if-match": f'"{version}"'},
        content=_encode(body),
        is_repeatable=False,
    )


def add_account(party_id: str, body: AccountBody) -> Call[AccountSecret]:
    """Add an account to a party; its secret comes back once and is never shown again."""
    return Call(
        "POST",
        f"/v1/parties/{quote(party_id, safe='')}/accounts",
        reader(AccountSecret),
        content=_encode(body),
        is_repeatable=False,
    )


def accounts(party_id: str) -> Call[AccountList]:
    """Ask for a party's accounts."""
    return Call("GET", f"/v1/parties/{quote(party_id, safe='')}/accounts", reader(AccountList))


def change_account(account_id: str, change: AccountChange) -> Call[Account]:
    """Change an account's role, disable it or enable it again."""
    return Call("PUT", f"/v1/accounts/{quote(account_id, safe='')}", reader(Account), content=_encode(change))


def new_secret(account_id: str) -> Call[AccountSecret]:
    """Replace an account's secret; the old one stops working."""
    path = f"/v1/accounts/{quote(account_id, safe='')}/secret"
    return Call("POST", path, reader(AccountSecret), is_repeatable=False)


def whoami() -> Call[WhoAmI]:
    """Ask whom the token in hand speaks for."""
    return Call("GET", "/v1/whoami", reader(WhoAmI))


def health() -> Call[dict[str, str]]:
    """Ask whether the server's process is alive."""
    return Call("GET", "/health", reader(dict[str, str]), needs_token=False)


def ready() -> Call[dict[str, object]]:
    """Ask whether the server can do its work.

    Raises:
        Unavailable: if not; its member ``missing`` says what.
    """
    return Call("GET", "/ready", reader(dict[str, object]), needs_token=False, waits=False)


def _flag(value: bool) -> str:  # noqa: FBT001 - the one value that it turns into text
    return "true" if value else "false"
