"""The discovery service of ASTM F3548-21: its eighteen operations. Translates and decides nothing."""

from detente.astm.f3548.dss_arbitration import arbitration_routes
from detente.astm.f3548.dss_references import reference_routes
from detente.astm.f3548.dss_subscriptions import subscription_routes
from detente.astm.f3548.dss_zones import zone_routes
from detente.astm.f3548.routing import Wire
from detente.discovery.arbitration import Arbitration
from detente.discovery.references import References
from detente.discovery.subscriptions import Subscriptions
from detente.discovery.zones import ZoneReferences
from detente.web.model import Route


def discovery_routes(
    at: Wire,
    references: References,
    zones: ZoneReferences,
    subscriptions: Subscriptions,
    arbitration: Arbitration,
) -> list[Route]:
    """All routes under ``/dss/v1``."""
    return [
        *reference_routes(references, at),
        *zone_routes(zones, at),
        *subscription_routes(subscriptions, references, zones, at),
        *arbitration_routes(arbitration),
    ]
