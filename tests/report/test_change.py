"""Differences between two minimal reports."""

import json
from pathlib import Path
from typing import Any

import pytest

from rnn_goldens import InvalidFile
from rnn_goldens.pages import Trend
from rnn_goldens.report.earlier_reports import changes, read

Document = dict[str, Any]
RELU = ("rnn_relu", "float64", 4)
GRU = ("gru", "float16", 3)
LSTM = ("lstm", "float32", 2)


def report(*results: tuple[str, str, int]) -> Document:
    """Return a report in which NumPy passed a number of goldens of each cell and precision."""
    entries = [
        {"cell": cell, "dtype": dtype, "passed": passed, "refused": 0, "wrong": 0, "largest_error": None}
        for cell, dtype, passed in results
    ]
    numpy = {"name": "numpy", "versions": {"numpy": "2.0"}, "results": entries, "refusals": [], "disagreements": []}
    made_with = {"rnn-goldens": "1.0", "python": "3.11", "machine": "Linux x86_64"}
    return {"kind": "conformance", "format": 1, "corpus": "1.0.0", "made_with": made_with, "implementations": [numpy]}


def lines(found: list[Trend], *, excused: bool | None = None) -> list[str]:
    """Return changes as lines: all, or those that are excused or not."""
    some = [one for one in found if excused in (None, one.is_excused)]
    return [f"{one.direction} {one.where}: {one.change}" for one in some]


def test_two_reports_with_the_same_results_in_another_order_are_the_same() -> None:
    assert changes(report(RELU, GRU), report(GRU, RELU)) == []


def test_entries_missing_from_the_earlier_report_are_listed() -> None:
    expected = Trend("other", "numpy, gru, float16", "is checked now, but was not before")
    assert changes(report(RELU), report(RELU, GRU)) == [expected]


def test_entries_only_in_the_earlier_report_are_listed() -> None:
    expected = Trend("other", "numpy, gru, float16", "was checked before, but not now")
    assert changes(report(GRU, RELU), report(RELU)) == [expected]


def test_results_in_both_reports_are_compared_although_other_entries_differ() -> None:
    differences = changes(report(GRU, RELU), report(LSTM, ("rnn_relu", "float64", 5)))
    assert lines(differences) == [
        "better numpy, rnn_relu, float64: 5 passed (was 4)",
        "other numpy, gru, float16: was checked before, but not now",
        "other numpy, lstm, float32: is checked now, but was not before",
    ]


def test_versions_do_not_excuse_entries_in_only_one_report() -> None:
    before = report(GRU)
    before["implementations"][0]["versions"] = {"numpy": "1.0"}
    assert lines(changes(before, report(RELU)), excused=False) == [
        "other numpy, gru, float16: was checked before, but not now",
        "other numpy, rnn_relu, float64: is checked now, but was not before",
    ]


def test_versions_and_machines_excuse_other_counts_but_no_wrong_ones() -> None:
    versions, machine, both = report(GRU), report(GRU), report(("gru", "float16", 4))
    versions["implementations"][0]["versions"] = {"numpy": "1.0"}
    machine["made_with"]["machine"] = "Darwin arm64"
    for before in (versions, machine):
        assert lines(changes(before, both), excused=False) == []
        line = "better numpy, gru, float16: 4 passed (was 3) (with other versions)"
        assert line in lines(changes(before, both), excused=True)
    both["implementations"][0]["results"][0]["wrong"] = 1
    assert lines(changes(versions, both), excused=False) == [
        "other numpy, gru, float16: 1 wrong (was 0), 4 passed (was 3)"
    ]


def test_implementations_and_gradients_in_only_one_report_are_listed() -> None:
    before, after = report(RELU), report(RELU)
    before["implementations"].append({**before["implementations"][0], "name": "flax"})
    gradients = {**report(RELU)["implementations"][0], "not_checked": {}}
    del gradients["name"]
    after["implementations"][0]["gradients"] = gradients
    assert sorted(lines(changes(before, after))) == [
        "other flax: was checked before, but not now",
        "other numpy, gradients: are checked now, but were not before",
    ]
    before = report(RELU)
    before["implementations"][0]["gradients"] = {**gradients, "results": [{**gradients["results"][0], "wrong": 1}]}
    assert lines(changes(before, after)) == ["better numpy, gradients, rnn_relu, float64: 0 wrong (was 1)"]


def test_a_report_with_duplicate_results_is_invalid(tmp_path: Path) -> None:
    path = tmp_path / "conformance.json"
    path.write_text(json.dumps(report(GRU, RELU, ("gru", "float16", 1))))
    with pytest.raises(InvalidFile) as raised:
        read(path)
    assert str(raised.value) == f"{path}: numpy, gru, float16 occurs twice"


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "conformance.json"
    path.write_text(json.dumps(report(GRU, RELU)))
    assert read(path) == report(GRU, RELU)
