"""``mindspore.nn.RNN``, ``LSTM`` and ``GRU`` on the CPU, with gradients. An unbatched golden is a batch of one."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import mindspore
from mindspore import Tensor, nn

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.shapes import cotangent_of
from rnn_goldens.implementations.network_construction import InstanceCache, batched, outputs, require_cell, unbatched

mindspore.runtime.launch_blocking()  # otherwise the error of one golden is raised at the next one

LAYERS: dict[str, tuple[Any, dict[str, str]]] = {
    "rnn_tanh": (nn.RNN, {"nonlinearity": "tanh"}),
    "rnn_relu": (nn.RNN, {"nonlinearity": "relu"}),
    "lstm": (nn.LSTM, {}),
    "gru": (nn.GRU, {}),
}

NO_KERNEL = (
    "must be one of Float32, Float16, but got",
    "fail! Unsupported data type",
    "For primitive[ReverseSequence], the input argument[x] must be a type of",
)
"""Texts of MindSpore's errors for a missing kernel: for a layer with a state, an operator, and lengths in bfloat16."""


def run(golden: Inputs) -> tuple[Any, ...] | Mapping[str, Any]:
    """Return out, h_n (and c_n), or gradients. Raises Unsupported for bfloat16, and for a state in float64."""
    if golden.has_cotangents:
        return _gradients(golden)
    with _refusing_what_has_no_kernel(golden):
        found = [tensor.asnumpy() for tensor in _called(golden, *_given(golden).values())]
    return outputs(golden, found)


def _gradients(golden: Inputs) -> Mapping[str, Any]:
    """Return the gradients that ``mindspore.grad`` computes, by name. Raises the same exceptions as ``run``.

    Refuses an LSTM in float64 and float16, too; tests/conformance/test_known_failures_are_true.py explains why.
    """
    if golden.cell == "lstm" and golden.dtype in ("float64", "float16"):
        raise Unsupported(f"mindspore returns random or zero gradients of an LSTM in {golden.dtype}")
    given = _given(golden)
    cotangents = {name: _batched(golden, name, array) for name, array in golden.cotangents.items()}

    def weighed(*arrays: Any) -> Any:  # noqa: ANN401 - tensors of MindSpore
        found = zip(map(cotangent_of, golden.layout.outputs), _called(golden, *arrays), strict=False)
        return sum((output * cotangents[name]).sum() for name, output in found if name in cotangents)

    with _refusing_what_has_no_kernel(golden):
        _called(golden, *given.values())  # an error inside grad would repeat in every later call of grad
        weights = [parameter for parameter in _layer(golden).get_parameters() if parameter.name in golden.weights]
        of_given, of_weights = mindspore.grad(weighed, tuple(range(len(given))), weights)(*given.values())
        found = dict(zip(given, of_given if isinstance(of_given, tuple) else (of_given,), strict=True))
        found = {name: unbatched(golden, name, array) for name, array in found.items()}
        found |= {weight.name: array for weight, array in zip(weights, of_weights, strict=True)}
        return {name: array.asnumpy() for name, array in found.items()}


def _given(golden: Inputs) -> dict[str, Tensor]:
    """Return the input and, if the golden has them, the initial states."""
    return {name: _batched(golden, name, array) for name, array in {"x": golden.x, **golden.given_states}.items()}


def _batched(golden: Inputs, name: str, array: Any) -> Tensor:  # noqa: ANN401
    return Tensor(batched(golden, name, array), _type(golden))


def _called(golden: Inputs, x: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
    lengths = None if golden.lengths is None else Tensor(golden.lengths, mindspore.int32)
    out, last = _layer(golden)(x, states if len(states) > 1 else next(iter(states), None), lengths)
    return (out, *last) if isinstance(last, tuple) else (out, last)


def _type(golden: Inputs) -> Any:  # noqa: ANN401 - a dtype of MindSpore
    return getattr(mindspore, golden.dtype)


def _new_layer(golden: Inputs) -> Any:  # noqa: ANN401
    require_cell(golden, "mindspore")
    config, (kind, arguments) = golden.network, LAYERS[golden.cell]
    return kind(
        config.input_size,
        config.hidden_size,
        config.num_layers,
        has_bias=config.bias,
        batch_first=True,
        bidirectional=config.bidirectional,
        dtype=_type(golden),
        **arguments,
    )


def _set_weights(network: Any, golden: Inputs) -> None:  # noqa: ANN401
    parameters = {parameter.name: parameter for parameter in network.get_parameters()}
    for name, array in golden.weights.items():
        parameters[name].set_data(Tensor(array, _type(golden)))


@contextmanager
def _refusing_what_has_no_kernel(golden: Inputs) -> Iterator[None]:
    try:
        yield
    except TypeError as error:
        lines = (line.strip() for line in str(error).splitlines())
        message = next((line for line in lines if any(text in line for text in NO_KERNEL)), None)
        if message is None:
            raise
        raise Unsupported(
            f"no {golden.dtype} in mindspore: {re.split(r'[.]The supported| {Tensor', message)[0]}"
        ) from error


_layer = InstanceCache(_new_layer, _set_weights)
