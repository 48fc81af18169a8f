"""A command that measures a page of results fails where what it measured is wrong, and where the page is not true."""

import argparse
from pathlib import Path

import pytest

from benchmarks import page, page_command
from benchmarks.page_check import FIXED

COLUMNS = {"goldens": FIXED}


def page_of(goldens: int) -> str:
    return page.table(("implementation", "goldens"), [("numpy", goldens)])


@pytest.fixture
def committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    (tmp_path / "page.md").write_text(page_of(3), "utf-8")
    return tmp_path / "page.md"


def code_of(*given: str, goldens: int, is_wrong: bool = False) -> object:
    """What a command exits with."""
    parser = argparse.ArgumentParser()
    page_command.options(parser, "page.md")
    arguments = parser.parse_args(given)
    try:
        page_command.end(arguments, "page.md", page_of(goldens), COLUMNS, is_wrong=is_wrong)
    except SystemExit as end:
        return end.code
    return 0


def test_it_fails_for_what_is_wrong_and_for_a_checked_page_that_says_otherwise(committed: Path) -> None:
    assert [code_of(goldens=4), code_of(goldens=4, is_wrong=True)] == [0, 1]
    assert [code_of("--check", goldens=3), code_of("--check", goldens=4)] == [0, 1]
    assert code_of("--check", goldens=3, is_wrong=True) == 1
    assert committed.read_text("utf-8") == page_of(3)


def test_the_page_is_written_also_where_what_was_measured_is_wrong(committed: Path) -> None:
    assert code_of("--write", goldens=4, is_wrong=True) == 1
    assert committed.read_text("utf-8") == page_of(4)


@pytest.mark.usefixtures("committed")
def test_it_writes_or_checks_and_never_both(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        code_of("--write", "--check", goldens=3)
    assert "not allowed with argument" in capsys.readouterr().err
