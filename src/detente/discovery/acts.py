"""Who writes at the discovery service, when, and with which words."""

from msgspec import Struct

from detente.web.model import Principal


class Act(Struct, frozen=True):
    """Who writes, when, and the words: what each statement is made from."""

    who: Principal
    now_ms: int
    content: bytes
    request_sha256: bytes

    @property
    def values(self) -> tuple[str, str, bytes, int]:
        """Party, account, token and time, as the verbs take them."""
        return self.who.party_id, self.who.account_id, self.who.token_sha256, self.now_ms
