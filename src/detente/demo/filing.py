"""Declares a day of plans one after another, and takes the smallest way out where one is refused."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct

from detente.client import Client, ConflictsFound
from detente.demo import volumes
from detente.demo.flights import Flight
from detente.plans.model import CheckBody, Conflict, NoWayOut, PlanBody, PlanId, WayOut, WaysOutLimits

LIMITS = WaysOutLimits(time_s=900.0, height_m=610.0, sideways_m=0.0)
"""What a flight would accept: the 15 minutes of a departure slot, or two flight levels; its route stays."""


class Outcome(StrEnum):
    """How a declaration ended."""

    ACCEPTED = "accepted"
    SETTLED = "settled"
    """In conflict as declared; accepted after an offered way out was taken."""
    UNRESOLVED = "unresolved"
    """In conflict as declared, and no offer stood."""


class Filing(Struct, frozen=True):
    """One plan, and the party that is to declare it."""

    plan_id: PlanId
    party_id: str
    callsign: str
    body: PlanBody


class Filed(Struct, frozen=True):
    """What became of a filing."""

    filing: Filing
    outcome: Outcome
    conflicts: tuple[Conflict, ...] = ()
    taken: WayOut | None = None
    none: tuple[NoWayOut, ...] = ()
    """The kinds of shift that had nothing to offer, and why."""


def prepare_filings(flights: Sequence[Flight], parties: Sequence[str], now: datetime) -> list[Filing]:
    """Turn flights into what their operators declare.

    Args:
        flights: one or more, in order of departure.
        parties: who shares them.
        now: the current instant; the day is moved to the day after it.

    Returns:
        Filings in the same order.
    """
    shift = volumes.shift_to_tomorrow(flights, now)
    return [
        Filing(
            plan_id=volumes.plan_id(flight),
            party_id=volumes.party_of(flight, parties),
            callsign=flight.callsign,
            body=volumes.plan_body(flight, shift),
        )
        for flight in flights
    ]


def file_all(
    filings: Sequence[Filing], desks: Mapping[str, Client], on_each: Callable[[Filed], None]
) -> list[Filed]:
    """Declare all filings, in their order.

    One after another on purpose: what a plan meets depends on what stands already, so only a fixed
    order gives the same result at every run.

    Args:
        filings: what to declare.
        desks: a client for each party, with that party's own token.
        on_each: told each result as it comes.

    Returns:
        One result a filing, in the same order.

    Raises:
        DetenteError: any refusal other than a conflict.
    """
    results = []
    for filing in filings:
        result = file_one(filing, desks[filing.party_id])
        on_each(result)
        results.append(result)
    return results


def file_one(filing: Filing, desk: Client) -> Filed:
    """Declare one plan; if it is refused, take the smallest offer that stands.

    Args:
        filing: what to declare.
        desk: a client with the party's own token.

    Returns:
        What became of it.

    Raises:
        DetenteError: any refusal other than a conflict.
    """
    try:
        desk.declare(filing.plan_id, filing.body, ways_out=False)
    except ConflictsFound as refusal:
        conflicts = refusal.conflicts
    else:
        return Filed(filing, Outcome.ACCEPTED)
    ways_out = desk.check(CheckBody(volumes=filing.body.volumes, ways_out=LIMITS)).ways_out
    for offer in ways_out.offers if ways_out else ():
        moved = msgspec.structs.replace(filing.body, volumes=offer.volumes)
        try:
            desk.declare(filing.plan_id, moved, ways_out=False)
        except ConflictsFound:
            # Somebody else took the gap since it was offered; the next larger one may still stand.
            continue
        return Filed(filing, Outcome.SETTLED, conflicts, taken=offer)
    return Filed(filing, Outcome.UNRESOLVED, conflicts, none=ways_out.none if ways_out else ())
