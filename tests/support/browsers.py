"""Chromium, which tests show pages in."""

import os
import shutil
from contextlib import contextmanager

import pytest

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def need_chromium():
    if CHROMIUM is None:
        pytest.skip("NOT PROVEN HERE: there is no Chromium (on PATH, or by CHROMIUM) to show the page in")


@contextmanager
def chromium():
    """Run a browser. While Playwright runs, asyncio cannot in the same process."""
    need_chromium()
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # only a failure takes so long
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
