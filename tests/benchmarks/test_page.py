"""Commands write the sections of the result pages."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks import page

PAGES = sorted(page.RESULTS.glob("*.md"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_section_is_written_by_a_module(path: Path) -> None:
    text = path.read_text("utf-8")
    modules = re.findall(r"^<!-- begin python -m (\S+) -->$", text, re.MULTILINE)
    assert modules == re.findall(r"^<!-- end python -m (\S+) -->$", text, re.MULTILINE)
    assert modules
    assert [module for module in modules if not find_spec(module)] == []


def test_a_section_is_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(
        "# Page\n\n<!-- begin python -m some.module -->\n<!-- end python -m some.module -->\nrest\n", "utf-8"
    )
    page.replace(path, "some.module", "new\n")
    page.replace(path, "some.module", "newer\n")
    begin, end = "<!-- begin python -m some.module -->", "<!-- end python -m some.module -->"
    assert path.read_text("utf-8") == f"# Page\n\n{begin}\n\nnewer\n\n{end}\nrest\n"
    with pytest.raises(ValueError, match="has no section between"):
        page.replace(path, "other.module", "new\n")


def test_every_page_is_in_the_index() -> None:
    index = (page.RESULTS.parent / "index.md").read_text("utf-8")
    assert [path.name for path in PAGES if f"(results/{path.name})" not in index] == []


def test_columns_of_numbers_are_right_aligned() -> None:
    text = page.table(("name", "goldens", "on"), [("numpy", 154, "gru/plain"), ("torch, oneDNN on", 7, "lstm/plain")])
    assert text == (
        "| name             | goldens | on         |\n"
        "| ---------------- | ------: | ---------- |\n"
        "| numpy            |     154 | gru/plain  |\n"
        "| torch, oneDNN on |       7 | lstm/plain |\n"
    )
