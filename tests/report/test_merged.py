"""Rows of another report stand in this one, if they are of the same goldens, and no implementation is there twice."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from rnn_goldens import InvalidFile
from rnn_goldens.corpus import open_corpus
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS
from rnn_goldens.report.conformance import Asked, document
from rnn_goldens.report.merged import is_wrong, rows
from rnn_goldens.report.page import page

Document = dict[str, Any]
Write = Callable[..., Path]
CORPUS = open_corpus()


def row(name: str) -> Document:
    """An implementation that refused everything."""
    entries = CORPUS.entries
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
        made = {"rnn-goldens": "9", "python": "3.12", "machine": "Darwin arm64"}
        kind = {"kind": "conformance", "format": 1, "corpus": CORPUS.label, "made_with": made}
        (tmp_path / file).write_text(json.dumps({**kind, "implementations": implementations, **other}))
        return tmp_path / file

    return write


def test_rows_of_others_stand_after_those_checked_here_with_what_they_were_made_with(write: Write) -> None:
    paths = [write("mlx.json", row("mlx")), write("tflite.json", row("tflite"))]
    made = document([], Asked(CORPUS), rows(paths, CORPUS, ["numpy"]))
    assert [(i["name"], i["made_with"]["machine"]) for i in made["implementations"]] == [
        ("mlx", "Darwin arm64"),
        ("tflite", "Darwin arm64"),
    ]
    assert "- `mlx`: mlx 3; made with rnn-goldens 9 on Python 3.12, Darwin arm64\n" in page(made)


def test_what_was_made_with_the_same_is_not_said_twice(write: Write) -> None:
    here = document([], Asked(CORPUS))["made_with"]
    made = document([], Asked(CORPUS), rows([write("mlx.json", row("mlx"), made_with=here)], CORPUS, []))
    assert "made_with" not in made["implementations"][0]
    assert "- `mlx`: mlx 3\n" in page(made)


def test_a_report_of_reports_says_of_each_what_it_was_made_with(write: Write) -> None:
    here = document([], Asked(CORPUS))["made_with"]
    first = document([], Asked(CORPUS), rows([write("mlx.json", row("mlx"))], CORPUS, []))
    second = rows([write("second.json", *first["implementations"], made_with=here)], CORPUS, [])
    assert second[0]["made_with"]["machine"] == "Darwin arm64"


def test_an_earlier_version_of_the_corpus_is_said_beside_what_was_asked_it(write: Write) -> None:
    few = row("mlx")
    few["results"][0]["refused"] -= 1
    made = document([], Asked(CORPUS), rows([write("mlx.json", few, corpus="1.0.0")], CORPUS, []))
    assert made["implementations"][0]["corpus"] == "1.0.0"
    assert "Python 3.12, Darwin arm64; asked corpus 1.0.0 alone\n" in page(made)
    again = rows([write("again.json", *made["implementations"])], CORPUS, [])
    assert again[0]["corpus"] == "1.0.0"


def test_another_corpus_an_implementation_twice_and_a_part_of_the_goldens_are_refused(write: Write) -> None:
    for other in ("0.1.0", "1.99.0", "mine 1.0.0"):
        with pytest.raises(InvalidFile, match=rf"is of corpus {other}, and this report of {CORPUS.label}"):
            rows([write("other.json", row("mlx"), corpus=other)], CORPUS, [])
    with pytest.raises(InvalidFile, match="numpy is checked here, too"):
        rows([write("numpy.json", row("numpy"))], CORPUS, ["numpy"])
    with pytest.raises(InvalidFile, match=r"mlx stands in .*one\.json, too"):
        rows([write("one.json", row("mlx")), write("two.json", row("mlx"))], CORPUS, [])
    part = row("mlx")
    part["results"][0]["refused"] -= 1
    with pytest.raises(InvalidFile, match=r"mlx was asked \d+ of \d+ goldens and precisions"):
        rows([write("part.json", part)], CORPUS, [])


def test_what_is_wrong_and_not_known_to_be_is_told_of_gradients_too() -> None:
    wrong = {"golden": "lstm/plain", "dtype": "float32", "known": None, "reason": "out is wrong"}
    outputs, gradients, known = deepcopy(row("mlx")), deepcopy(row("mlx")), deepcopy(row("mlx"))
    outputs["disagreements"] = [wrong]
    gradients["gradients"] = {"results": [], "refusals": [], "disagreements": [wrong], "not_checked": {}}
    known["disagreements"] = [{**wrong, "known": "https://example.org/7"}]
    assert [is_wrong(one) for one in (row("mlx"), known, outputs, gradients)] == [False, False, True, True]
