"""Where an exchange's database is: the option that names its folder, and the refusal where there is none."""

from contextlib import suppress
from pathlib import Path

import click

from detente.errors import StoreRefused
from detente.store import default_data_dir


class Folder(click.Path):
    """A folder that need not be there yet; an empty text, such as of an unset variable, is none."""

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Refuse an empty text, which would else be the current folder."""
        if value == "":
            self.fail("it is empty; name a folder, or leave the option away.", param, ctx)
        return Path(str(super().convert(str(value), param, ctx)))


def folder_for_exchange(named: Path | None) -> Path:
    """Give a data folder in which an exchange is, or may be made; nothing is made here.

    Args:
        named: the folder that the user named; None: the platform's usual place.

    Raises:
        StoreRefused: if it lies in another exchange's, where a backup or a removal would take both.
    """
    folder = default_data_dir() if named is None else named
    for outer in folder.absolute().resolve().parents:
        with suppress(OSError):
            if (outer / "cluster" / "PG_VERSION").exists() or (outer / "PG_VERSION").exists():
                raise StoreRefused(
                    f"{folder} lies inside the data folder {outer} of another exchange; name one outside"
                )
    return folder


def folder_of_exchange(named: Path | None) -> Path:
    """Give the data folder of an exchange that was made earlier; nothing is made here.

    Args:
        named: the folder that the user named; None: the platform's usual place.

    Raises:
        StoreRefused: if there is no exchange in it, or one cannot look.
    """
    folder = default_data_dir() if named is None else named
    try:
        is_made = (folder / "cluster").exists()
    except OSError as error:
        raise StoreRefused(f"the data folder {folder} cannot be used: {error.strerror}") from error
    if is_made:
        return folder
    make = (
        "`detente init`, or name another with --data" if named is None else f"`detente init --data {named}`"
    )
    raise StoreRefused(f"There is no exchange in {folder}; run {make}")
