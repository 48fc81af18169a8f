"""Functions of a golden that return outputs, asked for gradients: JAX or torch differentiates them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from made_gradients import with_gradients

from rnn_goldens import GoldenMismatch, Unsupported
from rnn_goldens.checkable.golden import Question
from rnn_goldens.conventions import CONVENTIONS
from rnn_goldens.implementations import adapt
from rnn_goldens.implementations.backward import adapt_backward
from rnn_goldens.implementations.numpy_cells import run as in_numpy
from rnn_goldens.implementations.traced import arrays_of, traced

RNN = "rnn-tanh/with-state"


def in_jax(golden: Question, between: Any = lambda h: h) -> Any:
    w = {name: jnp.asarray(array) for name, array in golden.weights.items()}

    def step(h: jax.Array, x_t: jax.Array) -> tuple[jax.Array, jax.Array]:
        b = w["bias_ih_l0"] + w["bias_hh_l0"]
        h = jnp.tanh(x_t @ w["weight_ih_l0"].T + between(h) @ w["weight_hh_l0"].T + b)
        return h, h

    h_n, out = jax.lax.scan(step, jnp.asarray(golden.h0)[0], jnp.swapaxes(jnp.asarray(golden.x), 0, 1))
    return jnp.swapaxes(out, 0, 1), h_n[None]


def without_the_path(golden: Question) -> Any:
    return in_jax(golden, jax.lax.stop_gradient)


def in_jax_by_numpy(golden: Question) -> Any:
    return tuple(map(jnp.asarray, in_numpy(golden)))


@jax.custom_vjp
def own(h: jax.Array) -> jax.Array:
    return h


def _own_forward(_: jax.Array) -> Any:
    raise ValueError("no such residual")


own.defvjp(_own_forward, lambda _, d: (d,))


def tensor_of(array: Any) -> torch.Tensor:
    return array if torch.is_tensor(array) else torch.tensor(array)


def in_torch(golden: Question, tensor: Any = tensor_of) -> Any:
    w = {name: tensor(array) for name, array in golden.weights.items()}
    h, out = tensor(golden.h0)[0], []
    for x_t in tensor(golden.x).unbind(1):
        h = torch.tanh(x_t @ w["weight_ih_l0"].T + w["bias_ih_l0"] + h @ w["weight_hh_l0"].T + w["bias_hh_l0"])
        out.append(h)
    return torch.stack(out, 1), h[None]


def by_the_textbook(golden: Question) -> Any:
    w = {name: tensor_of(array) for name, array in golden.weights_as("textbook").items()}
    h, out = tensor_of(golden.initial_state)[0], []
    for x_t in tensor_of(golden.x).unbind(1):
        h = torch.tanh(x_t @ w["W_xh"] + h @ w["W_hh"] + w["b"])
        out.append(h)
    return torch.stack(out, 1), h[None]


@torch.no_grad()
def without_grad(golden: Question) -> Any:
    return in_torch(golden)


def last_state_cut_off(golden: Question) -> Any:
    out, h_n = in_torch(golden)
    return out, h_n.detach()


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_function_in_jax_is_differentiated(dtype: str) -> None:
    golden = with_gradients(RNN, dtype)
    golden.check_gradient_calls(adapt_backward(in_jax))
    assert golden.compare_gradients(adapt_backward(in_jax)(golden.question())).not_checked == ()
    assert jnp.zeros(1).dtype == "float32"


@pytest.mark.slow
def test_a_path_that_is_stopped_in_jax_is_wrong() -> None:
    with pytest.raises(GoldenMismatch, match="backward_not_through_time"):
        with_gradients(RNN).check_gradient_calls(adapt_backward(without_the_path), adapt(without_the_path))


@pytest.mark.slow
def test_what_jax_can_not_trace_is_refused_and_backward_code_that_fails_is_not() -> None:
    question = with_gradients(RNN).question()
    with pytest.raises(Unsupported, match=r"^JAX can not differentiate the function: TracerArrayConversionError: .*$"):
        adapt_backward(in_jax_by_numpy)(question)
    with pytest.raises(ValueError, match="no such residual"):
        adapt_backward(lambda golden: in_jax(golden, own))(question)


@pytest.mark.parametrize("function", [in_torch, by_the_textbook])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_function_in_torch_is_differentiated(function: Any, dtype: str) -> None:
    golden = with_gradients(RNN, dtype)
    golden.check_gradient_calls(adapt_backward(function))
    assert golden.compare_gradients(adapt_backward(function)(golden.question())).not_checked == ()


def test_what_torch_can_not_follow_is_refused_and_one_output_cut_off_is_wrong() -> None:
    question = with_gradients(RNN).question()
    with pytest.raises(Unsupported, match="no output follows from the tensors it is given"):
        adapt_backward(without_grad)(question)
    with pytest.raises(Unsupported, match="torch can not differentiate the function: RuntimeError: Can't call numpy"):
        adapt_backward(lambda golden: in_torch(golden, lambda array: torch.tensor(np.asarray(array))))(question)
    with pytest.raises(TypeError, match="h_n can not be differentiated"):
        adapt_backward(last_state_cut_off)(question)


def test_a_tensor_that_no_output_follows_from_has_not_passed() -> None:
    golden = with_gradients(RNN)

    def cut_off(array: Any) -> torch.Tensor:
        return tensor_of(array).detach() if array.ndim == 1 else tensor_of(array)

    found = adapt_backward(lambda question: in_torch(question, cut_off))(golden.question())
    assert [name for name, gradient in found.items() if gradient is None] == ["bias_ih_l0", "bias_hh_l0"]
    assert not golden.compare_gradients(found).passed


def test_a_function_in_numpy_is_refused_with_the_reason() -> None:
    with pytest.raises(Unsupported, match=r"out of numpy.ndarray, h_n of numpy.ndarray: outputs in JAX or in torch"):
        adapt_backward(in_numpy)(with_gradients(RNN).question())


@pytest.mark.parametrize(
    ("golden_id", "convention"),
    [
        *((RNN, name) for name in CONVENTIONS),
        *((of, name) for of in ("lstm/bidirectional-two-layers", "gru/no-bias") for name in ("keras", "onnx", "flax")),
    ],
)
def test_traced_weights_of_a_convention_are_those_that_are_not(golden_id: str, convention: str) -> None:
    question = with_gradients(golden_id).question()
    leaves = {name: torch.tensor(array) for name, array in arrays_of(question).items()}
    found = traced(question, leaves, lambda array: torch.tensor(np.asarray(array))).weights_as(convention)
    wanted = question.weights_as(convention)
    assert list(found) == list(wanted)
    assert all(np.array_equal(found[name].numpy(), wanted[name]) for name in wanted)
