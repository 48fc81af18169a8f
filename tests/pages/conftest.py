"""A real browser, without a screen; where there is none, ``make pages`` installs it, and nothing is skipped there."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from examples.building import lacking
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


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """One for all tests; selenium is told where all is, so that it looks for nothing."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        lacking("chromium, or its chromedriver, is not installed")
    chrome = None
    for attempt in range(STARTS):
        service = Service(str(driver))
        try:
            chrome = started(str(chromium), service, tmp_path_factory.mktemp("profile"))
            break
        except (OSError, HTTPError, WebDriverException):  # on a busy machine it may not come up
            service.stop()
            if attempt == STARTS - 1:
                raise
    assert chrome is not None
    yield chrome
    chrome.quit()


def started(chromium: str, service: Service, profile: Path) -> Chrome:
    """A browser that gives up what takes longer than ``PATIENCE``; selenium gives up a start after two minutes."""
    options = ChromeOptions()
    options.binary_location = chromium
    for argument in (*QUIET, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = Chrome(options=options, service=service)
    chrome.set_page_load_timeout(PATIENCE)
    chrome.set_script_timeout(PATIENCE)
    return chrome


class Page:
    """A page in the browser, as wide as is asked, in light or dark."""

    def __init__(self, browser: Chrome, path: Path) -> None:
        self.browser, self.path = browser, path

    def open(self, width: int = 1280, scheme: str = "light") -> "Page":
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        scheme_now = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme_now)
        self.browser.get(self.path.as_uri())
        return self

    def run(self, script: str, *arguments: object) -> Any:
        """What a script returns, which may be a promise."""
        wrapped = f"const end = arguments[arguments.length - 1]; (async (...given) => {{ {script} }})"
        return self.browser.execute_async_script(f"{wrapped}(...arguments).then(end)", *arguments)

    def choose(self, **values: str) -> None:
        """Set filters, as a reader does."""
        for name, value in values.items():
            self.run(
                "const [name, value] = given, field = document.getElementById('filters').elements[name];"
                "field.value = value; field.dispatchEvent(new Event('input', {bubbles: true}))",
                name,
                value,
            )

    def shown(self) -> list[str]:
        """The goldens that are listed now."""
        found: list[str] = self.run(
            "return [...document.querySelectorAll('.failure')].filter((one) => one.offsetParent)"
            ".map((one) => one.querySelector('b').textContent + ' ' + one.dataset.dtype)"
        )
        return found

    def table(self, name: str) -> dict[str, list[str]]:
        """By row, what its fields say."""
        found: dict[str, list[str]] = self.run(
            "return Object.fromEntries([...document.querySelectorAll(`#${given[0]} tbody tr:not(.of)`)].map((row) =>"
            " [row.querySelector('th').textContent, [...row.querySelectorAll('td')].map((one) => one.textContent)]))",
            name,
        )
        return found

    def open_failures(self, count: int = 1) -> None:
        """Open the first of those that are listed, and wait until their pictures are drawn."""
        self.run(
            "[...document.querySelectorAll('.failure')].filter((one) => one.offsetParent).slice(0, given[0])"
            ".forEach((one) => { one.open = true; });"
            "await new Promise((done) => setTimeout(done, 150))",
            count,
        )


@pytest.fixture
def errors(browser: Chrome) -> Iterator[None]:
    """Fail a test after which the browser's console holds anything."""
    browser.get_log("browser")  # type: ignore[no-untyped-call]
    yield
    said = browser.get_log("browser")  # type: ignore[no-untyped-call]
    assert said == []
