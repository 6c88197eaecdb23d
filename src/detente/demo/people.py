"""Opens a new exchange for the demo and enrols its parties, each with an account and a secret of its own."""

import asyncio
import time
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from detente.client import Client
from detente.demo.home import DemoHome
from detente.parties.model import (
    EXCHANGE_PARTY,
    LOCAL_ACCOUNT,
    AccountBody,
    AccountSecret,
    Act,
    PartyBody,
    Role,
)
from detente.parties.service import PartiesService
from detente.parties.signing import AccessSettings
from detente.store import EmbeddedPostgres, migrate, open_pool

EXCHANGE_NAME = "Détente demo"


class Enrolment(Struct, frozen=True):
    """A party of the demo, and the role of its account."""

    party_id: str
    name: str
    role: Role = Role.PLANNER
    priority_limit: int = 0


class Seat(Struct, frozen=True):
    """An account with its secret; made anew at every run."""

    party_id: str
    role: str
    account_id: str
    secret: str

    def __repr__(self) -> str:
        """Name the account, never the secret."""
        return f"Seat({self.party_id!r}, {self.role!r}, {self.account_id!r})"


def open_exchange(home: DemoHome) -> Seat:
    """Create the exchange's database with its first administrator, and leave it stopped.

    Args:
        home: made fresh.

    Returns:
        The administrator's seat.

    Raises:
        StoreRefused, StoreUnavailable: if the database cannot be made there.
    """
    with EmbeddedPostgres.start(home.exchange) as database:
        answer = asyncio.run(_begin(database.dsn))
    return _seat(EXCHANGE_PARTY, answer)


def enrol(administrator: Client, enrolments: Sequence[Enrolment]) -> list[Seat]:
    """Add parties with one account each, through the administrator's API.

    Args:
        administrator: a client with the administrator's token.
        enrolments: who takes part.

    Returns:
        One seat each, in the same order.
    """
    seats = []
    for one in enrolments:
        administrator.put_party(one.party_id, PartyBody(name=one.name, priority_limit=one.priority_limit))
        answer = administrator.add_account(one.party_id, AccountBody(name=f"{one.name} desk", role=one.role))
        seats.append(_seat(one.party_id, answer))
    return seats


def write_credentials(home: DemoHome, url: str, seats: Sequence[Seat], links: Sequence[object]) -> None:
    """Leave seats and links in a file that only this user can read, for whoever wants to go on by hand."""
    content: Mapping[str, object] = {
        "url": url,
        "token_url": f"{url}/v1/token",
        "accounts": seats,
        "links": links,
    }
    encoded = msgspec.json.format(msgspec.json.encode(content), indent=2)
    home.write_private(home.credentials, encoded.decode() + "\n")


async def _begin(dsn: str) -> AccountSecret:
    await migrate(dsn)
    pool = await open_pool(dsn, max_size=2)
    try:
        # The issuer is what tokens will say; the server brings its own, and nothing of this one is stored.
        access = AccessSettings(issuer="http://127.0.0.1", audiences=("127.0.0.1",))
        service = PartiesService(pool, access, clock_ms=now_ms)
        act = Act(EXCHANGE_PARTY, LOCAL_ACCOUNT, None, now_ms(), b"{}")
        return await service.begin(EXCHANGE_NAME, "demo administrator", act)
    finally:
        await pool.close()


def _seat(party_id: str, answer: AccountSecret) -> Seat:
    account = answer.account
    return Seat(party_id, account.role.value, str(account.account_id), answer.secret or "")


def now_ms() -> int:
    """The present, in ms since 1970."""
    return time.time_ns() // 1_000_000
