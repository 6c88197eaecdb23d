"""What plans ask of the parties' room; the application hands in whoever knows."""

from typing import Protocol


class Directory(Protocol):
    """Who takes part, and what each may claim."""

    async def exists(self, party_id: str) -> bool:
        """Whether there is such a party, suspended or not."""
        ...

    async def priority_limit(self, party_id: str) -> int:
        """The highest priority that a party may claim; raises NotAllowed if it may not act here now."""
        ...
