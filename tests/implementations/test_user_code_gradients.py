"""Gradients of framework layers and of users' classes without backward code."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from factories.gradients import torch_gradients, with_gradients
from implementations import own_networks as own
from torch import nn
from torch.func import functional_call

from rnn_goldens import Unsupported, load
from rnn_goldens.conventions import CONVENTIONS
from rnn_goldens.errors import WrongUse
from rnn_goldens.implementations import resolve
from rnn_goldens.implementations.resolution import adapt_backward, backward_of

IDS = ["documented/single-sequence", "lstm/lengths", "gru/unbatched", "lstm/lengths-bidirectional-two-layers"]


@pytest.mark.sampled(every=3)
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize("golden_id", IDS)
@pytest.mark.parametrize("name", ["torch", "torch-cells", "numpy"])
def test_torch_and_numpy_return_all_gradients_repeatably(name: str, golden_id: str, dtype: str) -> None:
    golden = with_gradients(golden_id, dtype)
    golden.check_gradient_calls(backward_of(name, resolve(name)))
    assert golden.compare_gradients(backward_of(name, resolve(name))(golden.for_implementation())).not_checked == ()


@pytest.mark.parametrize("convention", ["keras", "onnx", "flax"])
@pytest.mark.parametrize("golden_id", ["lstm/bidirectional-two-layers", "gru/plain", "rnn-tanh/plain"])
def test_gradients_of_another_convention_are_converted_back(convention: str, golden_id: str) -> None:
    golden = with_gradients(golden_id, "float64")
    numbers = np.random.default_rng(0)
    change = {name: numbers.normal(size=array.shape) for name, array in golden.stored.weights.items()}
    converted = CONVENTIONS[convention].from_torch(golden.cell, golden.network, change)
    gradients = {name: numbers.normal(size=array.shape) for name, array in converted.items()}
    found = golden.gradients_from(convention, gradients)
    assert {name: array.shape for name, array in found.items()} == {n: a.shape for n, a in change.items()}
    forward = sum(float((gradients[name] * converted[name]).sum()) for name in converted)
    backward = sum(float((found[name] * change[name]).sum()) for name in change)
    assert forward == pytest.approx(backward, rel=1e-12)


def test_an_invalid_gradient_of_a_convention_is_an_error() -> None:
    golden = with_gradients("gru/plain")
    kernel = golden.weights_as("keras")["l0/kernel"]
    assert list(golden.gradients_from("keras", {"l0/kernel": kernel})) == ["weight_ih_l0"]
    with pytest.raises(WrongUse, match="keras gradients: l0/core is not one of l0/kernel"):
        golden.gradients_from("keras", {"l0/core": kernel})
    with pytest.raises(WrongUse, match=r"l0/kernel is \(9, 4\), not \(4, 9\)"):
        golden.gradients_from("keras", {"l0/kernel": kernel.T})
    with pytest.raises(TypeError, match="l0/kernel is float16: less precise than the declared float32"):
        golden.gradients_from("keras", {"l0/kernel": kernel.astype(np.float16)})


class CustomGRU(nn.Module):
    """A class with the interface of torch's layer, but with its weights in a submodule."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, batch_first: bool = True) -> None:
        super().__init__()
        self.rnn = nn.GRU(input_size, hidden_size, bias=bias, batch_first=batch_first)

    def forward(self, x: torch.Tensor, h0: torch.Tensor | None = None) -> Any:
        return self.rnn(x, h0)


class OnlyOut(CustomGRU):
    def forward(self, x: torch.Tensor, h0: torch.Tensor | None = None) -> Any:
        return super().forward(x, h0)[0]


def out_in_torch(golden: Any) -> Any:
    return own.in_torch(golden)[0]


@pytest.mark.slow
@pytest.mark.parametrize("network", [OnlyOut, out_in_torch, "in JAX", lambda golden: (out_in_torch(golden),)])
def test_a_network_that_returns_only_out_has_gradients_if_only_d_out_is_nonzero(own_in_jax: Any, network: Any) -> None:
    network = (lambda golden: own_in_jax.rnn(golden)[0]) if network == "in JAX" else network
    golden_id = "gru/plain" if network is OnlyOut else "rnn-tanh/with-state"
    with_gradients(golden_id, only=("d_out",)).check_gradient_calls(adapt_backward(network))
    of_state = with_gradients(golden_id, only=("d_out", "d_h_n"))
    with pytest.raises(Unsupported, match=r"^there are cotangents of h_n, which is not returned$"):
        adapt_backward(network)(of_state.for_implementation())


def lstm_without_c(golden: Any) -> Any:
    arrays = {"x": golden.x, **golden.weights}
    tensors = {name: a if isinstance(a, torch.Tensor) else torch.tensor(a) for name, a in arrays.items()}
    layer = nn.LSTM(golden.x.shape[-1], golden.config.hidden_size, batch_first=True)
    out, (h_n, _) = functional_call(layer, tensors, (tensors.pop("x"),))
    return out, h_n


@pytest.mark.parametrize("network", [own.MyLSTMWithoutC, lstm_without_c])
def test_a_network_that_does_not_return_c_n_has_gradients_if_d_c_n_is_zero(network: Any) -> None:
    golden, of_c = (with_gradients("lstm/plain", only=only) for only in (("d_out", "d_h_n"), ("d_out", "d_c_n")))
    golden.check_gradient_calls(adapt_backward(network))
    with pytest.raises(Unsupported, match=r"^there are cotangents of c_n, which is not returned$"):
        of_c.check_gradient_calls(adapt_backward(network))


@pytest.mark.parametrize("network", [nn.LSTM, own.MyLSTMOfOut])
def test_gradients_are_refused_if_an_output_with_cotangents_is_not_compared(network: Any) -> None:
    golden, of_h = (with_gradients("lstm/plain", only=only).comparing("out") for only in (("d_out",), ("d_h_n",)))
    golden.check_gradient_calls(adapt_backward(network))
    with pytest.raises(Unsupported, match=r"^there are cotangents of h_n, which is not compared$"):
        of_h.check_gradient_calls(adapt_backward(network))


class Detached(CustomGRU):
    def forward(self, x: torch.Tensor, h0: torch.Tensor | None = None) -> Any:
        out, h_n = super().forward(x, h0)
        return out.detach(), h_n.detach()


class InNumPy:
    def __init__(self, input_size: int, hidden_size: int) -> None: ...

    def load_state_dict(self, weights: Any) -> None: ...


@pytest.mark.parametrize("kind", [CustomGRU, nn.GRU])
def test_a_torch_class_needs_no_backward_code(kind: type) -> None:
    golden = with_gradients("gru/plain")
    golden.check_gradient_calls(adapt_backward(kind))
    assert golden.compare_gradients(adapt_backward(kind)(golden.for_implementation())).not_checked == ()
    with pytest.raises(TypeError, match="out, h_n cannot be differentiated: they depend on no tensor that requires"):
        adapt_backward(Detached)(golden.for_implementation())


@pytest.mark.slow
def test_a_flax_class_needs_no_backward_code(own_in_jax: Any) -> None:
    golden = with_gradients("gru/plain", "float64")
    golden.check_gradient_calls(adapt_backward(own_in_jax.CustomCell))
    assert own_in_jax.jnp.zeros(1).dtype == "float32"


class WithoutBatch(CustomGRU):
    """A GRU whose out has only the first sequence."""

    def forward(self, x: torch.Tensor, h0: torch.Tensor | None = None) -> Any:
        out, h_n = super().forward(x, h0)
        return out[0], h_n


@pytest.mark.xdist_group("keras")
def test_an_output_of_another_shape_is_reported(own_in_jax: Any) -> None:
    jnp = own_in_jax.jnp
    inputs = with_gradients("gru/plain").for_implementation()
    with pytest.raises(TypeError, match=r"out has shape \(4, 3\), want \(2, 4, 3\), the shape of d_out"):
        adapt_backward(WithoutBatch)(inputs)

    def in_jax(inputs: Any) -> Any:
        h = jnp.tanh(jnp.asarray(inputs.x)[:, :, :3] * inputs.weights["weight_ih_l0"][:3, :3].sum())
        return h, h[0, 0]

    with pytest.raises(TypeError, match=r"h_n has shape \(3,\), want \(1, 2, 3\), the shape of d_h_n"):
        adapt_backward(in_jax)(inputs)


class WithoutZeros(nn.Module):
    """A correct RNN that skips the product with a missing state."""

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


def test_an_unused_weight_with_a_zero_gradient_is_not_checked() -> None:
    golden = load("rnn-tanh/one-step", gradients=True)
    backward = adapt_backward(WithoutZeros)
    golden.check_gradient_calls(backward)
    assert golden.compare_gradients(backward(golden.for_implementation())).not_checked == ("weight_hh_l0",)
    longer = load("rnn-tanh/plain", gradients=True)
    assert longer.compare_gradients(backward(longer.for_implementation())).not_checked == ()


def test_an_implementation_without_gradients_is_refused_with_the_reason() -> None:
    inputs = with_gradients("gru/plain").for_implementation()
    for backward, message in (
        (adapt_backward(InNumPy), "InNumPy takes NumPy arrays, which no framework can differentiate"),
        (adapt_backward(lambda x, h, w: h), "a single time step has no gradients"),  # noqa: ARG005
        (backward_of("onnx-reference", resolve("onnx-reference")), "onnx-reference computes outputs but no gradients"),
        (backward_of("model.onnx", resolve("torch")), "ONNX Runtime computes outputs but no gradients"),
    ):
        with pytest.raises(Unsupported, match=message):
            backward(inputs)


def test_a_refusal_does_not_keep_the_golden_of_an_earlier_one() -> None:
    for backward in (adapt_backward(lambda x, h, w: h), backward_of("model.onnx", resolve("torch"))):  # noqa: ARG005
        inputs = with_gradients("gru/plain").for_implementation()
        kept = weakref.ref(inputs)
        lengths = []
        for _ in range(3):
            with pytest.raises(Unsupported) as refused:
                backward(inputs)
            lengths.append(len(refused.traceback))
        assert len(set(lengths)) == 1
        del inputs, refused
        gc.collect()
        assert kept() is None


def test_a_parameter_that_requires_no_gradient_is_an_error_and_stays_so() -> None:
    made: list[nn.Module] = []

    class Frozen(nn.GRU):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            self.requires_grad_(requires_grad=False)
            made.append(self)

    with pytest.raises(TypeError, match=r"weight_ih_l0, .*: the network's parameter has requires_grad=False"):
        adapt_backward(Frozen)(with_gradients("gru/plain").for_implementation())
    assert not any(parameter.requires_grad for parameter in made[0].parameters())


def test_a_function_of_a_golden_returns_gradients_by_name() -> None:
    golden = with_gradients("gru/plain")
    found = torch_gradients(golden, golden.cotangents)
    golden.check_gradient_calls(adapt_backward(lambda inputs: found if inputs.has_cotangents else None))
