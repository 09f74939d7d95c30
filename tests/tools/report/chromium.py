"""The browser that the report is tried in: the pinned Chromium, or one that CHROMIUM names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER = ROOT / "build" / "browser"


def _command() -> tuple[str, dict[str, str]]:
    """The program, and the variables that it needs."""
    if own := os.environ.get("CHROMIUM"):
        return own, {}
    found = sorted(FOLDER.glob("*/chromium"))
    if not found:
        raise RuntimeError(
            "there is no browser to try the report in: run make setup-browser, or set CHROMIUM to "
            "a Chromium of your own"
        )
    home = found[-1].parent
    return str(found[-1]), {
        "LD_LIBRARY_PATH": str(home / "lib"),
        # The same letters everywhere, so that a line is as long everywhere.
        "FONTCONFIG_FILE": str(home / "fonts.conf"),
    }


@contextmanager
def chromium() -> Iterator["Browser"]:
    """A headless one, ended in the end. Raises RuntimeError where there is none."""
    from playwright.sync_api import sync_playwright  # a second that other tests need not wait

    program, variables = _command()
    environment: dict[str, str | float | bool] = {**os.environ, **variables}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, env=environment)
        try:
            yield browser
        finally:
            browser.close()
