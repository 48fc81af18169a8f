"""A failure of a correct backward pass is counted, described and reported; what is left out is no success."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gradient_false_alarms, page, tallies
from benchmarks.gradient_false_alarms import SCAN, implementations, report, tally
from benchmarks.tallies import Job, Tally
from rnn_goldens.cells import Backward
from rnn_goldens.checkable.golden import Question
from rnn_goldens.corpus import find, open_corpus
from rnn_goldens.errors import Unsupported

pytestmark = pytest.mark.slow

FOLDER = str(find())
IDS = [e.id for e in open_corpus().entries if e.gradients and "float32" in e.gradients.precisions]

definition = gradient_false_alarms.in_numpy(Backward())


def asking(monkeypatch: pytest.MonkeyPatch, backward: Any) -> Tally:
    monkeypatch.setattr(gradient_false_alarms, "find_backward", lambda _: backward)
    return tally(Job("of the test", "float32"), FOLDER)


def test_the_definition_raises_no_alarm() -> None:
    found = tally(Job("numpy", "float32"), FOLDER)
    assert (found.passed, found.refused.total(), found.failed) == (len(IDS), 0, {})
    assert 0 < found.largest[0] < 0.7


def test_a_scan_of_jax_raises_none_in_any_cell() -> None:
    found = tally(Job(SCAN, "float32"), FOLDER, every=23)
    assert (found.passed, found.failed) == (len(IDS[::23]), {})
    assert 0 < found.largest[0] < 0.7


def test_a_failure_says_where_and_by_how_much(monkeypatch: pytest.MonkeyPatch) -> None:
    def off(golden: Question) -> Mapping[str, Any]:
        if golden.cell == "lstm":
            raise Unsupported("no lstm")
        found = dict(definition(golden))
        return {**found, "weight_hh_l0": found["weight_hh_l0"] + 0.5}

    found = asking(monkeypatch, off)
    lstm = sum(open_corpus().entry(i).cell == "lstm" for i in IDS)
    assert (found.passed, found.refused, len(found.failed)) == (0, {"no lstm": lstm}, len(IDS) - lstm)
    assert "weight_hh_l0[" in found.failed["gru/plain"]
    assert "off by 0.5, allowed" in found.failed["gru/plain"]
    assert "`gru/plain`: weight_hh_l0[" in report([found], open_corpus(FOLDER), ["off"])


def test_what_gives_no_gradient_of_an_array_is_not_taken_for_correct(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(golden: Question) -> Mapping[str, Any]:
        return {name: array for name, array in definition(golden).items() if name != "x"}

    with pytest.raises(ValueError, match="of the test gives no x of documented/single-sequence"):
        asking(monkeypatch, without)


def test_names_are_unique() -> None:
    assert len(set(implementations())) == len(implementations())


def test_a_share_is_held_against_the_rest_of_the_page_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Tally(Job(name, "float32"), passed=3, largest=(0.1, "gru/plain")) for name in ("numpy", SCAN)]
    monkeypatch.setattr(tallies, "run", lambda *_: found)
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    assert _exit_code(monkeypatch, "--write") == 0
    found[1].passed = 1
    assert [_exit_code(monkeypatch, *how) for how in (["--check"], ["--check", "--every", "7"])] == [1, 0]
    found[0].passed = 4
    assert _exit_code(monkeypatch, "--check", "--every", "7") == 1
    found[0].passed, found[1].largest = 3, (0.71, "gru/plain")
    assert _exit_code(monkeypatch, "--check", "--every", "7") == 1


def _exit_code(monkeypatch: pytest.MonkeyPatch, *how: str) -> int:
    monkeypatch.setattr(sys, "argv", ["gradient_false_alarms", *how])
    try:
        gradient_false_alarms.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0
