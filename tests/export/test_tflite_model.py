"""Exported models run on LiteRT and on TensorFlow Lite Micro, which compute their definitions bit by bit."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from conformance.integer_engines import litert, tflm
from rnn_goldens import Golden, Unsupported, load, select
from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.export.tflite_model import tflite

Engine = Callable[[Inputs], NDArray[Any]]


def from_reset(cell: str) -> list[Golden]:
    """Return the goldens of a cell that a model can have."""
    return [golden for golden in select(cell=cell) if not golden.given_states and "rounding" not in golden.config]


@pytest.mark.parametrize(
    ("engine", "cell"),
    [(litert, "lstm_int8_tflite"), (tflm, "lstm_int8_tflm"), (tflm, "lstm_16x8_tflm")],
    ids=["LiteRT", "TFLM", "TFLM-16x8"],
)
def test_an_engine_computes_every_bit_of_its_definition(engine: Engine, cell: str) -> None:
    goldens = from_reset(cell)
    assert len(goldens) >= 7
    for golden in goldens:
        golden.check(engine(golden.for_implementation()), outputs=["out"])


@pytest.mark.parametrize(
    ("engine", "cell", "definition"),
    [(litert, "lstm_int8_tflm", "definition_of_tflite"), (tflm, "lstm_int8_tflite", "definition_of_tflm")],
    ids=["LiteRT", "TFLM"],
)
def test_goldens_of_another_definition_say_which_one_an_engine_computes(
    engine: Engine, cell: str, definition: str
) -> None:
    verdicts = [golden.compare(engine(golden.for_implementation()), outputs=["out"]) for golden in from_reset(cell)]
    wrong = [verdict for verdict in verdicts if not verdict.passed]
    assert len(wrong) >= 6
    assert all(definition in verdict.explained_by for verdict in wrong)


@pytest.mark.parametrize(("engine", "cell"), [(litert, "lstm_int8_tflite"), (tflm, "lstm_int8_tflm")])
def test_a_second_call_begins_with_the_states_of_the_first(engine: Callable[..., NDArray[Any]], cell: str) -> None:
    golden = load(f"{cell.replace('_', '-')}/plain")
    halves = np.split(golden.x, 2, axis=1)
    first = replace(golden.for_implementation(), stored=replace(golden.stored, inputs={"x": halves[0].astype(float)}))
    golden.check(engine(first, later=halves[1:]), outputs=["out"])


def test_the_files_hold_the_model_and_raw_numbers() -> None:
    golden = load("lstm-16x8-tflm/plain")
    files = tflite(golden).files
    assert files["model.tflite"][4:8] == b"TFL3"
    assert np.array_equal(np.frombuffer(files["x.bin"], "<i2").reshape(golden.x.shape), golden.x)
    assert np.array_equal(np.frombuffer(files["out.bin"], "<i2").reshape(golden.out.shape), golden.out)


@pytest.mark.parametrize(
    ("golden_id", "why"),
    [
        ("lstm/plain", "lstm is not an LSTM of integers"),
        ("lstm-int8-tflm/state", "this golden has other states"),
        ("lstm-int8-cmsis/single-rounding", "single rounding is an option"),
    ],
)
def test_what_a_model_cannot_have_is_refused(golden_id: str, why: str) -> None:
    with pytest.raises(Unsupported, match=why):
        tflite(load(golden_id))
