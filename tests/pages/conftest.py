"""A headless browser and a page in it; ``make examples`` installs the browser and runs these tests without skips."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from examples.compilation import lacking

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Chrome"]:
    """One browser for all tests."""
    from headless import installed, start_browser

    if not installed():
        lacking("chromium, or its chromedriver, is not installed")
    chrome = start_browser(tmp_path_factory.mktemp("profiles"))
    yield chrome
    chrome.quit()


class Page:
    """A page in the browser, with a width and a color scheme."""

    def __init__(self, browser: "Chrome", path: Path) -> None:
        self.browser, self.path = browser, path

    def open(self, width: int = 1280, scheme: str = "light") -> "Page":
        from headless import show

        show(self.browser, self.path, width, scheme=scheme)
        return self

    def run(self, script: str, *arguments: object) -> Any:
        """Run a script and return its result, or the value of the promise that it returns."""
        wrapped = f"const end = arguments[arguments.length - 1]; (async (...values) => {{ {script} }})"
        return self.browser.execute_async_script(f"{wrapped}(...arguments).then(end)", *arguments)

    def choose(self, **values: str) -> None:
        """Set filters."""
        for name, value in values.items():
            self.run(
                "const [name, value] = values, field = document.getElementById('filters').elements[name];"
                "field.value = value; field.dispatchEvent(new Event('input', {bubbles: true}))",
                name,
                value,
            )

    def shown(self) -> list[str]:
        """Return the golden and the precision of each visible failure."""
        found: list[str] = self.run(
            "return [...document.querySelectorAll('.failure')].filter((one) => one.offsetParent)"
            ".map((one) => one.querySelector('b').textContent + ' ' + one.dataset.dtype)"
        )
        return found

    def table(self, name: str) -> dict[str, list[str]]:
        """Return the texts of a table's fields by row."""
        found: dict[str, list[str]] = self.run(
            "return Object.fromEntries([...document.querySelectorAll(`#${values[0]} tbody tr:not(.of)`)].map((row) =>"
            " [row.querySelector('th').textContent, [...row.querySelectorAll('td')].map((one) => one.textContent)]))",
            name,
        )
        return found

    def open_failures(self, count: int = 1) -> None:
        """Open the first visible failures and wait until their pictures are drawn."""
        self.run(
            "[...document.querySelectorAll('.failure')].filter((one) => one.offsetParent).slice(0, values[0])"
            ".forEach((one) => { one.open = true; });"
            "await new Promise((done) => setTimeout(done, 150))",
            count,
        )


@pytest.fixture
def errors(browser: "Chrome") -> Iterator[None]:
    """Fail a test that logs to the browser's console."""
    browser.get_log("browser")  # type: ignore[no-untyped-call]
    yield
    messages = browser.get_log("browser")  # type: ignore[no-untyped-call]
    assert messages == []
