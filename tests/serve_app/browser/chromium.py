"""Which browser there is to test with."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

VARIABLE = "GSV_TEST_BROWSER"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """The path of a Chromium: the one that GSV_TEST_BROWSER names, the system's, or Playwright's
    own where somebody has installed it; None where there is none."""
    found = os.environ.get(VARIABLE) or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is not None:
        return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).is_file() else None
