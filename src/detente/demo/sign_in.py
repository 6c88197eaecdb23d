"""One-time links that sign in at the demo's console, one for each account; made anew at every run."""

import asyncio
import shlex
from collections.abc import Sequence

import msgspec
from msgspec import Struct
from rich.console import Console

from detente.console.session_rules import MAX_LINK_S, link_url
from detente.console.sessions import ConsoleSessions
from detente.demo.home import DemoHome
from detente.demo.people import Seat, now_ms
from detente.errors import StoreUnavailable
from detente.parties.model import EXCHANGE_PARTY, LOCAL_ACCOUNT, Act
from detente.store import open_pool, running_dsn


class SignIn(Struct, frozen=True):
    """A link that signs one account in, once, while the demo runs (a day at most)."""

    party_id: str
    role: str
    link: str
    another: str
    """The command that makes another one."""

    def __repr__(self) -> str:
        """Name the account's party, never the link."""
        return f"SignIn({self.party_id!r}, {self.role!r})"


def make_links(home: DemoHome, url: str, seats: Sequence[Seat]) -> tuple[SignIn, ...]:
    """Make a link for each seat, on the demo's own database, as its host.

    Args:
        home: whose exchange runs.
        url: where it answers.
        seats: whom to let in.

    Returns:
        One link each, in the same order.

    Raises:
        StoreUnavailable: if the exchange's database does not run.
    """
    dsn = running_dsn(home.exchange)
    if dsn is None:
        raise StoreUnavailable("the demo's database does not run")
    codes = asyncio.run(_codes(dsn, seats))
    return tuple(
        SignIn(seat.party_id, seat.role, link_url(url, code), _command(home, url, seat))
        for seat, code in zip(seats, codes, strict=True)
    )


def print_links(console: Console, links: Sequence[SignIn]) -> None:
    """Print the links, each on a line that a terminal lets one click, and how to get another."""

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    say("Sign in at the console, with each link once:")
    for one in links:
        say(f"  {one.party_id} ({one.role}): {one.link}")
    if links:
        say(f"Another link: {links[0].another}")


async def _codes(dsn: str, seats: Sequence[Seat]) -> list[str]:
    pool = await open_pool(dsn, max_size=1)
    try:
        sessions = ConsoleSessions(pool)
        codes = []
        for seat in seats:
            content = msgspec.json.encode({"account_id": seat.account_id, "minutes": MAX_LINK_S // 60})
            act = Act(EXCHANGE_PARTY, LOCAL_ACCOUNT, None, now_ms(), content)
            codes.append((await sessions.make_link(seat.account_id, act, good_s=MAX_LINK_S)).code)
        return codes
    finally:
        await pool.close()


def _command(home: DemoHome, url: str, seat: Seat) -> str:
    words = ["detente", "console", "link", seat.party_id, "--account", seat.account_id]
    return shlex.join([*words, "--data", str(home.exchange), "--url", url])
