"""Real PostgreSQL for every test that asks for it: ``pg_server``, ``pg_dsn``, ``pg_pool``, ``data_dir``.

A test that uses one of these is marked ``pg`` by that alone.
"""

import asyncio
import contextlib
import secrets
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import pytest_asyncio

from detente.store import EmbeddedPostgres, migrate, open_pool
from detente.store.leftovers import clear_leftovers

PG_FIXTURES = {"pg_server", "pg_template", "pg_dsn", "pg_pool", "data_dir", "empty_dsn", "made_dir"}


def pytest_collection_modifyitems(items):
    for item in items:
        if PG_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.pg)


@contextlib.contextmanager
def temporary_data_dir():
    """A data folder to be, for an embedded server; whatever still runs in or below it at the end is ended.

    Not below pytest's own temporary folder: as root that one is closed to the account that runs the server.
    """
    parent = Path(tempfile.mkdtemp(prefix="detente-tests-"))
    parent.chmod(0o755)
    try:
        yield parent / "store"
    finally:
        for status in list(parent.rglob("postmaster.pid")):
            clear_leftovers(status.parent)
        shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture
def data_dir():
    """A folder, not there yet, in which a test may start an embedded server of its own, by any means."""
    with temporary_data_dir() as folder:
        yield folder


@pytest.fixture(scope="session")
def pg_server():
    """One embedded server for this test process."""
    with temporary_data_dir() as folder, EmbeddedPostgres.start(folder) as server:
        yield server


@pytest.fixture(scope="session")
def pg_template(pg_server):
    """The name of a database with every migration applied, to be copied."""
    name = "template_migrated"
    with psycopg.connect(pg_server.admin_dsn, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} OWNER detente")
    with asyncio.Runner() as runner:
        runner.run(migrate(with_database(pg_server.dsn, name)))
    return name


@pytest.fixture
def pg_dsn(pg_server, pg_template):
    """The URL of a fresh, migrated database of this test alone; its role is no superuser."""
    with temporary_database(pg_server, pg_template) as dsn:
        yield dsn


@pytest_asyncio.fixture
async def pg_pool(pg_dsn):
    """An open pool on ``pg_dsn``."""
    pool = await open_pool(pg_dsn)
    try:
        yield pool
    finally:
        pool.terminate()


@contextlib.contextmanager
def temporary_database(server, template="template0"):
    """A database of its own, owned by the exchange's role; gives its URL."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
        # Copying files is quicker than writing 8 MB of log, and nobody needs this database after a crash.
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER detente STRATEGY file_copy")
        try:
            yield with_database(server.dsn, name)
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def with_database(dsn, name):
    """Point a URL at another database of the same server."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))
