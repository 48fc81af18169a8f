"""A Chromium without a screen, which looks for nothing that it is not told."""

import shutil
from pathlib import Path

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from urllib3.exceptions import HTTPError

PATIENCE = 30
"""Seconds that a page or a script may take."""

STARTS = 2

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def installed() -> bool:
    """Whether there are Chromium and its driver."""
    return all(map(shutil.which, ("chromium", "chromedriver")))


def started(profiles: Path) -> Chrome:
    """A browser whose console is kept; whoever starts it quits it.

    Args:
        profiles: an empty folder, for what the browser writes.
    """
    for attempt in range(STARTS):
        service = Service(str(shutil.which("chromedriver")))
        try:
            return _started(service, profiles / str(attempt))
        except (OSError, HTTPError, WebDriverException):  # on a busy machine it may not come up
            service.stop()
            if attempt == STARTS - 1:
                raise
    raise AssertionError("it is started or raises")


def _started(service: Service, profile: Path) -> Chrome:
    """A browser that gives up what takes longer than ``PATIENCE``; selenium gives up a start after two minutes."""
    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for argument in (*QUIET, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = Chrome(options=options, service=service)
    chrome.set_page_load_timeout(PATIENCE)
    chrome.set_script_timeout(PATIENCE)
    return chrome


def show(chrome: Chrome, page: Path, width: int, *, scheme: str = "light", query: str = "", height: int = 900) -> None:
    """Open a page of this disk, as wide as is asked, in light or dark."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    scheme_now = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme_now)
    chrome.get(page.resolve().as_uri() + query)
