"""The nouns of the console's sessions: links, sessions, and what travels about them; no repr shows a code."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct


class LinkBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Signing in: the code of a one-time link."""

    link: Annotated[str, Meta(max_length=200, description="The code that follows #link= in the link")]

    def __repr__(self) -> str:
        """Keep the code out of logs."""
        return "LinkBody(...)"


class SessionView(Struct, frozen=True):
    """Who is signed in, as what, and until when at the latest."""

    party_id: str
    party_name: str
    account_id: str
    account_name: str
    role: str
    scopes: tuple[str, ...]
    """What the role holds now."""
    languages: tuple[str, ...]
    """The party's, the preferred one first."""
    expires: datetime
    """The end, whatever happens; it ends earlier when it is not used for an hour."""
    exchange_name: str


class OpenSession(Struct, frozen=True):
    """One of a party's open sessions, as that party's people see it."""

    session_id: str
    account_id: str
    account_name: str
    role: str
    made: datetime
    seen: datetime
    """To within a minute."""
    expires: datetime
    is_this: bool
    """Whether it is the session that asks."""


class SessionList(Struct, frozen=True):
    """A party's open sessions, oldest first."""

    sessions: tuple[OpenSession, ...]


class Link(Struct, frozen=True):
    """A one-time link as it was just made; its code exists nowhere else."""

    link_id: str
    account_id: str
    code: str
    expires: datetime

    def __repr__(self) -> str:
        """Name the link, never the code."""
        return f"Link({self.link_id!r}, {self.account_id!r})"


class SessionRow(Struct, frozen=True):
    """A session that is open, with who it is by now."""

    session_id: str
    made_ms: int
    seen_ms: int
    expires_ms: int
    account_id: str
    account_name: str
    role: str
    party_id: str
    party_name: str
    languages: tuple[str, ...]
    exchange_name: str


class NewSession(Struct, frozen=True):
    """A session as it was just opened, with the value for its cookie, which exists nowhere else."""

    session: SessionRow
    cookie: str

    def __repr__(self) -> str:
        """Name the session, never the cookie."""
        return f"NewSession({self.session.session_id!r})"
