"""``paddle.nn.SimpleRNN``, ``LSTM`` and ``GRU`` on the CPU, with gradients. An unbatched golden is a batch of one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import paddle

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.shapes import cotangent_of
from rnn_goldens.implementations.network_construction import InstanceCache, batched, outputs, require_cell, unbatched

LAYERS: dict[str, tuple[Any, dict[str, str]]] = {
    "rnn_tanh": (paddle.nn.SimpleRNN, {"activation": "tanh"}),
    "rnn_relu": (paddle.nn.SimpleRNN, {"activation": "relu"}),
    "lstm": (paddle.nn.LSTM, {}),
    "gru": (paddle.nn.GRU, {}),
}

NO_KERNEL = ("There are no kernels", "is not registered")
"""Paddle's error texts for an operator without a kernel for a type; the class of the exception varies."""


def run(golden: Inputs) -> tuple[Any, ...] | Mapping[str, Any]:
    """Return out, h_n (and c_n), or gradients.

    Raises Unsupported for 16 bits, for which Paddle has no kernels, and for a network without biases.
    """
    require_cell(golden, "paddle")
    if not golden.network.bias:  # tested in tests/conformance/test_known_failures_are_true.py
        reason = "https://github.com/PaddlePaddle/Paddle/issues/70231"
        raise Unsupported(f"a layer of paddle.nn without biases ends the process with SIGSEGV: {reason}")
    return run_unguarded(golden)


def run_unguarded(golden: Inputs) -> tuple[Any, ...] | Mapping[str, Any]:
    """Do the same, also for a network without biases, which ends the process: `rnn-goldens defects` shows it."""
    if golden.has_cotangents:
        return _gradients(golden)
    with _refusing_what_has_no_kernel(golden), paddle.no_grad():
        x, states = _given(golden)
        found = _call(golden, x, states)
        return outputs(golden, found)


def _gradients(golden: Inputs) -> Mapping[str, Any]:
    """Return the gradients that ``paddle.grad`` computes, by name. Raises the same exceptions as ``run``."""
    with _refusing_what_has_no_kernel(golden):
        x, states = _given(golden)
        given = {"x": x, **dict(zip(("h0", "c0"), states or (), strict=False))}
        for leaf in given.values():
            leaf.stop_gradient = False
        by_cotangent = dict(zip(map(cotangent_of, golden.layout.outputs), _call(golden, x, states), strict=False))
        weights = {n: p for n, p in _layer(golden).named_parameters() if n in golden.weights}
        leaves = {**given, **weights}
        cotangents = [_batched(golden, name, array) for name, array in golden.cotangents.items()]
        differentiated = [by_cotangent[name] for name in golden.cotangents]
        by_leaf = paddle.grad(differentiated, list(leaves.values()), cotangents, allow_unused=True)
        found = dict(zip(leaves, by_leaf, strict=True))
        return found | {name: unbatched(golden, name, found[name]) for name in given}


def _given(golden: Inputs) -> tuple[Any, list[Any] | None]:
    """Return the input and, if the golden has them, the initial states."""
    states = [_batched(golden, name, state) for name, state in golden.given_states.items()]
    return _batched(golden, "x", golden.x), states or None


def _batched(golden: Inputs, name: str, array: Any) -> Any:  # noqa: ANN401 - an array, and a tensor of Paddle
    return paddle.to_tensor(batched(golden, name, array), dtype=golden.dtype)


def _call(golden: Inputs, x: Any, states: list[Any] | None) -> tuple[Any, ...]:  # noqa: ANN401
    lengths = None if golden.lengths is None else paddle.to_tensor(golden.lengths, dtype="int32")
    given = states if states is None or len(states) > 1 else states[0]
    out, last = _layer(golden)(x, given, lengths)
    return (out, *last) if isinstance(last, tuple) else (out, last)


def _new_layer(golden: Inputs) -> Any:  # noqa: ANN401
    require_cell(golden, "paddle")
    config, (kind, arguments) = golden.network, LAYERS[golden.cell]
    direction = "bidirect" if config.bidirectional else "forward"
    before = paddle.get_default_dtype()
    paddle.set_default_dtype(golden.dtype)  # layers have no argument for the type
    try:
        biases = {} if config.bias else {"bias_ih_attr": False, "bias_hh_attr": False}
        return kind(config.input_size, config.hidden_size, config.num_layers, direction, **arguments, **biases)
    finally:
        paddle.set_default_dtype(before)


def _set_weights(network: Any, golden: Inputs) -> None:  # noqa: ANN401
    parameters = dict(network.named_parameters())
    for name, array in golden.weights.items():
        parameters[name].set_value(paddle.to_tensor(array, dtype=golden.dtype))


@contextmanager
def _refusing_what_has_no_kernel(golden: Inputs) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, ValueError) as error:
        lines = (line.strip() for line in str(error).splitlines())
        reason = next((line for line in lines if any(text in line for text in NO_KERNEL)), None)
        if reason is None:
            raise
        raise Unsupported(f"no {golden.dtype} in paddle: {reason}") from error


_layer = InstanceCache(_new_layer, _set_weights)
