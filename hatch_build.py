"""Builds the console's page before the wheel, the source distribution or an editable install is made."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent / "console"))

import make_page


class ConsoleHook(BuildHookInterface):
    """Asks for Node.js only where the page has to be built."""

    def dependencies(self) -> list[str]:
        """What a build needs beside the requirements of ``pyproject.toml``."""
        return [f"{make_page.NODE_PACKAGE}>=24"] if make_page.is_needed() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page; the files are taken up as artifacts."""
        del version, build_data
        try:
            make_page.build()
        except make_page.BuildFailed as failure:
            sys.exit(str(failure))
