"""What becomes of a file's plan at an exchange: declared, moved, changed, standing already, or refused."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from detente.client import Client, ConflictsFound
from detente.errors import BadInput, DetenteError, NotAuthenticated, Unavailable, VersionRequired
from detente.formats.plans import FilePlan
from detente.plans.model import (
    CheckBody,
    Conflict,
    PlanBody,
    PlanState,
    PlanView,
    WayOut,
    WaysOut,
    WaysOutLimits,
)

Outcome = Literal["accepted", "moved", "changed", "stands", "refused"]
_ALIKE = 1e-6
"""Metres or degrees: what a number may lose on its way through a file and back."""
_ALIKE_S = 0.001
"""The exchange keeps milliseconds."""


class ToDeclare(Struct, frozen=True):
    """One plan of the files: its name there, the UUID it is declared under, its content."""

    name: str
    plan_id: str
    body: PlanBody


class Declared(Struct, frozen=True):
    """What became of one plan."""

    id: str
    plan_id: str
    outcome: Outcome
    conflicts: tuple[Conflict, ...] = ()
    """What was in the way when it was last refused."""
    ways_out: WaysOut | None = None
    taken: WayOut | None = None
    """The way out by which it stands."""
    problem: str | None = None
    """The slug of the problem."""
    detail: str | None = None


def plans_of(plans: Iterable[FilePlan], party: str) -> list[ToDeclare]:
    """One party's plans, in the order of the files; an id that stands in several files is one plan.

    Args:
        plans: what was read.
        party: whose plans are taken.

    Returns:
        The plans.

    Raises:
        BadInput: if there is none.
    """
    bodies: dict[str, PlanBody] = {}
    others: dict[str, None] = {}
    for plan in plans:
        if plan.party == party:
            earlier = bodies.get(plan.id, PlanBody(()))
            volumes = earlier.volumes + plan.body.volumes
            bodies[plan.id] = PlanBody(volumes, title=earlier.title or plan.body.title)
        else:
            others[plan.party] = None
    if not bodies:
        raise BadInput(
            f"the files hold no plan of {party}, the party of this account",
            field="party",
            expected=party,
            actual=", ".join(list(others)[:10]),
        )
    return [ToDeclare(name, plan_id_of(party, name), body) for name, body in bodies.items()]


def plan_id_of(party: str, name: str) -> str:
    """The UUID of a plan that a file calls by some name; a UUID stays what it is.

    Source: RFC 9562, section 5.5 (name-based UUID), in the URL namespace.
    """
    try:
        return str(uuid.UUID(name))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:detente:plan:{party}:{name}"))


def file_plan(client: Client, plan: ToDeclare, *, take_way_out: bool, update: bool) -> Declared:
    """Declare one plan; where it stands already, say how, or change it.

    Args:
        client: speaks for the plan's party.
        plan: what to declare.
        take_way_out: whether a refused plan is declared again, moved by the smallest offer that still stands.
        update: whether a plan that stands otherwise than the file has it is changed into that.

    Returns:
        What became of it.

    Raises:
        Unavailable, NotAuthenticated: if the rest need not be tried either.
    """
    try:
        try:
            return _put(client, plan, None, take_way_out=take_way_out)
        except VersionRequired:
            return _meet(client, plan, client.get(plan.plan_id), take_way_out=take_way_out, update=update)
    except (Unavailable, NotAuthenticated):
        raise
    except DetenteError as refused:
        return Declared(plan.name, plan.plan_id, "refused", problem=refused.slug, detail=refused.detail)


def _put(client: Client, plan: ToDeclare, standing: PlanView | None, *, take_way_out: bool) -> Declared:
    """Declare a plan, or change the version of it that was seen."""
    said = Declared(plan.name, plan.plan_id, "accepted" if standing is None else "changed")
    try:
        _send(client, plan.plan_id, plan.body, standing, ways_out=True)
    except ConflictsFound as found:
        said = replace(
            said,
            outcome="refused",
            conflicts=found.conflicts,
            ways_out=found.ways_out,
            problem=found.slug,
            detail=found.detail,
        )
    else:
        return said
    for way in said.ways_out.offers if take_way_out and said.ways_out is not None else ():
        try:
            body = replace(plan.body, volumes=way.volumes)
            _send(client, plan.plan_id, body, standing, ways_out=False)
        except ConflictsFound:
            continue  # somebody else took the place since it was offered
        return replace(said, outcome="moved", taken=way)
    return said


def _send(
    client: Client, plan_id: str, body: PlanBody, standing: PlanView | None, *, ways_out: bool
) -> PlanView:
    if standing is None:
        return client.declare(plan_id, body, ways_out=ways_out)
    return client.change(plan_id, body, version=standing.version, ways_out=ways_out)


def _meet(
    client: Client, plan: ToDeclare, standing: PlanView, *, take_way_out: bool, update: bool
) -> Declared:
    """Say how a plan stands that was declared earlier, or change it into what the file has."""
    said = Declared(plan.name, plan.plan_id, "stands")
    if standing.state is PlanState.ENDED:
        detail = "it was declared earlier and has ended; give it another id in the file"
        return replace(said, outcome="refused", problem=VersionRequired.slug, detail=detail)
    if _are_alike(standing.volumes, plan.body.volumes):
        return said
    if (way := _way_taken(client, plan, standing)) is not None:
        return replace(said, taken=way)
    if not update:
        detail = (
            f"it stands already, at version {standing.version}, and not as the file has it; "
            "--update changes it into that"
        )
        return replace(said, outcome="refused", problem=VersionRequired.slug, detail=detail)
    # A file holds volumes and perhaps a title; whatever else was said of the plan stays.
    body = replace(
        plan.body,
        title=plan.body.title or standing.title or "",
        remarks=standing.remarks or "",
        priority=standing.priority,
        sharing=standing.sharing,
    )
    return _put(client, replace(plan, body=body), standing, take_way_out=take_way_out)


def _way_taken(client: Client, plan: ToDeclare, standing: PlanView) -> WayOut | None:
    """Find the way out of the file's plan by which it stands: one that the exchange would offer again.

    Nothing less will do: a file that was changed by hand must not be taken for one that was moved.
    """
    question = CheckBody(
        plan.body.volumes,
        priority=standing.priority,
        ignore_plan_id=plan.plan_id,
        ways_out=WaysOutLimits(),
    )
    ways = client.check(question).ways_out
    return next(
        (way for way in (ways.offers if ways else ()) if _are_alike(way.volumes, standing.volumes)), None
    )


def _are_alike(one: object, other: object) -> bool:
    """Whether two values are the same but for what is lost on the way: numbers and instants nearly so."""
    if isinstance(one, float | int) and isinstance(other, float | int):
        return abs(one - other) <= _ALIKE
    if isinstance(one, datetime) and isinstance(other, datetime):
        return abs((one - other).total_seconds()) <= _ALIKE_S
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_are_alike, one, other))
    if isinstance(one, Struct) and isinstance(other, Struct):
        return type(one) is type(other) and _are_alike(
            msgspec.structs.astuple(one), msgspec.structs.astuple(other)
        )
    return one == other
