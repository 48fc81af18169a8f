"""A committed page of results that says otherwise than what is measured does not go unnoticed."""

from pathlib import Path

import pytest

from benchmarks import false_alarms, gradient_false_alarms, onnx_backend, page, page_check, tallies
from benchmarks.mutation import report as mutation
from benchmarks.page_check import FIXED, LIKE_FOR_LIKE, Column, check, moved

NEAR = Column(by=0.15)

COLUMNS = {"goldens": FIXED, "refused": LIKE_FOR_LIKE, "largest error": NEAR, "on": None}


def page_of(*rows: tuple[object, ...], python: str = "3.11.7", torch: str = "2.13.0") -> str:
    """A page with one table, in a section of its own."""
    table = page.table(("implementation", "goldens", "refused", "largest error", "on"), rows)
    return f"# Title\n\nPython {python}, torch {torch}, Linux x86_64.\n\n## float16\n\n{table}\nThe end.\n"


PAGE = page_of(("numpy", 154, 0, 0.3, "gru/plain"), ("torch, oneDNN on", 154, 7, 0.31, "gru/plain"))

ROWS = (("numpy", 154, 2, 0.9, "gru/plain"), ("torch, oneDNN on", 154, 0, 0.9, "gru/plain"))
"""The same goldens, refused and missed otherwise."""


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        (false_alarms.PAGE, tallies.COLUMNS),
        (gradient_false_alarms.PAGE, gradient_false_alarms.COLUMNS),
        (onnx_backend.PAGE, onnx_backend.COLUMNS),
        (mutation.PAGE, mutation.COLUMNS),
    ],
    ids=[false_alarms.PAGE, gradient_false_alarms.PAGE, onnx_backend.PAGE, mutation.PAGE],
)
def test_every_column_of_a_committed_page_has_its_rule(name: str, columns: page_check.Columns) -> None:
    committed = (page.RESULTS / name).read_text("utf-8")
    assert set().union(*page_check.rows(committed).values()) == set(columns)
    assert list(moved(committed, committed, columns)) == []


def test_a_figure_that_moved_is_one_line() -> None:
    measured = page_of(("numpy", 154, 0, 0.3, "gru/plain"), ("torch, oneDNN on", 156, 8, 0.62, "lstm/plain"))
    assert list(moved(PAGE, measured, COLUMNS)) == [
        "float16: torch, oneDNN on: goldens 154 → 156",
        "float16: torch, oneDNN on: refused 7 → 8",
        "float16: torch, oneDNN on: largest error 0.31 → 0.62, may move by 0.15",
    ]


@pytest.mark.parametrize(("near", "far"), [("0.26", "0.24"), ("0.54", "0.56")])
def test_a_figure_may_move_as_far_as_its_column_says(near: str, far: str) -> None:
    assert NEAR.same("0.40", near)
    assert not NEAR.same("0.40", far)


def test_a_figure_that_came_or_went_has_moved() -> None:
    measured = page_of(("numpy", 154, 0, "", ""), ("torch, oneDNN on", 154, 7, 0.31, "gru/plain"))
    assert list(moved(PAGE, measured, COLUMNS)) == ["float16: numpy: largest error 0.3 → nothing, may move by 0.15"]


def test_a_row_that_only_one_has_is_one_line() -> None:
    measured = page_of(("numpy", 154, 0, 0.3, "gru/plain"), ("flax", 154, 0, 0.1, "gru/plain"))
    assert list(moved(PAGE, measured, COLUMNS)) == [
        "float16: torch, oneDNN on: not measured any more",
        "float16: flax: not on the page",
    ]


def test_with_other_versions_only_what_holds_everywhere_is_compared(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (results / "page.md").write_text(PAGE, "utf-8")
    assert check("page.md", page_of(*ROWS, torch="2.14.0"), COLUMNS)
    assert capsys.readouterr().out == (
        "docs/results/page.md was measured with other versions: torch 2.13.0 there, torch 2.14.0 here. "
        "Not compared: refused, largest error\n"
        "docs/results/page.md says the same\n"
    )
    (results / "page.md").write_text(PAGE.replace("154", "156"), "utf-8")
    assert not check("page.md", page_of(*ROWS, torch="2.14.0"), COLUMNS)
    assert "float16: numpy: goldens 156 → 154\n" in capsys.readouterr().out


def test_the_version_of_python_does_not_count() -> None:
    assert len(list(moved(PAGE, page_of(*ROWS, python="3.13.1"), COLUMNS))) == 4


def test_a_page_that_says_otherwise_is_told_how_to_renew(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (results / "page.md").write_text(PAGE, "utf-8")
    assert not check("page.md", PAGE.replace(" 7 ", " 9 "), COLUMNS)
    assert capsys.readouterr().out == (
        "docs/results/page.md says otherwise:\n"
        "float16: torch, oneDNN on: refused 7 → 9\n"
        "If that is right, renew the pages: `make results`\n"
    )


@pytest.mark.usefixtures("results")
def test_a_page_that_is_missing_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert not check("page.md", PAGE, COLUMNS)
    assert capsys.readouterr().out == "docs/results/page.md is missing; `make results` writes it\n"
