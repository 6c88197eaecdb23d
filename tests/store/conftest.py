"""Launchers as processes of their own, so that they can be killed."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import temporary_data_dir, temporary_database

from detente.store import EmbeddedPostgres

LAUNCHER = Path(__file__).with_name("launcher.py")


class Launcher:
    """One ``launcher.py`` process."""

    def __init__(self, data_dir, mode="rows", user=None, env=None):
        command = [sys.executable, str(LAUNCHER), str(data_dir), mode]
        if user:
            command.append(user)
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            env=None if env is None else {**os.environ, **env},
        )

    def first_line(self):
        return self.process.stdout.readline().strip()

    def read_numbers(self, count):
        """Wait for so many acknowledged rows."""
        return {int(self.process.stdout.readline()) for _ in range(count)}

    def kill(self):
        """Kill -9, then gather every acknowledgement that got out."""
        self.process.kill()
        lines = self.process.stdout.read().split("\n")[:-1]
        self.process.wait()
        return {int(line) for line in lines}


@pytest.fixture(scope="session")
def pristine():
    """A stopped data folder as a first start leaves it, to be copied."""
    with temporary_data_dir() as folder:
        EmbeddedPostgres.start(folder).stop()
        yield folder


@pytest.fixture
def made_dir(pristine, data_dir):
    """A data folder whose first start is over; quicker than making one."""
    subprocess.run(["cp", "-a", pristine, data_dir], check=True)
    return data_dir


@pytest.fixture
def launch():
    """Start launchers that do not outlive the test."""
    with contextlib.ExitStack() as stack:

        def start(*args, **kwargs):
            launcher = Launcher(*args, **kwargs)
            stack.callback(launcher.process.stdout.close)
            stack.callback(launcher.process.wait)
            stack.callback(launcher.process.kill)
            return launcher

        yield start


@pytest.fixture
def empty_dsn(pg_server):
    """The URL of a database with nothing in it, owned by a role that is no superuser."""
    with temporary_database(pg_server) as dsn:
        yield dsn


@pytest.fixture
def second_empty_dsn(pg_server):
    """Another such database."""
    with temporary_database(pg_server) as dsn:
        yield dsn
