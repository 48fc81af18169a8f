"""Starts a headless Chromium without background network traffic."""

import shutil
from pathlib import Path

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from urllib3.exceptions import HTTPError

TIMEOUT = 30
"""Time limit for a page or a script, in seconds."""

ATTEMPTS = 2

ARGUMENTS = (
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
    """Return whether Chromium and its driver are installed."""
    return all(map(shutil.which, ("chromium", "chromedriver")))


def start_browser(profiles: Path) -> Chrome:
    """Return a browser that keeps its console log; the caller must quit it.

    Args:
        profiles: an empty folder; each attempt to start the browser creates a profile in it.
    """
    for attempt in range(ATTEMPTS):
        service = Service(str(shutil.which("chromedriver")))
        try:
            return _start(service, profiles / str(attempt))
        except (OSError, HTTPError, WebDriverException):  # the browser may fail to start on a busy machine
            service.stop()
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _start(service: Service, profile: Path) -> Chrome:
    """Return a browser that limits pages and scripts to ``TIMEOUT``; selenium limits its start to two minutes."""
    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = Chrome(options=options, service=service)
    chrome.set_page_load_timeout(TIMEOUT)
    chrome.set_script_timeout(TIMEOUT)
    return chrome


def show(chrome: Chrome, page: Path, width: int, *, scheme: str = "light", query: str = "", height: int = 900) -> None:
    """Open a page from disk with the given width, in the light or dark color scheme."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    chrome.get(page.resolve().as_uri() + query)
