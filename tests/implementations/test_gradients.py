"""Gradients of frameworks' own layers and of users' classes, without backward code of theirs."""

from typing import Any

import jax
import numpy as np
import pytest
import torch
from flax import linen
from made_gradients import torch_gradients, with_gradients
from torch import nn

from rnn_goldens import Unsupported, load
from rnn_goldens.conventions import CONVENTIONS
from rnn_goldens.errors import WrongUse
from rnn_goldens.implementations import resolve
from rnn_goldens.implementations.backward import adapt_backward, backward_of

IDS = ["documented/single-sequence", "lstm/lengths", "gru/unbatched", "lstm/lengths-bidirectional-two-layers"]


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize("golden_id", IDS)
@pytest.mark.parametrize("name", ["torch", "torch-cells", "numpy"])
def test_torch_and_numpy_give_all_gradients_and_the_same_twice(name: str, golden_id: str, dtype: str) -> None:
    golden = with_gradients(golden_id, dtype)
    golden.check_gradient_calls(backward_of(name, resolve(name)))
    assert golden.compare_gradients(backward_of(name, resolve(name))(golden.question())).not_checked == ()


@pytest.mark.slow
@pytest.mark.parametrize("golden_id", IDS)
@pytest.mark.parametrize("name", ["flax", "keras"])
def test_flax_and_keras_give_all_gradients(name: str, golden_id: str) -> None:
    golden = with_gradients(golden_id)
    backward = backward_of(name, resolve(name))
    golden.check_gradient_calls(backward)
    assert golden.compare_gradients(backward(golden.question())).not_checked == ()


@pytest.mark.parametrize("convention", ["keras", "onnx", "flax"])
@pytest.mark.parametrize("golden_id", ["lstm/bidirectional-two-layers", "gru/plain", "rnn-tanh/plain"])
def test_gradients_of_another_convention_come_back_as_its_weights_go(convention: str, golden_id: str) -> None:
    golden = with_gradients(golden_id, "float64")
    numbers = np.random.default_rng(0)
    change = {name: numbers.normal(size=array.shape) for name, array in golden.stored.weights.items()}
    moved = CONVENTIONS[convention].from_torch(golden.cell, golden.config, change)
    gradients = {name: numbers.normal(size=array.shape) for name, array in moved.items()}
    found = golden.gradients_from(convention, gradients)
    assert {name: array.shape for name, array in found.items()} == {n: a.shape for n, a in change.items()}
    there = sum(float((gradients[name] * moved[name]).sum()) for name in moved)
    back = sum(float((found[name] * change[name]).sum()) for name in change)
    assert there == pytest.approx(back, rel=1e-12)


def test_what_is_no_gradient_of_a_convention_is_refused() -> None:
    golden = with_gradients("gru/plain")
    kernel = golden.weights_as("keras")["l0/kernel"]
    assert list(golden.gradients_from("keras", {"l0/kernel": kernel})) == ["weight_ih_l0"]
    with pytest.raises(WrongUse, match="keras gradients: l0/core is not one of l0/kernel"):
        golden.gradients_from("keras", {"l0/core": kernel})
    with pytest.raises(WrongUse, match=r"l0/kernel is \(9, 4\), not \(4, 9\)"):
        golden.gradients_from("keras", {"l0/kernel": kernel.T})
    with pytest.raises(TypeError, match="l0/kernel is float16: less precise than the declared float32"):
        golden.gradients_from("keras", {"l0/kernel": kernel.astype(np.float16)})


class OwnGRU(nn.Module):
    """Shaped like torch's, with its weights one level down."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, batch_first: bool = True) -> None:
        super().__init__()
        self.rnn = nn.GRU(input_size, hidden_size, bias=bias, batch_first=batch_first)

    def forward(self, x: torch.Tensor, h0: torch.Tensor | None = None) -> Any:
        return self.rnn(x, h0)


class OutAlone(OwnGRU):
    def forward(self, x: torch.Tensor, h0: torch.Tensor | None = None) -> Any:
        return super().forward(x, h0)[0]


def out_in_torch(golden: Any) -> Any:
    def tensor(array: Any) -> Any:
        return array if isinstance(array, torch.Tensor) else torch.tensor(array)

    weights = [tensor(golden.weights[f"{name}_l0"]) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    h, out = tensor(golden.h0[0]), []
    for x_t in tensor(golden.x).unbind(1):
        h = torch.gru_cell(x_t, h, *weights)
        out.append(h)
    return torch.stack(out, 1)


def out_in_jax(golden: Any) -> Any:
    w = golden.weights
    h, out = jax.numpy.asarray(golden.h0[0]), []
    for t in range(golden.x.shape[1]):
        of_x = golden.x[:, t] @ w["weight_ih_l0"].T + w["bias_ih_l0"]
        of_h = h @ w["weight_hh_l0"].T + w["bias_hh_l0"]
        (r_x, z_x, n_x), (r_h, z_h, n_h) = (jax.numpy.split(part, 3, axis=-1) for part in (of_x, of_h))
        z = jax.nn.sigmoid(z_x + z_h)
        h = (1 - z) * jax.numpy.tanh(n_x + jax.nn.sigmoid(r_x + r_h) * n_h) + z * h
        out.append(h)
    return jax.numpy.stack(out, 1)


@pytest.mark.slow
@pytest.mark.parametrize("found", [OutAlone, out_in_torch, out_in_jax])
def test_what_returns_out_alone_has_gradients_where_cotangents_are_of_out_alone(found: Any) -> None:
    golden = with_gradients("gru/plain", only=("d_out",))
    golden.check_gradient_calls(adapt_backward(found))
    of_state = with_gradients("gru/plain", only=("d_out", "d_h_n"))
    with pytest.raises(Unsupported, match=r"^cotangents of h_n need h_n, and one array was returned$"):
        adapt_backward(found)(of_state.question())


class Detached(OwnGRU):
    def forward(self, x: torch.Tensor, h0: torch.Tensor | None = None) -> Any:
        out, h_n = super().forward(x, h0)
        return out.detach(), h_n.detach()


class OwnCell(linen.GRUCell):
    """Flax's own, by another name."""


class InNumPy:
    def __init__(self, input_size: int, hidden_size: int) -> None: ...

    def load_state_dict(self, weights: Any) -> None: ...


def test_a_users_class_of_torch_needs_no_backward_code() -> None:
    golden = with_gradients("gru/plain")
    golden.check_gradient_calls(adapt_backward(OwnGRU))
    assert golden.compare_gradients(adapt_backward(OwnGRU)(golden.question())).not_checked == ()
    golden.check_gradient_calls(adapt_backward(nn.GRU))


@pytest.mark.slow
def test_a_users_class_of_flax_needs_no_backward_code() -> None:
    golden = with_gradients("gru/plain", "float64")
    golden.check_gradient_calls(adapt_backward(OwnCell))
    assert jax.numpy.zeros(1).dtype == "float32"


def test_outputs_that_are_detached_say_so() -> None:
    with pytest.raises(TypeError, match="out, h_n can not be differentiated: no tensor that requires a gradient leads"):
        adapt_backward(Detached)(with_gradients("gru/plain").question())


class WithoutBatch(OwnGRU):
    """Gives back one sequence of many."""

    def forward(self, x: torch.Tensor, h0: torch.Tensor | None = None) -> Any:
        out, h_n = super().forward(x, h0)
        return out[0], h_n


def test_an_output_of_another_shape_is_named() -> None:
    question = with_gradients("gru/plain").question()
    with pytest.raises(TypeError, match=r"out has shape \(4, 3\), want \(2, 4, 3\), as d_out is"):
        adapt_backward(WithoutBatch)(question)

    def in_jax(asked: Any) -> Any:
        h = jax.numpy.tanh(jax.numpy.asarray(asked.x)[:, :, :3] * asked.weights["weight_ih_l0"][:3, :3].sum())
        return h, h[0, 0]

    with pytest.raises(TypeError, match=r"h_n has shape \(3,\), want \(1, 2, 3\), as d_h_n is"):
        adapt_backward(in_jax)(question)


class WithoutZeros(nn.Module):
    """A right RNN that does not multiply a state that is not there."""

    weight_ih_l0: torch.Tensor
    weight_hh_l0: torch.Tensor
    bias_ih_l0: torch.Tensor
    bias_hh_l0: torch.Tensor

    def __init__(self, input_size: int, hidden_size: int, batch_first: bool = True) -> None:  # noqa: ARG002
        super().__init__()
        for name, parameter in nn.RNN(input_size, hidden_size).named_parameters():
            setattr(self, name, parameter)

    def forward(self, x: torch.Tensor, h0: torch.Tensor | None = None) -> Any:
        h, out = None if h0 is None else h0[0], []
        for x_t in x.unbind(1):
            z = x_t @ self.weight_ih_l0.T + self.bias_ih_l0 + self.bias_hh_l0
            h = torch.tanh(z if h is None else z + h @ self.weight_hh_l0.T)
            out.append(h)
        return torch.stack(out, 1), h[None]  # type: ignore[index]


def test_what_a_right_network_never_used_is_not_checked_where_its_gradient_is_zero() -> None:
    golden = load("rnn-tanh/one-step", gradients=True)
    backward = adapt_backward(WithoutZeros)
    golden.check_gradient_calls(backward)
    assert golden.compare_gradients(backward(golden.question())).not_checked == ("weight_hh_l0",)
    longer = load("rnn-tanh/plain", gradients=True)
    assert longer.compare_gradients(backward(longer.question())).not_checked == ()


def test_what_has_no_gradients_is_refused_with_the_reason() -> None:
    question = with_gradients("gru/plain").question()
    for backward, said in (
        (adapt_backward(InNumPy), "InNumPy takes NumPy arrays, through which no framework goes back"),
        (adapt_backward(lambda x, h, w: h), "a single time step has no gradients"),  # noqa: ARG005
        (backward_of("onnx-reference", resolve("onnx-reference")), "onnx-reference computes outputs, and no gradients"),
        (backward_of("model.onnx", resolve("torch")), "ONNX Runtime computes outputs, and no gradients"),
    ):
        with pytest.raises(Unsupported, match=said):
            backward(question)


def test_a_function_of_a_golden_returns_them_by_name() -> None:
    golden = with_gradients("gru/plain")
    found = torch_gradients(golden, golden.cotangents)
    golden.check_gradient_calls(adapt_backward(lambda question: found if question.asks_gradients else None))
