"""The coded words of zones: rules, reasons, authorities, and the classes of crewed airspace.

A rule that is not stated or not known is read as a prohibition, with a note: the safe side, to be mended
by whoever knows better.
"""

import re

from detente.formats.faults import shown
from detente.formats.zone_fields import Fields
from detente.zones.model import (
    LIMITS,
    AuthorityPurpose,
    ZoneAuthority,
    ZoneKind,
    ZoneReason,
    ZoneRestriction,
)

RESTRICTIONS = {
    "PROHIBITED": ZoneRestriction.PROHIBITED,
    "REQ_AUTHORISATION": ZoneRestriction.CONSENT,
    "REQ_AUTHORIZATION": ZoneRestriction.CONSENT,
    "CONDITIONAL": ZoneRestriction.CAUTION,
    "NO_RESTRICTION": ZoneRestriction.NONE,
    "USPACE": ZoneRestriction.USPACE,
}
_OWN_WORDS = {rule.value.upper(): rule for rule in ZoneRestriction}

_CONSENT, _CAUTION, _NONE = ZoneRestriction.CONSENT, ZoneRestriction.CAUTION, ZoneRestriction.NONE
AIRSPACE_TYPES = {
    "P": ZoneRestriction.PROHIBITED,
    **dict.fromkeys(
        ("R", "CTR", "TMA", "CTA", "ATZ", "MTR", "MTA", "MATZ", "TRA", "TSA", "LTA", "UTA"), _CONSENT
    ),
    **dict.fromkeys(
        ("Q", "TMZ", "RMZ", "GP", "W", "GSEC", "ASRA", "OFR", "PJE", "ADIZ", "AWY", "TIZ"), _CAUTION
    ),
    **dict.fromkeys(("FIR", "UIR", "FIS", "TFR_INFO", "ACCSEC"), _NONE),
}
"""OpenAir's special classes (``AC``) and openAIP's types (``AY``), and what they mean for a flight."""
AIRSPACE_CLASSES = {
    **dict.fromkeys(("A", "B", "C", "D"), _CONSENT),
    **dict.fromkeys(("E", "UNC"), _CAUTION),
    **dict.fromkeys(("F", "G"), _NONE),
}
"""ICAO classes: clearance is needed in A to D for every flight."""
_DURATION = re.compile(r"P(?=[0-9T])(?:[0-9.]+[YMWD])*(?:T(?:[0-9.]+[HMS])+)?")


def restriction_of(fields: Fields, name: str) -> ZoneRestriction:
    """Read a zone's rule."""
    said = (fields.text(name) or "").upper().replace("-", "_").replace(" ", "_")
    rule = RESTRICTIONS.get(said) or _OWN_WORDS.get(said)
    if rule is None:
        fields.notes.add(f"{fields.at(name)} is {shown(fields.raw(name))}; taken as prohibited")
        return ZoneRestriction.PROHIBITED
    return rule


def airspace_restriction(kind: str | None, airspace_class: str) -> ZoneRestriction | None:
    """Say what an airspace means for a flight: by its type, if that is known, else by its class."""
    if kind in AIRSPACE_TYPES:
        return AIRSPACE_TYPES[kind]
    return AIRSPACE_TYPES.get(airspace_class) or AIRSPACE_CLASSES.get(airspace_class)


def kind_of(fields: Fields, name: str) -> ZoneKind:
    """Read for whom a zone is; common, if it is not said."""
    said = (fields.text(name) or "COMMON").upper()
    if said not in ZoneKind.__members__:
        fields.notes.add(f"{fields.at(name)} is {shown(fields.raw(name))}; taken as COMMON")
        return ZoneKind.COMMON
    return ZoneKind(said)


def reasons_of(fields: Fields, name: str = "reason") -> tuple[ZoneReason, ...]:
    """Read why a zone exists; a reason that is no code becomes OTHER."""
    found = []
    for word in fields.words(name):
        code = word.upper().replace(" ", "_")
        if code not in ZoneReason.__members__:
            fields.notes.add(f"{fields.at(name)}: {shown(word)} is no code; taken as OTHER")
            code = "OTHER"
        found.append(ZoneReason(code))
    return tuple(dict.fromkeys(found))


def country_of(fields: Fields, name: str = "country") -> str | None:
    """Read a country's three letters."""
    said = (fields.text(name) or "").upper()
    if not said or said == UNKNOWN_COUNTRY:
        return None
    if not re.fullmatch("[A-Z]{3}", said):
        fields.left_out(name, "three letters (ISO 3166-1)")
        return None
    return said


UNKNOWN_COUNTRY = "ZZZ"
"""ISO 3166-1 leaves it to its users; written where a country must stand and none is known."""


def region_of(fields: Fields, name: str = "region") -> int | None:
    """Read a region's number."""
    said = fields.raw(name)
    if said is None or said == "":
        return None
    text = str(said)
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > 65_535:  # noqa: PLR2004 - 16 bits, as the standard has it
        fields.left_out(name, "a number to 65535")
        return None
    return int(text)


def yes_of(fields: Fields, name: str) -> bool | None:
    """Read YES or NO."""
    said = str(fields.raw(name)).strip().upper()
    known = {"YES": True, "TRUE": True, "NO": False, "FALSE": False}
    if said not in known and fields.raw(name) not in (None, ""):
        fields.left_out(name, "YES or NO")
    return known.get(said)


def authorities_of(fields: Fields, name: str = "zoneAuthority") -> tuple[ZoneAuthority, ...]:
    """Read whom to ask; an entry that names nobody is left out.

    Raises:
        Missed: it is no list of objects, or too long.
    """
    found = []
    for item in fields.children(name, LIMITS.authorities):
        authority = _authority(item)
        if authority == ZoneAuthority(authority.purpose):
            item.notes.add(f"{item.path} left out: it names nobody")
        else:
            found.append(authority)
    return tuple(found)


def _authority(item: Fields) -> ZoneAuthority:
    said = (item.text("purpose") or "").upper().replace("ISATION", "IZATION")
    if said not in AuthorityPurpose.__members__:
        item.notes.add(f"{item.at('purpose')} is {shown(item.raw('purpose'))}; taken as INFORMATION")
        said = "INFORMATION"
    before = item.text("intervalBefore")
    if before and not _DURATION.fullmatch(before):
        item.left_out("intervalBefore", "an ISO 8601 duration, such as P1D")
        before = None
    return ZoneAuthority(
        purpose=AuthorityPurpose(said),
        name=item.texts("name"),
        service=item.texts("service"),
        contact_name=item.texts("contactName"),
        site_url=item.text("siteURL"),
        email=item.text("email"),
        phone=item.text("phone"),
        interval_before=before,
    )
