"""Floors and ceilings of zones as files write them: numbers with a reference, or words such as ``FL 95``.

What a limit does not say is read on the safe side: a floor becomes the ground, a ceiling none.
"""

import re
from typing import NamedTuple

from detente.formats.faults import shown
from detente.formats.zone_fields import Fields, Missed, Notes
from detente.geo.limits import MAX_ALTITUDE_M, MIN_ALTITUDE_M, MIN_THICKNESS_M
from detente.geo.model import Datum

FOOT_M = 0.3048
FLIGHT_LEVEL_M = 100 * FOOT_M
NO_CEILING = 99_999.0
"""Feeds write this for "no ceiling", in metres and in feet."""
_NO_CEILING_FL = 999.0
_REFERENCES = {
    "AGL": Datum.AGL,
    "GND": Datum.AGL,
    "SFC": Datum.AGL,
    "ASFC": Datum.AGL,
    "AMSL": Datum.AMSL,
    "MSL": Datum.AMSL,
    "ALT": Datum.AMSL,
    "WGS84": Datum.WGS84,
    "W84": Datum.WGS84,
    "STD": Datum.STD,
}
_UNITS = {"": FOOT_M, "FT": FOOT_M, "F": FOOT_M, "FEET": FOOT_M, "M": 1.0, "MTR": 1.0}
_LEVEL = re.compile(r"FL ?([0-9]{1,4}(?:\.[0-9]+)?)")
_HEIGHT = re.compile(r"([0-9]{1,6}(?:\.[0-9]+)?) ?(FT|FEET|F|MTR|M|) ?(AGL|GND|SFC|ASFC|AMSL|MSL|ALT|STD|)")


class Limit(NamedTuple):
    """One height; ``height_m`` None: as far as there is."""

    height_m: float | None
    datum: Datum


GROUND = Limit(0.0, Datum.AGL)
UNLIMITED = Limit(None, Datum.AGL)


class Limits(NamedTuple):
    """A floor and a ceiling."""

    lower: Limit
    upper: Limit


_WORDS = (
    dict.fromkeys(("GND", "SFC", "GROUND", "SURFACE", "AGL", "ASFC", "0"), GROUND)
    | dict.fromkeys(("UNL", "UNLD", "UNLIM", "UNLTD", "UNLIMITED"), UNLIMITED)
    | dict.fromkeys(("MSL", "AMSL"), Limit(0.0, Datum.AMSL))
)


def parse_limit(text: str, field: str, notes: Notes) -> Limit:
    """Read a limit of an OpenAir file.

    Args:
        text: such as ``GND``, ``FL95``, ``4500ft MSL``, ``1000 AGL``, ``UNLD``; feet if no unit is said,
            above mean sea level if no reference is.
        field: where it stands.
        notes: told what was assumed.

    Returns:
        The limit in metres.

    Raises:
        Missed: it cannot be read.
    """
    said = " ".join(text.upper().split())
    if said in _WORDS:
        return _WORDS[said]
    if level := _LEVEL.fullmatch(said):
        if float(level[1]) >= _NO_CEILING_FL:
            notes.add(f"{field}: {shown(text)} stands for no limit")
            return UNLIMITED
        return Limit(round(float(level[1]) * FLIGHT_LEVEL_M, 6), Datum.STD)
    height = _HEIGHT.fullmatch(said)
    if height is None:
        raise Missed(field, "a height, such as GND, 4500ft MSL, 1000ft AGL, FL95, UNL", shown(text))
    if float(height[1]) >= NO_CEILING:
        notes.add(f"{field}: {shown(text)} stands for no limit")
        return UNLIMITED
    if not height[2] and not height[3]:
        notes.add(
            f"{field}: {shown(text)} has neither unit nor reference; taken as feet above mean sea level"
        )
    datum = _REFERENCES.get(height[3], Datum.AMSL)
    return Limit(round(float(height[1]) * _UNITS[height[2]], 6), datum)


class LimitNames(NamedTuple):
    """How a format calls the members of a band."""

    lower: str
    lower_reference: str
    upper: str
    upper_reference: str
    unit: str


def _unit_m(fields: Fields, name: str) -> float:
    said = fields.raw(name)
    if said is None:
        return 1.0
    unit = _UNITS.get(str(said).strip().upper()) if isinstance(said, str) and said.strip() else None
    if unit is None:
        raise fields.missed(name, "M or FT")
    return unit


def _reference(fields: Fields, name: str, value: str) -> Datum:
    said = fields.raw(name)
    if said is None or said == "":
        fields.notes.add(f"{fields.at(value)} has no reference; taken as above ground")
        return Datum.AGL
    datum = _REFERENCES.get(said.strip().upper()) if isinstance(said, str) else None
    if datum is None:
        raise fields.missed(name, "AGL, AMSL or WGS84")
    return datum


def limits_of(fields: Fields, names: LimitNames) -> Limits:
    """Read a floor and a ceiling that are numbers with a unit and a reference.

    Args:
        fields: the object that holds them.
        names: how they are called.

    Returns:
        The limits in metres.

    Raises:
        Missed: one is there and cannot be read, or the ceiling is not above the floor.
    """
    unit_m = _unit_m(fields, names.unit)
    floor, ceiling = fields.number(names.lower), fields.number(names.upper)
    lower, upper = GROUND, UNLIMITED
    if floor is None:
        fields.notes.add(f"{fields.at(names.lower)} is absent: the zone begins at the ground")
    elif floor > 0 and fields.raw(names.lower_reference) in (None, ""):
        fields.notes.add(f"{fields.at(names.lower)} has no reference: the zone begins at the ground")
    else:
        lower = Limit(round(floor * unit_m, 6), _reference(fields, names.lower_reference, names.lower))
    if ceiling is None:
        fields.notes.add(f"{fields.at(names.upper)} is absent: the zone has no ceiling")
    elif ceiling >= NO_CEILING:
        fields.notes.add(f"{fields.at(names.upper)} of {ceiling:g} stands for no ceiling")
    else:
        upper = Limit(round(ceiling * unit_m, 6), _reference(fields, names.upper_reference, names.upper))
    return checked(Limits(lower, upper), fields.at(names.upper))


def checked(limits: Limits, field: str) -> Limits:
    """Refuse limits that are out of range or have no height between them.

    Raises:
        Missed: they are or have not.
    """
    for limit in limits:
        if limit.height_m is not None and not MIN_ALTITUDE_M <= limit.height_m <= MAX_ALTITUDE_M:
            raise Missed(
                field, f"{MIN_ALTITUDE_M:,.0f} to {MAX_ALTITUDE_M:,.0f} m", f"{limit.height_m:,.1f} m"
            )
    (low_m, low_datum), (high_m, high_datum) = limits
    if low_m is None:
        raise Missed(field, "a floor", "no limit")
    if high_m is not None and high_datum is low_datum and high_m - low_m < MIN_THICKNESS_M:
        raise Missed(field, "a ceiling above the floor", f"{high_m:g} m over a floor of {low_m:g} m")
    if high_m is not None and high_datum is Datum.AGL and high_m < MIN_THICKNESS_M:
        raise Missed(field, "a ceiling above the ground", f"{high_m:g} m")
    return limits
