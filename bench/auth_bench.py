"""What access costs: a token known already, a token seen first, a bad token, a token issued.

Run ``python bench/auth_bench.py``; prints a table of microseconds of CPU time and of wall time per call.
The first look at a token also asks the database for its account.
"""

import argparse
import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from detente.errors import NotAuthenticated
from detente.parties.issuer import Issuer
from detente.parties.model import Act, TokenForm
from detente.parties.service import PartiesService
from detente.parties.signing import AccessSettings
from detente.parties.tokens import make_private_key as make_key
from detente.parties.tokens import read_token, sign_token, verify_signature
from detente.parties.verifier import Verifier
from detente.store import EmbeddedPostgres, migrate, open_pool


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def measure(name: str, calls: int, call: Callable[[int], Awaitable[object]]) -> None:
    best_cpu_us = best_wall_us = float("inf")
    for _ in range(5):
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        for number in range(calls):
            await call(number)
        best_cpu_us = min(best_cpu_us, (time.process_time() - cpu_s) / calls * 1e6)
        best_wall_us = min(best_wall_us, (time.perf_counter() - wall_s) / calls * 1e6)
    print(f"{name:<44}{best_cpu_us:>12.2f}{best_wall_us:>12.2f}")


async def run(dsn: str, calls: int) -> None:
    await migrate(dsn)
    pool = await open_pool(dsn)
    settings = AccessSettings(issuer="https://exchange.test", audiences=("exchange.test",))
    service = PartiesService(pool, settings, clock_ms=now_ms)
    act = Act("exchange", "local", None, now_ms(), b"{}")
    client = await service.begin("bench", "administrator", act)
    issuer, verifier = Issuer(service), Verifier(service, clock_ms=now_ms)
    form = TokenForm("client_credentials", client.account.account_id, client.secret)
    answer = await issuer.issue_token(form, None, now_ms())
    token = answer.access_token
    await verifier.authenticate(token)

    async def first_look(_number: int) -> object:
        return await Verifier(service, clock_ms=now_ms).authenticate(token)

    keys = await service.signing.cache.keys()

    async def signature(_number: int) -> object:
        return verify_signature(read_token(token), keys)

    forged = sign_token(make_key(), keys[0].kid or "", {"iss": settings.issuer, "sub": "x"})

    async def bad(_number: int) -> object:
        try:
            return await verifier.authenticate(forged)
        except NotAuthenticated as refusal:
            return refusal

    print(f"{'a call':<44}{'CPU us':>12}{'wall us':>12}")
    await measure("authenticate, token known", calls, lambda _number: verifier.authenticate(token))
    await measure("read and verify the signature alone", calls // 100, signature)
    await measure("authenticate, token seen first", calls // 200, first_look)
    await measure("authenticate, forged token", calls // 100, bad)
    await measure("issue a token", calls // 500, lambda _number: issuer.issue_token(form, None, now_ms()))
    print(f"token length: {len(token)} characters")
    await verifier.close()
    await pool.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000, help="calls of the quickest kind")
    calls = parser.parse_args().calls
    folder = Path(tempfile.mkdtemp(prefix="detente-bench-"))
    try:
        with EmbeddedPostgres.start(folder) as server:
            asyncio.run(run(server.dsn, calls))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
