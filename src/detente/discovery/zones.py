"""The verbs on references of zones (constraint references of F3548-21)."""

from collections.abc import Callable

import msgspec

from detente.discovery import store
from detente.discovery.acts import Act
from detente.discovery.areas import rows_of_areas, window_of
from detente.discovery.model import WrittenZone, ZoneBody, ZoneReference
from detente.discovery.references import MAX_FOUND, refusal_of
from detente.discovery.store import Answer, ZoneWrite
from detente.errors import BadInput, NotFound, Unavailable
from detente.geo.index import Rows, no_rows
from detente.plans.locks import seed_locks
from detente.store import Pool

_MAX_ROUNDS = 5
_encode = msgspec.json.Encoder().encode


class ZoneReferences:
    """The writing side of discovery, for zones.

    Args:
        pool: database connections.
        new_ovn: a fresh unguessable OVN.
    """

    def __init__(self, pool: Pool, *, new_ovn: Callable[[], str]) -> None:
        self._pool = pool
        self._new_ovn = new_ovn

    async def write(self, act: Act, zone_id: str, body: ZoneBody, expected: str | None) -> WrittenZone:
        """Publish a zone's reference, or change the caller's own.

        Raises:
            BadInput: extents that cannot be used, or that are over.
            NotFound, AlreadyExists, StaleVersion, NotAllowed, Unavailable.
        """
        start_ms, end_ms = window_of(body.extents, "extents")
        if end_ms <= act.now_ms:
            raise BadInput("the zone is over", field="extents", expected="an end later than now")
        return await self._write(
            act,
            ZoneWrite(
                zone_id=zone_id,
                expected=expected,
                ovn=self._new_ovn(),
                start_ms=start_ms,
                end_ms=end_ms,
                body=_encode(body),
                is_elsewhere=True,
                uss_base_url=body.uss_base_url,
                cells=rows_of_areas(body.extents, "extents"),
            ),
        )

    async def end(self, act: Act, zone_id: str, expected: str) -> WrittenZone:
        """Withdraw a zone's reference of the caller's; answers it as it stood.

        Raises:
            NotFound, StaleVersion, NotAllowed.
        """
        gone = ZoneWrite(
            zone_id, expected, "", 0, 0, None, is_elsewhere=True, uss_base_url=None, cells=no_rows()
        )
        return await self._write(act, gone)

    async def find(self, zone_id: str) -> ZoneReference:
        """One zone's reference.

        Raises:
            NotFound: there is none.
        """
        found = await store.find_zone(self._pool, zone_id)
        if found is None:
            raise NotFound(f"there is no zone {zone_id}", zone_id=zone_id)
        return found

    async def search(self, area: Rows) -> list[ZoneReference]:
        """The zones that meet an area by cell, height and time."""
        return await store.zones_in(self._pool, area, MAX_FOUND)

    async def _write(self, act: Act, write: ZoneWrite) -> WrittenZone:
        answer = Answer("unlocked")
        for _ in range(_MAX_ROUNDS):
            answer = await store.write_zone(self._pool, act, write)
            if answer.status != "unlocked":
                break
            await seed_locks(self._pool, write.cells.locks)
        if answer.status == "unlocked":
            raise Unavailable("the zone's cells could not be locked; try again")
        if answer.zone is None:
            raise refusal_of(answer.status, write.zone_id, "zone")
        return WrittenZone(answer.zone, answer.told)
