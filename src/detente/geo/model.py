"""The nouns of place and time: shapes on the ellipsoid, altitude bands with their datum, volumes.

Everything is WGS 84, in degrees, metres and milliseconds since 1970-01-01T00:00:00Z. Edges of a
polygon or a corridor are shortest paths on the ellipsoid (F3548-21 OpenAPI, Polygon).
"""

from enum import StrEnum

from msgspec import Struct


class Datum(StrEnum):
    """What an altitude is measured from."""

    WGS84 = "WGS84"
    """Metres above the WGS 84 ellipsoid."""
    AMSL = "AMSL"
    """Metres above mean sea level (EGM96 geoid)."""
    STD = "STD"
    """Pressure altitude: metres in the standard atmosphere above 1013.25 hPa; flight levels."""
    AGL = "AGL"
    """Metres above ground; needs terrain data."""


class LatLon(Struct, frozen=True, forbid_unknown_fields=True):
    """A position on the ellipsoid: latitude -90..90, longitude -180..180, degrees."""

    lat_deg: float
    lon_deg: float


class Circle(Struct, frozen=True, forbid_unknown_fields=True, tag="circle", tag_field="kind"):
    """All points nearer than ``radius_m`` (geodesic distance) to the centre."""

    center: LatLon
    radius_m: float


class Polygon(Struct, frozen=True, forbid_unknown_fields=True, tag="polygon", tag_field="kind"):
    """A ring of 3 or more vertices, the first not repeated, wound either way; inside is the smaller side."""

    vertices: tuple[LatLon, ...]


class Corridor(Struct, frozen=True, forbid_unknown_fields=True, tag="corridor", tag_field="kind"):
    """All points nearer than half of ``width_m`` to a line of 2 or more positions (its ends are round)."""

    path: tuple[LatLon, ...]
    width_m: float


Shape = Circle | Polygon | Corridor


class Volume(Struct, frozen=True, forbid_unknown_fields=True):
    """A closed area on the ground, a lower and an upper altitude, a start and an end."""

    shape: Shape
    lower_m: float
    upper_m: float
    start_ms: int
    end_ms: int
    datum: Datum = Datum.WGS84


class Separation(Struct, frozen=True, forbid_unknown_fields=True):
    """How far two parties keep apart: closer than all three at once is a conflict. Zero: only no overlap."""

    horizontal_m: float = 0.0
    vertical_m: float = 0.0
    time_s: float = 0.0


class Overlap(Struct, frozen=True):
    """The piece that two volumes share, after the separation is put between them.

    Depths say by how much: the thickness of the shared piece on the ground, its height, its duration.
    With a separation they count the metres and seconds that are missing from it.
    """

    start_ms: int
    end_ms: int
    lower_m: float
    upper_m: float
    datum: Datum
    """What ``lower_m`` and ``upper_m`` are measured from: the volumes' datum if they share it, else WGS84."""
    horizontal_depth_m: float
    vertical_depth_m: float
    time_depth_s: float
    place: LatLon
    """A point inside the shared piece."""
    outline: tuple[tuple[LatLon, ...], ...]
    """The shared piece on the ground: one ring per part, first vertex not repeated, counter-clockwise."""
