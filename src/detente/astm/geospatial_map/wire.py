"""The messages of InterUSS' geospatial map interface.

The document requires two members under another spelling than it describes them with; what it describes holds.

Source: geospatial_map.yaml 0.2.3.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from detente.astm.f3548.wire import Circle, LatLngPoint, Message, Polygon, Time
from detente.plans.model import Uuid

Instant = Annotated[datetime, Meta(tz=True)]


class StatusResponse(Message, frozen=True):
    """Whether this interface is ready."""

    status: Literal["Starting", "Ready"]
    api_name: str | None = None
    api_version: str | None = None


class GeospatialHttpsSource(Message, frozen=True):
    """Where data are to be fetched."""

    url: str
    format: Literal["ED-269"] | None = None


class CreateGeospatialDataSourceRequest(Message, frozen=True):
    """Data to be taken in."""

    https_source: GeospatialHttpsSource | None = None


class GeospatialDataSourceStatus(Message, frozen=True):
    """How far a data source is."""

    id: Uuid
    status: Literal["Activating", "Ready", "Deactivating", "Deactivated", "Unsupported", "Rejected", "Error"]
    message: str | None = None
    """Required for the last three."""


class GeospatialDataSourceResponse(Message, frozen=True):
    """One data source."""

    data_source: GeospatialDataSourceStatus


class ListGeospatialDataSourcesResponse(Message, frozen=True):
    """All data sources."""

    data_sources: tuple[GeospatialDataSourceStatus, ...] | None = None


class Altitude(Message, frozen=True):
    """Metres or feet above the ellipsoid or the ground: wider than the standard's own."""

    value: Annotated[float, Meta(ge=-8_000.0, le=100_000.0)]
    reference: Literal["W84", "SFC"]
    units: Literal["M", "FT"]


class Volume3D(Message, frozen=True):
    """A shape between two altitudes."""

    outline_circle: Circle | None = None
    outline_polygon: Polygon | None = None
    altitude_lower: Altitude | None = None
    altitude_upper: Altitude | None = None


class Volume4D(Message, frozen=True):
    """A volume from one time to another."""

    volume: Volume3D
    time_start: Time | None = None
    time_end: Time | None = None


class Position(Message, frozen=True):
    """A place, at a height or at any."""

    location: LatLngPoint
    altitude: Altitude | None = None


class ED269Filters(Message, frozen=True):
    """Zones of this class and these restrictions."""

    u_space_class: Annotated[str, Meta(max_length=100)] | None = None
    acceptable_restrictions: (
        tuple[Literal["PROHIBITED", "REQ_AUTHORISATION", "CONDITIONAL", "NO_RESTRICTION"], ...] | None
    ) = None


class GeospatialFeatureFilterSet(Message, frozen=True):
    """Zones to which all of this applies."""

    position: Position | None = None
    volumes4d: tuple[Volume4D, ...] | None = None
    after: Instant | None = None
    before: Instant | None = None
    restriction_source: str | None = None
    operation_rule_set: str | None = None
    resulting_operational_impact: Literal["Block", "Advise", "BlockOrAdvise"] | None = None
    ed269: ED269Filters | None = None


class GeospatialMapCheck(Message, frozen=True):
    """Zones to which any of these sets applies."""

    filter_sets: tuple[GeospatialFeatureFilterSet, ...]


class GeospatialMapQueryRequest(Message, frozen=True):
    """What to look for."""

    checks: tuple[GeospatialMapCheck, ...]


class GeospatialMapCheckResult(Message, frozen=True):
    """Whether there are such zones."""

    features_selection_outcome: Literal["Present", "Absent", "UnsupportedFilter", "Error"]
    message: str | None = None
    """Required for the last two."""


class GeospatialMapQueryReply(Message, frozen=True):
    """A result for each check, in their order."""

    results: tuple[GeospatialMapCheckResult, ...] | None = None
