"""What one declaration costs among 1,000, 100,000 and 1,000,000 live plans: processor and wall time.

    python -m bench.scale_bench [--sizes 1000,100000,1000000] [--count 2000]

Live plans are copied straight into the tables, spread over an area that grows with their number; each then
has as many neighbours as before: what is measured is the index, not the crowd. One writer, no HTTP.
"""

import argparse
import asyncio
import json
import random
import secrets
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from bench.load import volume
from detente.app import new_ovn, now_ms
from detente.errors import ConflictingPlan
from detente.geo.index import WIDTH, Reach, rows_of
from detente.plans.model import PlanBody
from detente.plans.neighbourhood import Neighbourhood
from detente.plans.refusals import Refusals
from detente.plans.requests import Request
from detente.plans.separations import Separations
from detente.plans.service import PlansService
from detente.plans.views import encode
from detente.plans.volumes import prepare_all, to_ms
from detente.plans.writing import WritesHere
from detente.store import EmbeddedPostgres, Pool, migrate, open_pool
from detente.web.model import Principal

PLANS_PER_DEG2 = 40_000.0
WHO = Principal("alpha", "bench", "planner", frozenset({"plans.write"}), bytes(32))
CHUNK = 20_000


class _Anybody:
    async def exists(self, party_id: str) -> bool:
        del party_id
        return True

    async def priority_limit(self, party_id: str) -> int:
        del party_id
        return 100


def bodies(rng: random.Random, plans: int) -> Iterator[PlanBody]:
    """Half hours of drones over an area of as many square degrees as the density asks for."""
    side = (plans / PLANS_PER_DEG2) ** 0.5
    day = datetime.now(UTC) + timedelta(days=2)
    while True:
        start = day + timedelta(seconds=rng.uniform(0, 86_400))
        lower = rng.uniform(300, 2_000)
        made = volume(
            45 + rng.uniform(-side / 2, side / 2),
            7 + rng.uniform(-side / 2, side / 2),
            rng.uniform(100, 500),
            lower,
            lower + 60,
            start,
            start + timedelta(minutes=rng.uniform(10, 29)),
        )
        yield msgspec.json.decode(json.dumps({"volumes": [made]}), type=PlanBody)


async def fill(pool: Pool, plans: int) -> None:
    """Copy live plans into the tables, with the index rows that declaring them would have made."""
    rng = random.Random(7)
    source = bodies(rng, plans)
    parents: set[int] = set()
    left = plans
    while left:
        rows, cells = [], []
        for _ in range(min(CHUNK, left)):
            body = next(source)
            plan_id = uuid.UUID(int=rng.getrandbits(128), version=4)
            start, end = to_ms(body.volumes[0].start), to_ms(body.volumes[0].end)
            ovn, stamp = secrets.token_urlsafe(24), now_ms()
            state = ("accepted", 1, ovn, 0, "volumes")
            rows.append((plan_id, "bravo", "bench", *state, start, end, stamp, bytes(32), encode(body), None))
            packed = rows_of(prepare_all(body.volumes), Reach()).packed
            for at in range(0, len(packed), WIDTH):
                one = packed[at : at + WIDTH]
                parents.add(one[0])
                cells.append((*one[:14], plan_id, one[14]))
        await pool.copy_records_to_table("plan", records=rows)
        await pool.copy_records_to_table("plan_cell", records=cells)
        left -= len(rows)
    await pool.copy_records_to_table("plan_cell_lock", records=[(parent,) for parent in parents])
    await pool.execute("VACUUM ANALYZE plan")
    await pool.execute("VACUUM ANALYZE plan_cell")


def spent_s(pid: int) -> float:
    """Processor seconds of a process; NaN where /proc does not tell."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return float("nan")
    fields = text[text.rindex(")") + 2 :].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def measure(plans: int, count: int, dsn: str) -> None:
    await migrate(dsn)
    filler = await open_pool(dsn, max_size=1, statement_timeout_ms=600_000)
    await fill(filler, plans)
    await filler.close()
    pool = await open_pool(dsn, max_size=1)
    neighbourhood, separations = Neighbourhood(), Separations(pool, _Anybody(), now_ms)
    service = PlansService(
        pool,
        neighbourhood=neighbourhood,
        separations=separations,
        directory=_Anybody(),
        refusals=Refusals(pool, now_ms),
        now_ms=now_ms,
        writer=WritesHere(pool, new_ovn),
    )
    source = bodies(random.Random(8), plans)
    backend = await pool.fetchval("SELECT pg_backend_pid()")

    async def declare(many: int) -> int:
        refused = 0
        for _ in range(many):
            body, plan_id = next(source), str(uuid.uuid4())
            try:
                request = Request(encode(body), plan_id, wants_ways_out=False)
                await service.declare(WHO, plan_id, body, request)
            except ConflictingPlan:
                refused += 1
        return refused

    await declare(300)
    python, postgres, wall = time.process_time(), spent_s(backend), time.perf_counter()
    refused = await declare(count)
    python, postgres, wall = (
        time.process_time() - python,
        spent_s(backend) - postgres,
        time.perf_counter() - wall,
    )
    each = (seconds / count * 1e3 for seconds in (python, postgres, wall))
    print(
        f"{plans:>10,} " + " ".join(f"{ms:>13.3f}" for ms in each) + f" {refused / count:>9.1%}", flush=True
    )
    await pool.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="1000,100000,1000000")
    parser.add_argument("--count", type=int, default=2_000)
    options = parser.parse_args()
    print(
        f"{'live plans':>10} {'python ms':>10} {'postgresql ms':>14} {'wall ms':>9} {'refused':>9}",
        flush=True,
    )
    for size in options.sizes.split(","):
        folder = Path(tempfile.mkdtemp(prefix="detente-bench-"))
        folder.chmod(0o755)
        try:
            with EmbeddedPostgres.start(folder / "data") as postgres:
                asyncio.run(measure(int(size), options.count, postgres.dsn))
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
