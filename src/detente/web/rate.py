"""A token bucket per account, in the memory of one process.

It protects the server from a runaway client; it decides nothing that must hold across processes. With
``n`` processes an account may get up to ``n`` times the rate.
"""

from collections import OrderedDict
from math import ceil

from detente.errors import TooMany


class RateLimit:
    """Buckets that fill at ``rate_per_s`` up to ``burst``; the longest unused account is forgotten first.

    Args:
        rate_per_s: requests a second that an account may send over time; 0 switches the limit off.
        burst: requests that it may send at once after a pause.
        accounts: how many accounts are remembered, which bounds the memory.
    """

    def __init__(self, *, rate_per_s: float, burst: int, accounts: int) -> None:
        self._rate_per_s = rate_per_s
        self._burst = float(burst)
        self._accounts = accounts
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(self, account_id: str, now_s: float) -> None:
        """Take one request from the account's bucket.

        Args:
            account_id: whose bucket.
            now_s: seconds of a clock that never goes back.

        Raises:
            TooMany: if the bucket is empty; ``retry_after_s`` says when it no longer is.
        """
        if self._rate_per_s <= 0:
            return
        buckets = self._buckets
        level, seen_s = buckets.pop(account_id, (self._burst, now_s))
        level = min(self._burst, level + (now_s - seen_s) * self._rate_per_s)
        if level < 1.0:
            buckets[account_id] = (level, now_s)
            raise TooMany(
                f"this account sent more than {self._rate_per_s:g} requests a second",
                limit=self._rate_per_s,
                retry_after_s=max(1, ceil((1.0 - level) / self._rate_per_s)),
            )
        buckets[account_id] = (level - 1.0, now_s)
        if len(buckets) > self._accounts:
            buckets.popitem(last=False)
