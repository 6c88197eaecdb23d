"""Conflicts and ways out in a few words, safe to print whoever wrote what is in them."""

from rich.markup import escape

from detente.cli.check import printable
from detente.plans.model import Conflict, WayOut, WaysOut


def plain(text: str) -> str:
    """Make text of a file or of another party safe to print: it neither steers the terminal nor marks up."""
    return escape(printable(text))


def conflict_texts(conflict: Conflict) -> tuple[str, str, str, str]:
    """Say whom, where, when and how deep, each in a few words."""
    whom = conflict.party_id + (f" {conflict.plan_id[:8]}" if conflict.plan_id else "")
    if conflict.rule == "separation":
        whom += " (separation)"
    where = (
        f"{conflict.place.lat_deg:.4f} {conflict.place.lon_deg:.4f}, "
        f"{conflict.lower_m:.0f} to {conflict.upper_m:.0f} m {conflict.datum.value}"
    )
    when = f"{conflict.start:%Y-%m-%d %H:%M:%S} to {conflict.end:%H:%M:%S}"
    depth = (
        f"{conflict.horizontal_depth_m:.0f} m across, {conflict.vertical_depth_m:.0f} m high, "
        f"{conflict.time_depth_s:.0f} s"
    )
    return whom, where, when, depth


def shift_text(way: WayOut) -> str:
    """Say a shift in a few words, such as ``120 s later``."""
    parts: list[tuple[float, str, str, str]] = [
        (way.shift_s, "s", "later", "earlier"),
        (way.shift_up_m, "m", "up", "down"),
        (way.shift_north_m, "m", "north", "south"),
        (way.shift_east_m, "m", "east", "west"),
    ]
    return ", ".join(
        f"{abs(value):.0f} {unit} {more if value > 0 else less}" for value, unit, more, less in parts if value
    )


def ways_out_text(ways: WaysOut) -> str:
    """Say what is offered, smallest first, and what is not, with the reason."""
    offers = "ways out: " + "; ".join(shift_text(way) for way in ways.offers) if ways.offers else "no way out"
    none = "; ".join(f"{one.kind.value}: {one.why}" for one in ways.none)
    return f"{offers} ({none})" if none else offers
