"""What the feed's column and index cost a statement: PostgreSQL's processor time with them and without.

    python -m bench.feed_bench [--rounds 20] [--count 3000]

Two tables in one database, written in turns by one connection, each statement in a transaction of its own
that does not wait for the disk; the medians of the rounds are printed, since other work disturbs single ones.
"""

import argparse
import asyncio
import shutil
import statistics
import tempfile
import uuid
from pathlib import Path

import asyncpg

from bench.scale_bench import spent_s
from detente.store import EmbeddedPostgres, migrate

CONTENT = b'{"volumes":"' + b"x" * 400 + b'"}'
WITHOUT = """
CREATE SCHEMA plain;
CREATE TABLE plain.statement (LIKE public.statement INCLUDING ALL);
ALTER TABLE plain.statement DROP COLUMN xact;
CREATE TABLE plain.statement_queue (LIKE public.statement_queue INCLUDING ALL);
"""


async def measure(dsn: str, rounds: int, count: int) -> None:
    await migrate(dsn)
    connection = await asyncpg.connect(dsn)
    await connection.execute(WITHOUT)
    await connection.execute("SET synchronous_commit = off")
    function = await connection.fetchval("SELECT pg_get_functiondef('public.queue_statement'::regproc)")
    await connection.execute(function.replace("public.queue_statement", "plain.queue_statement"))
    backend = await connection.fetchval("SELECT pg_backend_pid()")
    each_ms: dict[str, list[float]] = {"plain": [], "public": []}
    for number in range(rounds):
        for schema in sorted(each_ms, reverse=number % 2 == 0):
            await connection.execute(f"SET search_path = {schema}, public")
            write = await connection.prepare(
                "SELECT queue_statement('plan.declared', 'alpha', 'bench', $1, $2, $3, 1, $4)"
            )
            before = spent_s(backend)
            for at in range(count):
                await write.fetchval(bytes(32), at, str(uuid.uuid4()), CONTENT)
            each_ms[schema].append((spent_s(backend) - before) / count * 1e3)
    for schema, name in (("plain", "without the feed"), ("public", "with the feed")):
        print(f"{name:<18} {statistics.median(each_ms[schema]):.4f} ms of PostgreSQL a statement")
    await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--count", type=int, default=3_000)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="detente-bench-"))
    folder.chmod(0o755)
    try:
        with EmbeddedPostgres.start(folder / "data") as postgres:
            asyncio.run(measure(postgres.dsn, options.rounds, options.count))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
