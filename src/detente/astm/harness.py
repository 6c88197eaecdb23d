"""The interfaces through which a test harness drives this server, put together where they are turned on.

The harness acts as a user of the party that the server speaks for, with all that a user may do: so these
routes are for tests, and nothing of them is there without the setting.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from msgspec import Struct

from detente.astm.flight_planning.carrying import Carrier
from detente.astm.flight_planning.preparing import Preparation
from detente.astm.flight_planning.routes import flight_planning_routes
from detente.astm.flight_planning.service import FlightPlanning
from detente.astm.flight_planning.watch import ConflictWatch
from detente.astm.geospatial_map.routes import geospatial_map_routes
from detente.astm.geospatial_map.service import GeospatialMap
from detente.discovery.zone_extents import ZoneExtents
from detente.parties.service import PartiesService
from detente.plans.directory import Directory
from detente.plans.met import MetPlans
from detente.plans.questions import Questions
from detente.plans.service import PlansService
from detente.store import Pool
from detente.web.model import Route

NAMELESS: Final = "uss"
"""The party of a server that was not told for whom it speaks."""


class PlansRoom(Struct, frozen=True):
    """What the interfaces need of the plans' room."""

    service: PlansService
    questions: Questions
    met: MetPlans
    directory: Directory


class Harness:
    """What serves a test harness in one process.

    Args:
        pool: database connections.
        parties: adds the party, where it is not there.
        plans: the verbs on plans.
        party: for whom the server speaks; None: for the party ``uss``.
        now_ms: the clock, ms since 1970-01-01 UTC.
        new_id: a fresh UUID of version 4.
    """

    def __init__(
        self,
        pool: Pool,
        parties: PartiesService,
        plans: PlansRoom,
        *,
        party: str | None,
        now_ms: Callable[[], int],
        new_id: Callable[[], str],
    ) -> None:
        acts_for = party or NAMELESS
        planning = FlightPlanning(
            pool,
            party=acts_for,
            carrier=Carrier(plans.service, plans.questions, plans.met),
            questions=plans.questions,
            met=plans.met,
            directory=plans.directory,
            now_ms=now_ms,
            new_id=new_id,
        )
        self.watch = ConflictWatch(pool, acts_for, plans.met, now_ms)
        self._preparation = Preparation(parties, acts_for, now_ms)
        self.routes: list[Route] = [
            *flight_planning_routes(planning, self._preparation),
            *geospatial_map_routes(GeospatialMap(ZoneExtents(pool)), self._preparation),
        ]

    async def start(self) -> None:
        """Make ready what is needed, if the database answers; else the first request does."""
        await self._preparation()

    def work(self) -> Coroutine[Any, Any, None]:
        """What runs beside the requests."""
        return self.watch.keep_looking()
