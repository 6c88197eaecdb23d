"""The separations between pairs of parties: read for every decision, changed by an authority."""

from collections.abc import Callable

from msgspec import Struct

from detente.errors import BadInput, NotFound
from detente.geo.model import Separation
from detente.plans import store
from detente.plans.directory import Directory
from detente.plans.model import SeparationRule
from detente.plans.rules import EVERYONE, SeparationRules, pair_key
from detente.store import Pool
from detente.web.model import Principal

_FRESH_MS = 1_000


class SeparationsNow(Struct, frozen=True):
    """All rules with the count of their changes."""

    epoch: int
    rules: SeparationRules


class Separations:
    """Rules in a short-lived copy; a write decided with an old copy is noticed by its epoch and repeated.

    Args:
        pool: database connections.
        directory: who takes part; a rule about somebody else would keep nobody apart.
        now_ms: the clock, ms since 1970-01-01 UTC.
    """

    def __init__(self, pool: Pool, directory: Directory, now_ms: Callable[[], int]) -> None:
        self._pool = pool
        self._directory = directory
        self._now_ms = now_ms
        self._held: SeparationsNow | None = None
        self._read_ms = 0

    async def now(self) -> SeparationsNow:
        """The rules, at most a second old."""
        now_ms = self._now_ms()
        held = self._held
        if held is None or not 0 <= now_ms - self._read_ms < _FRESH_MS:
            held = await self.reload()
        return held

    async def reload(self) -> SeparationsNow:
        """The rules as they stand in the database."""
        now_ms = self._now_ms()
        epoch, rules = await store.separations(self._pool)
        self._held, self._read_ms = SeparationsNow(epoch, rules), now_ms
        return self._held

    async def list(self) -> tuple[SeparationRule, ...]:
        """All rules, those for everyone first."""
        current = await self.reload()
        return tuple(
            SeparationRule(
                party_a=b if a == EVERYONE else a,
                party_b=None if a == EVERYONE else b,
                horizontal_m=separation.horizontal_m,
                vertical_m=separation.vertical_m,
                time_s=separation.time_s,
            )
            for (a, b), separation in current.rules.items()
        )

    async def put(self, who: Principal, rule: SeparationRule, request: bytes) -> SeparationRule:
        """Set how far a pair of parties keeps apart; it holds for plans declared from now on.

        Raises:
            BadInput: if a party is not named, or there is no such party.
        """
        pair = _pair(rule.party_a, rule.party_b)
        await self._require_party("party_a", rule.party_a)
        if rule.party_b is not None:
            await self._require_party("party_b", rule.party_b)
        separation = Separation(rule.horizontal_m, rule.vertical_m, rule.time_s)
        await self._write(who, pair, separation, request)
        return rule

    async def delete(self, who: Principal, party_a: str, party_b: str | None) -> None:
        """Remove the separation of a pair.

        Raises:
            NotFound: if the pair has none.
        """
        request = f'{{"party_a":"{party_a}","party_b":"{party_b or EVERYONE}"}}'.encode()
        if not await self._write(who, _pair(party_a, party_b), None, request):
            raise NotFound(f"there is no separation between {party_a} and {party_b or 'everyone'}")

    async def _require_party(self, field: str, party_id: str) -> None:
        if not await self._directory.exists(party_id):
            raise BadInput(
                f"there is no party {party_id[:100]}; the rule would keep nobody apart",
                field=field,
                expected="the id of a party of this exchange",
                actual=party_id[:100],
            )

    async def _write(
        self, who: Principal, pair: tuple[str, str], separation: Separation | None, request: bytes
    ) -> bool:
        changed = await store.write_separation(
            self._pool,
            store.SeparationWrite(
                pair=pair,
                separation=separation,
                party_id=who.party_id,
                account_id=who.account_id,
                token_sha256=who.token_sha256,
                now_ms=self._now_ms(),
                request=request,
            ),
        )
        self._held = None
        return changed


def _pair(party_a: str, party_b: str | None) -> tuple[str, str]:
    if not party_a or party_b == EVERYONE:
        raise BadInput(
            "a separation names one or two parties",
            field="party_b" if party_a else "party_a",
            expected="a party's id, or null for everyone",
            actual=party_b if party_a else party_a,
        )
    return pair_key(party_a, party_b or EVERYONE)
