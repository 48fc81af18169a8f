"""A real browser, without a screen; where there is none, ``make pages`` installs it, and nothing is skipped there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from examples.building import lacking
from headless import installed, show, started
from selenium.webdriver import Chrome


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """One for all tests."""
    if not installed():
        lacking("chromium, or its chromedriver, is not installed")
    chrome = started(tmp_path_factory.mktemp("profiles"))
    yield chrome
    chrome.quit()


class Page:
    """A page in the browser, as wide as is asked, in light or dark."""

    def __init__(self, browser: Chrome, path: Path) -> None:
        self.browser, self.path = browser, path

    def open(self, width: int = 1280, scheme: str = "light") -> "Page":
        show(self.browser, self.path, width, scheme=scheme)
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
