"""A page of results is a table that a command writes."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks import page

PAGES = sorted(path for path in page.RESULTS.glob("*.md") if path.name != "index.md")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_page_names_the_command_that_writes_it(path: Path) -> None:
    (module,) = set(re.findall(r"`python -m (benchmarks[a-z_.]*) --write`", path.read_text("utf-8")))
    assert find_spec(module)


def test_every_page_is_in_the_index() -> None:
    index = (page.RESULTS / "index.md").read_text("utf-8")
    assert [path.name for path in PAGES if f"({path.name})" not in index] == []


def test_columns_of_numbers_stand_to_the_right() -> None:
    text = page.table(("name", "goldens", "on"), [("numpy", 154, "gru/plain"), ("torch, oneDNN on", 7, "lstm/plain")])
    assert text == (
        "| name             | goldens | on         |\n"
        "| ---------------- | ------: | ---------- |\n"
        "| numpy            |     154 | gru/plain  |\n"
        "| torch, oneDNN on |       7 | lstm/plain |\n"
    )
