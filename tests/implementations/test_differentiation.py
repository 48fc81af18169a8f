"""Functions of a golden, and of a recurrence's arrays, that return outputs are differentiated by JAX or torch."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from factories.gradients import with_gradients
from implementations import own_kernels as own
from implementations.own_networks import in_torch, tensor_of

from rnn_goldens import GoldenMismatch, Unsupported
from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.conventions import CONVENTIONS
from rnn_goldens.corpus import open_corpus
from rnn_goldens.implementations import adapt
from rnn_goldens.implementations.differentiation import arrays_of, traced
from rnn_goldens.implementations.numpy_cells import run as in_numpy
from rnn_goldens.implementations.resolution import adapt_backward

RNN = "rnn-tanh/with-state"


def with_textbook_weights(golden: Inputs) -> Any:
    w = {name: tensor_of(array) for name, array in golden.weights_as("textbook").items()}
    h, out = tensor_of(golden.initial_state)[0], []
    for x_t in tensor_of(golden.x).unbind(1):
        h = torch.tanh(x_t @ w["W_xh"] + h @ w["W_hh"] + w["b"])
        out.append(h)
    return torch.stack(out, 1), h[None]


@torch.no_grad()
def without_grad(golden: Inputs) -> Any:
    return in_torch(golden)


def with_detached_last_state(golden: Inputs) -> Any:
    out, h_n = in_torch(golden)
    return out, h_n.detach()


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_function_in_jax_is_differentiated(own_in_jax: Any, dtype: str) -> None:
    golden, backward = with_gradients(RNN, dtype), adapt_backward(own_in_jax.rnn)
    golden.check_gradient_calls(backward)
    assert golden.compare_gradients(backward(golden.for_implementation())).not_checked == ()
    assert own_in_jax.jnp.zeros(1).dtype == "float32"


@pytest.mark.slow
def test_stop_gradient_in_jax_is_detected(own_in_jax: Any) -> None:
    stopped = own_in_jax.with_stop_gradient
    with pytest.raises(GoldenMismatch, match="backward_not_through_time"):
        with_gradients(RNN).check_gradient_calls(adapt_backward(stopped), adapt(stopped))


@pytest.mark.slow
def test_a_function_that_jax_cannot_trace_is_refused_but_failing_backward_code_is_not(own_in_jax: Any) -> None:
    inputs = with_gradients(RNN).for_implementation()
    with pytest.raises(Unsupported, match=r"^JAX cannot differentiate the function: TracerArrayConversionError: .*$"):
        adapt_backward(own_in_jax.computed_in_numpy)(inputs)
    with pytest.raises(ValueError, match="no such residual"):
        adapt_backward(lambda golden: own_in_jax.rnn(golden, own_in_jax.broken_backward))(inputs)


@pytest.mark.parametrize("function", [in_torch, with_textbook_weights])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_function_in_torch_is_differentiated(function: Any, dtype: str) -> None:
    golden = with_gradients(RNN, dtype)
    golden.check_gradient_calls(adapt_backward(function))
    assert golden.compare_gradients(adapt_backward(function)(golden.for_implementation())).not_checked == ()


def test_a_function_detached_from_torch_is_refused_but_one_detached_output_is_wrong() -> None:
    inputs = with_gradients(RNN).for_implementation()
    with pytest.raises(Unsupported, match="no output depends on its input tensors"):
        adapt_backward(without_grad)(inputs)
    with pytest.raises(Unsupported, match="torch cannot differentiate the function: RuntimeError: Can't call numpy"):
        adapt_backward(lambda golden: in_torch(golden, lambda array: torch.tensor(np.asarray(array))))(inputs)
    with pytest.raises(TypeError, match="h_n cannot be differentiated"):
        adapt_backward(with_detached_last_state)(inputs)


def test_biases_that_no_output_depends_on_have_no_gradient_and_fail() -> None:
    golden = with_gradients(RNN)

    def detached_biases(array: Any) -> torch.Tensor:
        return tensor_of(array).detach() if array.ndim == 1 else tensor_of(array)

    gradients = adapt_backward(lambda inputs: in_torch(inputs, detached_biases))(golden.for_implementation())
    assert [name for name, gradient in gradients.items() if gradient is None] == ["bias_ih_l0", "bias_hh_l0"]
    assert not golden.compare_gradients(gradients).passed


def test_a_function_in_numpy_is_refused_with_a_reason() -> None:
    with pytest.raises(Unsupported, match=r"out as numpy.ndarray, h_n as numpy.ndarray: only outputs in"):
        adapt_backward(in_numpy)(with_gradients(RNN).for_implementation())


@pytest.mark.parametrize(
    ("golden_id", "convention"),
    [
        *((RNN, name) for name in CONVENTIONS),
        *product(("lstm/bidirectional-two-layers", "gru/no-bias"), ("keras", "onnx", "flax")),
    ],
)
def test_traced_weights_of_a_convention_equal_untraced_ones(golden_id: str, convention: str) -> None:
    inputs = with_gradients(golden_id).for_implementation()
    leaves = {name: torch.tensor(array) for name, array in arrays_of(inputs).items()}
    actual = traced(inputs, leaves, lambda array: torch.tensor(np.asarray(array))).weights_as(convention)
    expected = inputs.weights_as(convention)
    assert list(actual) == list(expected)
    assert all(np.array_equal(actual[name].numpy(), expected[name]) for name in expected)


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
