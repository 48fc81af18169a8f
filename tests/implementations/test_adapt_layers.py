"""A user's layer of Keras or cell of Flax is checked: it passes, fails, or is refused with the missing feature."""

from typing import Any

import pytest
from implementations.outcomes import CORPUS, check_all

from rnn_goldens import Unsupported
from rnn_goldens.errors import WrongUse
from rnn_goldens.implementations import adapt

pytestmark = pytest.mark.xdist_group("keras")  # one worker imports Keras, Flax and JAX


def test_a_keras_layer_of_another_dialect_or_kind_is_refused_with_the_reason(own_in_keras: Any) -> None:
    golden = CORPUS.load("gru/plain", "float32")
    with pytest.raises(Unsupported, match="one bias, because reset_after=False: it resets before the product"):
        adapt(own_in_keras.MyKerasGRUThatResetsFirst)(golden)
    with pytest.raises(WrongUse, match="MyKerasNothing has 0 weights: a recurrent layer has two kernels or more"):
        adapt(own_in_keras.MyKerasNothing)(golden)
    with pytest.raises(WrongUse, match="MyKerasCell is a cell of Keras: choose a layer class that contains it"):
        adapt(own_in_keras.MyKerasCell)


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        pytest.param("MyKerasLSTM", "lstm", marks=pytest.mark.slow),
        *(("GRU", cell) for cell in ("gru_reset_before", "gru_reverse", "gru_hard_sigmoid_sixth")),
    ],
)
def test_a_keras_layer_runs_every_golden_of_its_cell(own_in_keras: Any, name: str, cell: str) -> None:
    counts, reasons = check_all(getattr(own_in_keras, name, own_in_keras.keras.layers.GRU), cell=cell)
    assert (counts["failed"], reasons) == (0, [])
    assert counts["passed"] > 1


@pytest.mark.slow
def test_a_flax_cell_is_unrolled(own_in_flax: Any) -> None:
    counts, reasons = check_all(
        own_in_flax.MyFlaxGRU, ids=["gru/lengths-bidirectional", "rnn-tanh/plain", "lstm/plain"]
    )
    assert counts == {"passed": 1}
    assert reasons == [
        "MyFlaxGRU has no h/kernel, unlike Flax's cell for rnn_tanh",
        "MyFlaxGRU has no hf/bias, unlike Flax's cell for lstm",
    ]


@pytest.mark.parametrize("cell", [pytest.param("gru_hard_sigmoid_sixth", marks=pytest.mark.slow), "gru_reverse"])
def test_a_flax_cell_receives_the_arguments_of_a_dialect(own_in_flax: Any, cell: str) -> None:
    counts, reasons = check_all(own_in_flax.MyFlaxGRU, cell=cell, without="lengths")
    assert (counts["failed"], reasons) == (0, [])
    assert counts["passed"] > 0


def test_a_keras_layer_that_keeps_its_state_fails_a_call_pattern(own_in_keras: Any) -> None:
    once, verdict = CORPUS.load("gru/plain", "float32").compare_calls(
        adapt(own_in_keras.MyKerasGRUThatKeepsItsState), "twice"
    )
    assert once.passed
    assert "the second call differs from the first" in verdict.message


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("MyFlaxDense", "MyFlaxDense is a class of Flax; supported are cells of flax.linen, derived from"),
        ("MyNnxGRU", "MyNnxGRU is a class of flax.nnx; supported are cells of flax.linen, derived from"),
    ],
)
def test_another_class_of_flax_is_an_error_with_a_hint(own_in_flax: Any, name: str, why: str) -> None:
    with pytest.raises(WrongUse, match=why):
        adapt(getattr(own_in_flax, name))
