"""``detente plans --refused``: who was refused, what was in the way, and what settled it, for a terminal."""

import math
from collections.abc import Sequence

import click
import msgspec
from rich.console import Console
from rich.table import Table

from detente.cli.words import plain
from detente.plans.model import Conflict
from detente.plans.refusal_model import RefusalView, Settlement, SettlementKind

_WORDS = {
    SettlementKind.NONE: "still refused",
    SettlementKind.AS_DECLARED: "accepted as declared",
    SettlementKind.CHANGED: "changed",
    SettlementKind.ENDED: "ended",
}
_SHOWN = 3
"""Plans in the way that one row names."""


def print_refusals(refusals: Sequence[RefusalView], *, as_json: bool) -> None:
    """Print refusals as a table, or as JSON as the API gives them."""
    if as_json:
        click.echo(msgspec.json.encode(refusals).decode())
        return
    table = Table()
    for column in ("refused (UTC)", "party", "plan", "in the way", "settled by"):
        table.add_column(column, overflow="fold")
    for refusal in refusals:
        way = [say_way(conflict) for conflict in refusal.conflicts[:_SHOWN]]
        more = len(refusal.conflicts) - len(way)
        table.add_row(
            f"{refusal.at:%Y-%m-%d %H:%M:%S}",
            plain(refusal.party_id) + (" (you)" if refusal.is_mine else ""),
            "-" if refusal.plan_id is None else f"{refusal.plan_id}\n{plain(refusal.title or '')}".strip(),
            "\n".join(way + ([f"and {more} more"] if more else [])),
            say_settlement(refusal.settlement),
        )
    console = Console()
    console.print(table)
    console.print(f"{len(refusals)} refusals, {sum(one.settlement.is_settled for one in refusals)} settled")


def say_way(conflict: Conflict) -> str:
    """Say in one line what was in the way: whose plan, where, when."""
    place = conflict.place
    which = "" if conflict.plan_id is None else f" {conflict.plan_id[:8]}"
    return (
        f"{plain(conflict.party_id)}{which}: {place.lat_deg:.4f} {place.lon_deg:.4f}, "
        f"{conflict.lower_m:.0f} to {conflict.upper_m:.0f} m {conflict.datum.value}, "
        f"{conflict.start:%Y-%m-%d %H:%M:%S} to {conflict.end:%H:%M:%S}"
    )


def say_settlement(settlement: Settlement) -> str:
    """Say in a few words what settled a refusal, as far as the account may know."""
    kind = settlement.kind
    if kind is None:
        return "settled" if settlement.is_settled else "still refused"
    if settlement.shift_s is not None:
        return f"{abs(settlement.shift_s):g} s {'later' if settlement.shift_s > 0 else 'earlier'}"
    if settlement.shift_up_m is not None:
        return f"{abs(settlement.shift_up_m):g} m {'higher' if settlement.shift_up_m > 0 else 'lower'}"
    if settlement.shift_east_m is not None and settlement.shift_north_m is not None:
        far_m = math.hypot(settlement.shift_east_m, settlement.shift_north_m)
        bearing = math.degrees(math.atan2(settlement.shift_east_m, settlement.shift_north_m)) % 360
        return f"{far_m:,.1f} m towards {bearing:03.0f}°"
    return _WORDS[kind]
