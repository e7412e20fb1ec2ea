"""Chromium: the browser that Debian brings, driven by playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, sync_playwright

NO_BROWSER: Final = "no Chromium (Debian, as root: apt-get install chromium)"


def chromium_path() -> str | None:
    """Return where it is; None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def open_chromium(path: str) -> Iterator[Browser]:
    """Start it without a window; raise playwright's Error where it does not start."""
    # Chromium refuses its sandbox to root, which is who runs in a container.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()
