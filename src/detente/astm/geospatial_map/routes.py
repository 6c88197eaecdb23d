"""The routes through which a test harness looks at the map as a user would: only where they are turned on.

Source: InterUSS, geospatial map provider automated testing interface 0.2.3. Loading data sources is not
offered: there are no such routes.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from detente.astm.geospatial_map import wire
from detente.astm.geospatial_map.service import GeospatialMap
from detente.errors import BadInput, TooLarge
from detente.parties.model import Scope
from detente.web.model import RefusalForm, Reply, Request, Route

BASE: Final = "/geospatial_map/v1"
TAG: Final = "testing"
API_NAME: Final = "Geospatial Map Provider Automated Testing Interface"
API_VERSION: Final = "v0.2.2"
"""As the document 0.2.3 says that it must be."""
MAX_CHECKS: Final = 1_000


def geospatial_map_routes(
    geospatial_map: GeospatialMap, prepare: Callable[[], Awaitable[bool]]
) -> list[Route]:
    """All routes of the interface.

    Args:
        geospatial_map: the verbs.
        prepare: answers whether what they need is ready.
    """

    async def status(_: Request) -> Reply:
        is_ready = await prepare()
        return Reply(200, wire.StatusResponse("Ready" if is_ready else "Starting", API_NAME, API_VERSION))

    async def query(request: Request) -> Reply:
        checks = request.decoded(wire.GeospatialMapQueryRequest).checks
        if len(checks) > MAX_CHECKS:
            raise TooLarge(
                f"checks has {len(checks)} items", field="checks", limit=MAX_CHECKS, actual=len(checks)
            )
        results = [await geospatial_map.check(one, f"checks[{i}]") for i, one in enumerate(checks)]
        return Reply(200, wire.GeospatialMapQueryReply(tuple(results)))

    return [
        Route(
            "GET",
            f"{BASE}/status",
            Scope.GEOSPATIAL_MAP_DIRECT.value,
            status,
            "Whether the interface is ready for a test.",
            TAG,
            answers={200: wire.StatusResponse},
            refusals=RefusalForm.ERROR_RESPONSE,
        ),
        Route(
            "POST",
            f"{BASE}/map/queries",
            Scope.GEOSPATIAL_MAP_QUERY.value,
            query,
            "Whether there are zones where and when they are asked about.",
            TAG,
            body=wire.GeospatialMapQueryRequest,
            answers={200: wire.GeospatialMapQueryReply},
            errors=(BadInput, TooLarge),
            refusals=RefusalForm.ERROR_RESPONSE,
        ),
    ]
