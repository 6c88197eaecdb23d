"""A process that starts an embedded server and writes rows until it is killed.

It may change to another account first: Python itself may lie where that account cannot reach it.
Prints ``ready <server pid>`` or ``refused <why>``, then each number whose commit was acknowledged.

    python launcher.py DATA_DIR rows|idle|once [ACCOUNT]
"""

import asyncio
import os
import pwd
import sys
import time
from pathlib import Path

from detente.errors import DetenteError
from detente.store import EmbeddedPostgres, open_pool

WRITERS = 4


def say(*words):
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()


async def write_rows(dsn):
    pool = await open_pool(dsn, min_size=WRITERS)
    await pool.execute("CREATE TABLE IF NOT EXISTS written (number bigint PRIMARY KEY)")
    first = await pool.fetchval("SELECT coalesce(max(number), 0) FROM written") + 1

    async def writer(offset):
        number = first + offset
        while True:
            await pool.execute("INSERT INTO written VALUES ($1)", number)
            say(number)
            number += WRITERS

    await asyncio.gather(*(writer(offset) for offset in range(WRITERS)))


def main():
    mode = sys.argv[2]
    if len(sys.argv) > 3:
        account = pwd.getpwnam(sys.argv[3])
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    try:
        server = EmbeddedPostgres.start(Path(sys.argv[1]))
    except DetenteError as refusal:
        say("refused", refusal)
        return 3
    say("ready", server.pid)
    if mode == "rows":
        asyncio.run(write_rows(server.dsn))
    if mode == "idle":
        time.sleep(600)
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
