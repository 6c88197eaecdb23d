"""The rows that every writer locks: one for each cell that anything ever covered (decision 0002)."""

from detente.store import Pool, load_queries, wrap_errors

_SQL = load_queries("detente.plans")


async def seed_locks(pool: Pool, parents: list[int]) -> None:
    """Make the rows that writers lock, where they do not exist yet; ``parents`` ascending."""
    with wrap_errors():
        await pool.execute(_SQL["seed_locks"], parents)
