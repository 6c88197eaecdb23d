"""The ``detente`` command: one file a subcommand, imported only when it is asked for."""

import importlib
from collections.abc import Sequence

import click

from detente import __version__
from detente.errors import DetenteError

_COMMANDS = {
    "check": "find all conflicts among plans in files",
    "console": "links that sign people in at the console",
    "declare": "declare the plans of files at an exchange",
    "demo": "one real day of traffic between two parties",
    "init": "make a new exchange and its first administrator",
    "party": "parties, accounts and keys",
    "plans": "list the plans that you may see",
    "serve": "run the exchange",
    "token": "print an access token of an account",
    "zones": "publish the zones of a file, list and export zones",
}
"""Each is the module of that name in this package, which holds ``command``."""


class _Commands(click.Group):
    """A group that imports a command when it is used, so that ``detente check`` loads no server."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        found = importlib.import_module(f"detente.cli.{cmd_name}").command
        if not isinstance(found, click.Command):
            raise TypeError(f"detente.cli.{cmd_name} has no command")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="detente")
def _detente() -> None:
    """Détente: share a sky without sharing trust."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a refusal is told in one line, with what was expected.

    Args:
        arguments: the words after ``detente``; those of the process if None.
    """
    try:
        _detente.main(args=None if arguments is None else list(arguments), prog_name="detente")
    except DetenteError as error:
        expected = error.members.get("expected")
        hint = f"\nexpected: {expected}" if expected else ""
        raise SystemExit(f"detente: {error.detail}{hint}") from error
