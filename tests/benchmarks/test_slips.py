"""Slips by hand: the networks they are made in are right, and each slip is the deviation whose name it has."""

import shutil
import subprocess
from collections.abc import Iterator

import numpy as np
import pytest
from examples.building import lacking

from benchmarks.slips.agreeing import disagreements
from benchmarks.slips.asking import asked
from benchmarks.slips.slip import DoesNotApply, Slip, slipped
from benchmarks.slips.tables import SLIPS, cells_of, files_of, slip_of
from rnn_goldens import Golden, load
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import deviation
from rnn_goldens.errors import Unsupported
from rnn_goldens.judging.verdict import compare

ALL = [(language, slip) for language, slips in SLIPS.items() for slip in slips]
SAMPLE = ("lstm_gates_iofg", "gru_reset_on_input", "b_hh_overwritten_by_b_ih")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


@pytest.fixture
def need(language: str) -> None:
    """Skip the test where there is nothing that runs the language."""
    commands = {"JavaScript": ("node",), "C": ("cc", "pkg-config")}.get(language, ())
    for command in commands:
        if shutil.which(command) is None:
            lacking(f"{command} is not installed")
    if "cc" in commands and subprocess.run(["pkg-config", "--exists", "jansson"], check=False).returncode != 0:
        lacking("the C library jansson is not installed")


def in_float32() -> list[Golden]:
    corpus = open_corpus()
    return [corpus.load(entry.id, "float32") for entry in corpus.entries if "float32" in entry.precisions]


@pytest.mark.slow
@pytest.mark.usefixtures("need")
@pytest.mark.parametrize("language", SLIPS)
def test_the_networks_without_a_slip_are_right(language: str) -> None:
    passed = []
    with asked(language, files_of(language)) as ask:
        for golden in in_float32():
            try:
                passed.append(compare(golden, *ask(golden)).passed)
            except Unsupported:
                continue
    assert all(passed)
    assert len(passed) > 50


@pytest.mark.parametrize(("language", "slip"), ALL, ids=lambda part: part if isinstance(part, str) else part.deviation)
def test_every_slip_is_an_edit_of_the_text_and_in_cells_that_the_deviation_befalls(language: str, slip: Slip) -> None:
    assert slipped(files_of(language), slip) != files_of(language)
    assert set(cells_of(slip)) <= set(deviation(slip.deviation).cells)


@pytest.mark.parametrize("language", SLIPS)
def test_no_deviation_is_there_twice(language: str) -> None:
    names = [slip.deviation for slip in SLIPS[language]]
    assert len(names) == len(set(names))


@pytest.mark.usefixtures("need")
@pytest.mark.parametrize("name", SAMPLE)
@pytest.mark.parametrize("language", SLIPS)
def test_a_slip_is_the_deviation(language: str, name: str) -> None:
    goldens = [load("lstm/plain", dtype="float32"), load("gru/plain", dtype="float32")]
    slip = slip_of(language, name)
    assert not list(disagreements(language, slip, goldens))


def test_a_slip_under_another_name_is_found() -> None:
    slip = Slip("gru_reset_on_both", slip_of("torch", "gru_reset_on_input").edits)
    (found,) = disagreements("torch", slip, [load("gru/plain", dtype="float32")])
    assert found.startswith("gru/plain: out differs by ")


def test_two_slips_of_the_same_line_do_not_go_together() -> None:
    one, other = slip_of("torch", "b_ih_missing"), slip_of("torch", "b_ih_doubled")
    with pytest.raises(DoesNotApply, match="b_ih_missing & b_ih_doubled"):
        slipped(files_of("torch"), one, other)


def test_an_edit_of_what_is_not_there_does_not_apply() -> None:
    with pytest.raises(DoesNotApply, match="'nowhere' is there 0 times"):
        slipped(files_of("C"), Slip("b_ih_missing", (("nowhere", ""),)))
