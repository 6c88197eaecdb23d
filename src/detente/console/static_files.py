"""The page's built files, read once into memory; a request can name what is here and nothing else.

The build puts a hash of the content into the name of everything in ``assets/``, so those never change.
"""

import gzip
import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

FOLDER = Path(__file__).parent / "static"
"""Where the build puts the page; not in git (docs/decisions/0007-console.md)."""

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_UNKNOWN_TYPE = "application/octet-stream"
_PACKED = ".gz"
"""What the build lays beside a file that gets smaller: compressing takes half a second, reading nothing."""


class StaticFile(Struct, frozen=True):
    """One file as it is sent."""

    media_type: str
    plain: bytes | None
    """None where it is kept compressed: whoever reads no gzip is rare, and waits for the unpacking."""
    gzipped: bytes | None
    """None where the build found nothing to save."""
    etag: str
    gzipped_etag: str
    """Another than ``etag``: the two are different sequences of bytes (RFC 9110, section 8.8.1)."""
    cache_control: str

    @property
    def body(self) -> bytes:
        """The file as it is; unpacked at each call where it is kept compressed."""
        return gzip.decompress(self.gzipped or b"") if self.plain is None else self.plain


class StaticFiles(Struct, frozen=True):
    """The page and what it asks for by name."""

    page: StaticFile | None
    """None if the page was not built."""
    assets: Mapping[str, StaticFile]


def read_static_files(folder: Path = FOLDER) -> StaticFiles:
    """Read the page and its assets.

    Args:
        folder: with ``index.html`` and ``assets/``; may be missing.

    Returns:
        All of it; without a page if there is none.

    Raises:
        OSError: if a file that is there cannot be read.
    """
    index, assets = folder / "index.html", folder / "assets"
    if not index.is_file():
        return StaticFiles(None, {})
    # The page itself is asked after each time: it names the assets of the version that runs now.
    page = read_file(index, "no-cache")
    forever = "public, max-age=31536000, immutable"
    found = sorted(assets.iterdir()) if assets.is_dir() else []
    files = [path for path in found if path.is_file() and path.suffix != _PACKED]
    return StaticFiles(page, {path.name: read_file(path, forever) for path in files})


def read_file(path: Path, cache_control: str) -> StaticFile:
    """Read one file, or rather what the build compressed of it, if that is the same file."""
    packed = path.with_name(path.name + _PACKED)
    # Read a piece at a time: what was once taken whole stays with the process, though nobody uses it.
    with path.open("rb") as plain:
        digest = hashlib.file_digest(plain, "sha256").hexdigest()
    gzipped = packed.read_bytes() if _digest_of(packed) == digest else None
    digest = digest[:32]
    return StaticFile(
        media_type=_TYPES.get(path.suffix, _UNKNOWN_TYPE),
        plain=path.read_bytes() if gzipped is None else None,
        gzipped=gzipped,
        etag=f'"{digest}"',
        gzipped_etag=f'"{digest}-gzip"',
        cache_control=cache_control,
    )


def _digest_of(packed: Path) -> str | None:
    """The digest of what a compressed file holds; None if it cannot be read, as after a build cut short."""
    try:
        with gzip.open(packed) as held:
            return hashlib.file_digest(held, "sha256").hexdigest()
    except (OSError, EOFError, zlib.error):
        return None
