"""Room: PostgreSQL, embedded or given: launcher, pool, migrations, named queries.

Decides nothing about plans or parties. Nothing of the database driver leaves a room that
wraps its store in ``wrap_errors``.
"""

from detente.store.binaries import find_binaries
from detente.store.embedded import EmbeddedPostgres, running_dsn, running_url
from detente.store.folder import FolderInUse, default_data_dir
from detente.store.migrate import Migration, find_migrations, migrate
from detente.store.patience import when_available
from detente.store.pool import Pool, is_ready, open_pool, wrap_errors
from detente.store.queries import load_queries
from detente.store.url import checked_url, place_of

__all__ = [
    "EmbeddedPostgres",
    "FolderInUse",
    "Migration",
    "Pool",
    "checked_url",
    "default_data_dir",
    "find_binaries",
    "find_migrations",
    "is_ready",
    "load_queries",
    "migrate",
    "open_pool",
    "place_of",
    "running_dsn",
    "running_url",
    "when_available",
    "wrap_errors",
]
