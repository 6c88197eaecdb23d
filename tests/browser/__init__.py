"""The console in a real browser, against a real server, as people use it."""

import pytest

pytest.register_assert_rewrite("tests.browser.desk")

MARKS = [pytest.mark.browser, pytest.mark.pg, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]
"""What every module of this folder is marked with: one event loop, since one browser serves all tests."""

SWITCHES = (
    "--no-sandbox",  # as root, which continuous integration often is, there is none
    "--enable-unsafe-swiftshader",  # newer ones draw maps without a graphics card only with leave
)
"""How Chromium is started: as it comes, but for what a machine without screen and graphics card needs."""
