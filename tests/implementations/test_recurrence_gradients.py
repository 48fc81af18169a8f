"""Functions of a recurrence's arrays are differentiated by torch or JAX, by every input, initial state and weight."""

from typing import Any

import pytest

from rnn_goldens import GoldenMismatch, Unsupported
from rnn_goldens.corpus import open_corpus
from rnn_goldens.implementations.user_code import adapt_backward

pytest.importorskip("torch", reason="the tests use kernels in torch")

from implementations import own_kernels as own

CORPUS = open_corpus()
ONE = "gated-delta/several-steps"


def check(kernel: Any, golden_id: str, dtype: str) -> None:
    golden = CORPUS.load(golden_id, dtype, gradients=True)
    backward = adapt_backward(kernel)
    assert golden.check_gradients(backward(golden.for_implementation())).not_checked == ()
    golden.check_gradient_calls(backward)


@pytest.mark.sampled(every=4)
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("entry", [e for e in CORPUS.select(cell="gated_delta") if e.gradient_precisions], ids=str)
def test_gradients_in_torch_are_right(entry: Any, dtype: str) -> None:
    if dtype in entry.gradient_precisions:
        check(own.gated_delta, entry.id, dtype)


@pytest.mark.xdist_group("keras")
@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_gradients_in_jax_are_right(jax_kernels: Any, dtype: str) -> None:
    check(jax_kernels.gated_delta, ONE, dtype)


def test_gradients_follow_the_names_of_outputs_states_and_weights() -> None:
    check(own.by_name, ONE, "float32")
    check(own.slstm, "slstm/several-steps", "float64")


@pytest.mark.xdist_group("keras")
def test_a_wrong_gradient_is_named(jax_kernels: Any) -> None:
    with pytest.raises(GoldenMismatch, match="like d_g_zero: q, k, v, beta, S0 right; g wrong"):
        check(jax_kernels.wrong_backward, ONE, "float32")


def test_gradients_that_cannot_be_computed_are_refused() -> None:
    with pytest.raises(Unsupported, match="S_n"):
        check(own.output_alone, ONE, "float32")
