"""Benchmarks write the sections of the result pages, and each section says how it was measured."""

import re
from pathlib import Path

import pytest

from benchmarks import page
from benchmarks.catalogue import BENCHMARKS

PAGES = sorted(page.RESULTS.glob("*.md"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_section_is_written_by_a_benchmark(path: Path) -> None:
    text = path.read_text("utf-8")
    begun, ended = (
        re.findall(rf"^<!-- {edge} python -m benchmarks (\S+) -->$", text, re.M) for edge in ("begin", "end")
    )
    assert begun == ended
    names = {one.name for one in BENCHMARKS if path.name == (one.page or f"{one.name}.md")}
    assert sorted(names) == sorted(begun) != []


def test_a_section_is_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(
        "# Page\n\n<!-- begin python -m benchmarks some -->\n<!-- end python -m benchmarks some -->\nrest\n", "utf-8"
    )
    page.replace(path, "some", "new\n")
    page.replace(path, "some", "newer\n")
    begin, end = "<!-- begin python -m benchmarks some -->", "<!-- end python -m benchmarks some -->"
    assert path.read_text("utf-8") == f"# Page\n\n{begin}\n\nnewer\n\n{end}\nrest\n"
    with pytest.raises(ValueError, match="has no section between"):
        page.replace(path, "other", "new\n")


def test_a_section_says_by_which_command_when_and_of_which_corpus_and_commit_it_was_measured(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    line = page.line("python -m benchmarks some --every 7 --write", page.versions("numpy"))
    edges = "<!-- begin python -m benchmarks {0} -->\n\n{1}\n\n<!-- end python -m benchmarks {0} -->\n"
    path.write_text(edges.format("some", f"text\n\n{line}") + edges.format("older", "text"), "utf-8")
    some, older = page.sections(path)
    assert some.command == "python -m benchmarks some --every 7 --write"
    assert (some.date, some.corpus) == (page.today(), page.corpus_version())
    assert some.commit == page.commit()
    assert older == page.Section("older")


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
