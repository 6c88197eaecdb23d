"""The closing table of the recorded day, for a terminal."""

from collections import Counter

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from detente.demo.tally import Meeting, Tally

TOP_ROWS = 8


def print_tally(console: Console, tally: Tally, *, top: int = TOP_ROWS) -> None:
    """Print the closing table: counts, the largest conflicts, the ways out taken, what stayed open.

    Args:
        console: where to.
        tally: what to show.
        top: how many conflicts and how many open plans are shown one by one.
    """
    console.print(_counts(tally))
    if tally.meetings:
        console.print(_conflicts(tally, top))
    if tally.open:
        console.print(_open(tally, top))


def _counts(tally: Tally) -> Table:
    table = Table(title="The day", title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("count", justify="right")
    table.add_column("of which", overflow="fold")
    parties = ", ".join(f"{escape(party)} {count:,}" for party, count in tally.declared.items())
    inside = tally.conflicts - tally.conflicts_between_parties
    table.add_row("declared", f"{sum(tally.declared.values()):,}", f"{parties}; {tally.volumes:,} volumes")
    table.add_row("[green]accepted[/]", f"{tally.accepted:,}", "as declared")
    table.add_row(
        "[yellow]in conflict[/]",
        f"{tally.in_conflict:,}",
        f"{tally.conflicts:,} conflicts: {tally.conflicts_between_parties:,} with the other party, "
        f"{inside:,} with the party's own plans",
    )
    shifts = "; ".join(
        f"{kind} {shift.count:,} (median {shift.median:,.0f}, most {shift.largest:,.0f} {shift.unit})"
        for kind, shift in tally.shifts.items()
    )
    table.add_row(
        "[green]settled[/]", f"{tally.settled:,}", f"by the smallest way out offered: {shifts or '-'}"
    )
    table.add_row("[red]unresolved[/]", f"{tally.unresolved:,}", _why_open(tally))
    return table


def _why_open(tally: Tally) -> str:
    if not tally.open:
        return "each had a way out"
    reasons = Counter(reason for plan in tally.open for reason in plan.why)
    return (
        "; ".join(f"{escape(reason)} ({count})" for reason, count in reasons.most_common(3))
        or "no reason given"
    )


def _conflicts(tally: Tally, top: int) -> Table:
    shown = tally.meetings[:top]
    table = Table(
        title=f"In conflict: the {len(shown)} largest of {tally.conflicts:,} (all of them with --json)",
        title_justify="left",
        caption="by how much: the shared piece's thickness on the ground, its height, its duration",
        caption_justify="left",
        box=box.SIMPLE,
        padding=(0, 1, 0, 0),
    )
    # Two lines a conflict and no lines between columns: it fits into 80 columns.
    for column in ("who with whom", "where", "UTC", "by how much", "way out"):
        table.add_column(column, no_wrap=True)
    for meeting in shown:
        who, whom = escape(meeting.party_id), escape(meeting.with_party_id)
        table.add_row(
            f"{escape(meeting.plan)} [dim]{who}\nwith {whom}[/]",
            _where(meeting),
            f"{meeting.start:%H:%M:%S}\n{meeting.end:%H:%M:%S}",
            _by_how_much(meeting),
            meeting.settled_by or "[red]none[/]",
        )
    return table


def _by_how_much(meeting: Meeting) -> str:
    across_km = meeting.horizontal_depth_m / 1000
    return f"{across_km:.1f} km\n{meeting.vertical_depth_m:.0f} m, {meeting.time_depth_s:.0f} s"


def _where(meeting: Meeting) -> str:
    place = meeting.place
    north, east = "N" if place.lat_deg >= 0 else "S", "E" if place.lon_deg >= 0 else "W"
    return (
        f"{abs(place.lat_deg):.2f}{north} {abs(place.lon_deg):.2f}{east}\n"
        f"{meeting.lower_m:.0f} to {meeting.upper_m:.0f} m"
    )


def _open(tally: Tally, top: int) -> Table:
    shown = tally.open[:top]
    table = Table(title=f"Unresolved: {len(shown)} of {tally.unresolved:,}", title_justify="left")
    table.add_column("plan", no_wrap=True)
    table.add_column("of")
    table.add_column("conflicts", justify="right")
    table.add_column("why")
    for plan in shown:
        table.add_row(
            escape(plan.plan), escape(plan.party_id), str(plan.conflicts), escape("; ".join(plan.why))
        )
    return table
