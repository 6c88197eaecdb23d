"""What managers elsewhere told of their plans and zones, kept for every server of this exchange."""

from collections.abc import Mapping

from msgspec import Struct

from detente.plans.elsewhere import PlanDetails
from detente.store import Pool, load_queries, wrap_errors

_SQL = load_queries("detente.discovery", "peer_queries.sql")


class Told(Struct, frozen=True):
    """One telling."""

    subject_id: str
    kind: str
    """``plan`` or ``zone``."""
    party_id: str
    version: int
    ovn: str
    priority: int
    body: bytes
    sent_sha256: bytes
    """Of what was told, as it came."""


async def keep(pool: Pool, told: Told, now_ms: int) -> bool:
    """Keep what was told.

    Returns:
        False if a newer version is known, or the same version was told in other words.
    """
    with wrap_errors():
        kept = await pool.fetchval(
            _SQL["keep"], told.subject_id, told.kind, told.party_id, told.version, told.ovn, told.priority,
            told.body, told.sent_sha256, now_ms,
        )  # fmt: skip
    return bool(kept)


async def known_plans(pool: Pool, wanted: Mapping[str, str]) -> dict[str, PlanDetails]:
    """The details of plans that are known at just the OVNs that are wanted, by plan id."""
    with wrap_errors():
        rows = await pool.fetch(_SQL["known"], list(wanted), list(wanted.values()))
    return {str(row["subject_id"]): PlanDetails(row["priority"], row["body"]) for row in rows}


async def known_zones(pool: Pool, wanted: Mapping[str, str]) -> dict[str, bytes]:
    """What is known of zones at just the OVNs that are wanted: a ZoneBody as JSON by zone id."""
    with wrap_errors():
        rows = await pool.fetch(_SQL["known_zones"], list(wanted), list(wanted.values()))
    return {str(row["subject_id"]): row["body"] for row in rows}


async def drop(pool: Pool, subject_id: str) -> None:
    """Forget a plan or zone that is gone."""
    with wrap_errors():
        await pool.execute(_SQL["drop"], subject_id)


async def forget(pool: Pool, before_ms: int, limit: int) -> int:
    """Drop a batch of what was told before an instant of what is gone; answers how many."""
    with wrap_errors():
        return len(await pool.fetch(_SQL["forget"], before_ms, limit))
