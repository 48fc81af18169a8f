"""Rows of another report are merged if they are of the same corpus and no implementation occurs twice."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from rnn_goldens import InvalidFile
from rnn_goldens.corpus import open_corpus
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.report.check_request import CheckRequest
from rnn_goldens.report.conformance import document
from rnn_goldens.report.earlier_reports import is_wrong, rows
from rnn_goldens.report.page import page

Document = dict[str, Any]
Write = Callable[..., Path]
CORPUS = open_corpus()


def row(name: str) -> Document:
    """Return the row of an implementation that refused everything."""
    entries = CORPUS.select()
    results = [
        {
            "cell": cell,
            "dtype": dtype,
            "passed": 0,
            "refused": sum(entry.cell == cell and dtype in entry.precisions for entry in entries),
            "wrong": 0,
            "largest_error": None,
        }
        for cell in CELLS
        for dtype in PRECISIONS
    ]
    return {"name": name, "versions": {name: "3"}, "results": results, "refusals": [], "disagreements": []}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(file: str, *implementations: Document, **other: Any) -> Path:
        versions = {"rnn-goldens": "9", "python": "3.12", "machine": "Darwin arm64"}
        kind = {"kind": "conformance", "format": 1, "corpus": CORPUS.label, "made_with": versions}
        (tmp_path / file).write_text(json.dumps({**kind, "implementations": implementations, **other}))
        return tmp_path / file

    return write


def test_included_rows_come_last_with_their_versions(write: Write) -> None:
    paths = [write("mlx.json", row("mlx")), write("tflite.json", row("tflite"))]
    merged = document([], CheckRequest(CORPUS), rows(paths, CORPUS, ["numpy"]))
    assert [(i["name"], i["made_with"]["machine"]) for i in merged["implementations"]] == [
        ("mlx", "Darwin arm64"),
        ("tflite", "Darwin arm64"),
    ]
    assert "- `mlx`: mlx 3; made with rnn-goldens 9 on Python 3.12, Darwin arm64\n" in page(merged)


def test_each_row_keeps_its_date_and_revision(write: Write) -> None:
    made = {"rnn-goldens": "9", "python": "3.12", "machine": "Darwin arm64", "date": "2026-01-31", "revision": "abc"}
    other = write("mlx.json", row("mlx"), made_with=made)
    merged = document([], CheckRequest(CORPUS, revision="def"), rows([other], CORPUS, []))
    assert merged["implementations"][0]["made_with"] == made
    assert merged["made_with"]["revision"] == "def"
    text = page(merged)
    assert "Darwin arm64, on 2026-01-31, revision abc\n" in text
    assert f", on {merged['made_with']['date']}, revision def. The JSON file" in text


def test_equal_versions_are_not_repeated(write: Write) -> None:
    made_with = document([], CheckRequest(CORPUS))["made_with"]
    merged = document([], CheckRequest(CORPUS), rows([write("mlx.json", row("mlx"), made_with=made_with)], CORPUS, []))
    assert "made_with" not in merged["implementations"][0]
    assert "- `mlx`: mlx 3\n" in page(merged)


def test_nested_reports_keep_their_versions(write: Write) -> None:
    made_with = document([], CheckRequest(CORPUS))["made_with"]
    first = document([], CheckRequest(CORPUS), rows([write("mlx.json", row("mlx"))], CORPUS, []))
    second = rows([write("second.json", *first["implementations"], made_with=made_with)], CORPUS, [])
    assert second[0]["made_with"]["machine"] == "Darwin arm64"


def test_an_earlier_corpus_version_is_shown_beside_its_row(write: Write) -> None:
    earlier = row("mlx")
    earlier["results"][0]["refused"] -= 1
    merged = document([], CheckRequest(CORPUS), rows([write("mlx.json", earlier, corpus="1.0.0")], CORPUS, []))
    assert merged["implementations"][0]["corpus"] == "1.0.0"
    assert "Python 3.12, Darwin arm64; corpus 1.0.0 only\n" in page(merged)
    again = rows([write("again.json", *merged["implementations"])], CORPUS, [])
    assert again[0]["corpus"] == "1.0.0"


def test_another_corpus_a_duplicate_implementation_and_an_incomplete_row_are_errors(write: Write) -> None:
    for other in ("99.0.0", "mine 1.0.0"):
        with pytest.raises(InvalidFile, match=rf"is of corpus {other}, but this report is of {CORPUS.label}"):
            rows([write("other.json", row("mlx"), corpus=other)], CORPUS, [])
    with pytest.raises(InvalidFile, match="numpy is checked here, too"):
        rows([write("numpy.json", row("numpy"))], CORPUS, ["numpy"])
    with pytest.raises(InvalidFile, match=r"mlx is also in .*one\.json"):
        rows([write("one.json", row("mlx")), write("two.json", row("mlx"))], CORPUS, [])
    part = row("mlx")
    part["results"][0]["refused"] -= 1
    with pytest.raises(InvalidFile, match=r"mlx has \d+ of \d+ goldens and precisions"):
        rows([write("part.json", part)], CORPUS, [])


def test_unexpected_failures_of_gradients_are_detected_too() -> None:
    wrong = {"golden": "lstm/plain", "dtype": "float32", "known": None, "reason": "out is wrong"}
    outputs, gradients, known = deepcopy(row("mlx")), deepcopy(row("mlx")), deepcopy(row("mlx"))
    outputs["disagreements"] = [wrong]
    gradients["gradients"] = {"results": [], "refusals": [], "disagreements": [wrong], "not_checked": {}}
    known["disagreements"] = [{**wrong, "known": "https://example.org/7"}]
    assert [is_wrong(one) for one in (row("mlx"), known, outputs, gradients)] == [False, False, True, True]


def test_a_row_is_in_the_tables_of_the_cells_that_it_was_checked_on(write: Write) -> None:
    kernel = row("kernel")
    kernel["results"] = [{**result, "refused": 0} for result in kernel["results"]]
    kernel["results"].append({**kernel["results"][0], "cell": "min_gru", "dtype": "float32", "passed": 7})
    paths = [write("mlx.json", row("mlx")), write("kernel.json", {**kernel, "profile": ["step"]})]
    networks, recurrences = page(document([], CheckRequest(CORPUS), rows(paths, CORPUS, []))).split("## Recurrences")
    assert "kernel" not in networks
    assert networks.count("| `mlx` |") == len(CELLS)
    assert "### min_gru" in recurrences
    assert "| `kernel` | step, float32-inside | not checked | 7 passed | not checked | not checked |" in recurrences
    assert "| `mlx` |" not in recurrences


def test_an_integer_lstm_has_a_column_for_its_type(write: Write) -> None:
    port = row("port")
    port["results"] = [{**port["results"][0], "cell": "lstm_int8_cmsis", "dtype": "int8", "passed": 13, "refused": 0}]
    shown = page(document([], CheckRequest(CORPUS), rows([write("port.json", port)], CORPUS, [])))
    assert "## lstm_int8_cmsis\n\n| | int8 |\n|---|---|\n| `port` | 13 passed" in shown
