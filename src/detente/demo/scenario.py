"""The plans of the offline story, read from GeoJSON that ships with the package."""

from datetime import datetime, timedelta
from importlib.resources import files
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from detente.geo.model import Circle, Corridor, Datum, LatLon, Polygon, Shape
from detente.plans.model import PlanBody, PlanVolume, Sharing

Position = tuple[float, float]
"""Longitude and latitude, as GeoJSON orders them."""


class PointGeometry(Struct, frozen=True, tag="Point"):
    """The centre of a circle."""

    coordinates: Position


class LineGeometry(Struct, frozen=True, tag="LineString"):
    """The middle of a corridor."""

    coordinates: tuple[Position, ...]


class PolygonGeometry(Struct, frozen=True, tag="Polygon"):
    """One ring, closed."""

    coordinates: tuple[tuple[Position, ...]]


class Properties(Struct, frozen=True, forbid_unknown_fields=True):
    """The documented properties of a plan's feature, with times in minutes from the story's beginning."""

    id: str
    party: str
    title: str
    priority: int
    start_min: Annotated[int, Meta(ge=1)]
    end_min: int
    lower_m: float
    upper_m: float
    datum: Datum
    radius_m: float = 0.0
    width_m: float = 0.0


class ScenarioFeature(Struct, frozen=True):
    """One plan of one volume."""

    type: Literal["Feature"]
    properties: Properties
    geometry: PointGeometry | LineGeometry | PolygonGeometry


class Scenario(Struct, frozen=True):
    """All plans of the story."""

    type: Literal["FeatureCollection"]
    features: tuple[ScenarioFeature, ...]


def load_scenario() -> dict[str, ScenarioFeature]:
    """Read the story's plans, by id."""
    content = files("detente.demo").joinpath("scenario.geojson").read_bytes()
    scenario = msgspec.json.decode(content, type=Scenario)
    return {feature.properties.id: feature for feature in scenario.features}


def body_of(feature: ScenarioFeature, begin: datetime) -> PlanBody:
    """Make the plan that a feature describes.

    Args:
        feature: one plan of one volume.
        begin: the instant from which its minutes count.

    Returns:
        The plan, fully shared: everybody in the story works on one incident.
    """
    about = feature.properties
    volume = PlanVolume(
        shape=_shape(feature),
        lower_m=about.lower_m,
        upper_m=about.upper_m,
        start=begin + timedelta(minutes=about.start_min),
        end=begin + timedelta(minutes=about.end_min),
        datum=about.datum,
    )
    return PlanBody(volumes=(volume,), title=about.title, priority=about.priority, sharing=Sharing.FULL)


def _shape(feature: ScenarioFeature) -> Shape:
    geometry = feature.geometry
    if isinstance(geometry, PointGeometry):
        return Circle(_place(geometry.coordinates), feature.properties.radius_m)
    if isinstance(geometry, LineGeometry):
        return Corridor(tuple(map(_place, geometry.coordinates)), feature.properties.width_m)
    return Polygon(tuple(map(_place, geometry.coordinates[0][:-1])))


def _place(position: Position) -> LatLon:
    return LatLon(lat_deg=position[1], lon_deg=position[0])
