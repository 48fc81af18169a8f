"""ncnn on the CPU: its layers ``RNN``, ``LSTM`` and ``GRU``, one sequence at a time, because ncnn has no batch.

Its converter ``pnnx`` does not convert an ONNX model's LSTM, so the network is written in ncnn's own format.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ncnn
import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.network_construction import InstanceCache

Array = NDArray[Any]

LAYERS = {"rnn_tanh": ("RNN", "h"), "lstm": ("LSTM", "ifog"), "gru": ("GRU", "rzn")}
"""The layer for a cell, and the order of its gates."""

FORMAT = 7767517
"""The magic number of an ncnn file."""

FORWARD, BIDIRECTIONAL = 0, 2


def run(golden: Inputs) -> tuple[Array, ...]:
    """Return out, h_n (and c_n).

    Raises Unsupported for gradients, relu, dialects, lengths, and other precisions than float32.
    """
    if golden.has_cotangents:
        raise Unsupported("ncnn computes outputs, and no gradients")
    if golden.cell not in LAYERS:
        raise Unsupported(f"ncnn has no {golden.cell}: its RNN has a tanh")
    if golden.dtype != "float32":
        raise Unsupported(f"inputs and outputs of ncnn are float32, not {golden.dtype}")
    if golden.lengths is not None:
        raise Unsupported("ncnn has no lengths")
    network = _network(golden)
    states = list(golden.states.values())
    if not golden.batch_shape:
        return tuple(_of_one(network, golden, golden.x, states))
    rows = [_of_one(network, golden, x, [s[:, i] for s in states]) for i, x in enumerate(golden.x)]
    out, *state_n = zip(*rows, strict=True)
    return (np.stack(out), *(np.stack(state, axis=1) for state in state_n))


def _of_one(network: Any, golden: Inputs, x: Array, states: list[Array]) -> list[Array]:  # noqa: ANN401
    """Return the outputs for one sequence (time, input) and its initial states (layers·directions, hidden)."""
    names, count = golden.layout.states, golden.network.num_directions
    with network.create_extractor() as extractor:
        extractor.input("x_0", _mat(x))
        for layer in range(golden.network.num_layers):
            for name, state in zip(names, states, strict=True):
                extractor.input(f"{name}0_{layer}", _mat(state[layer * count :][:count]))
        last = [
            np.concatenate([_extracted(extractor, f"{name}_n_{layer}") for layer in range(golden.network.num_layers)])
            for name in names
        ]
        return [_extracted(extractor, f"x_{golden.network.num_layers}"), *last]


def _mat(array: Array) -> Any:  # noqa: ANN401 - ncnn has no types
    """Return a copy: ncnn's view of an array does not keep its memory alive."""
    return ncnn.Mat(np.ascontiguousarray(array)).clone()


def _extracted(extractor: Any, blob: str) -> Array:  # noqa: ANN401 - ncnn has no types
    code, found = extractor.extract(blob)
    if code:
        raise RuntimeError(f"ncnn did not compute {blob}: error code {code}")
    return np.array(found)


def _load(network: Any, golden: Inputs) -> None:  # noqa: ANN401
    with TemporaryDirectory(prefix="rnn-goldens-") as folder:
        param, weights = Path(folder) / "golden.param", Path(folder) / "golden.bin"
        param.write_text(_param(golden), "ascii")
        weights.write_bytes(_weights(golden))
        network.clear()
        if network.load_param(str(param)) or network.load_model(str(weights)):
            raise RuntimeError("ncnn could not load the golden's network")


def _new_network(_: Inputs) -> Any:  # noqa: ANN401
    network = ncnn.Net()
    for narrower in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage", "bf16_packed"):
        setattr(network.opt, f"use_{narrower}", False)
    return network


def _param(golden: Inputs) -> str:
    """Return the layers and their inputs as a ``.param`` file."""
    config, states = golden.network, golden.layout.states
    kind = LAYERS[golden.cell][0]
    direction = BIDIRECTIONAL if config.bidirectional else FORWARD
    inputs = ["x_0", *(f"{name}0_{layer}" for layer in range(config.num_layers) for name in states)]
    lines = [f"Input {name} 0 1 {name}" for name in inputs]
    for layer, suffixes in enumerate(config.layers):
        given = " ".join([f"x_{layer}", *(f"{name}0_{layer}" for name in states)])
        returned = " ".join([f"x_{layer + 1}", *(f"{name}_n_{layer}" for name in states)])
        size = sum(golden.weights[f"weight_ih_{suffix}"].size for suffix in suffixes)
        count = 1 + len(states)
        lines.append(
            f"{kind} layer_{layer} {count} {count} {given} {returned} 0={config.hidden_size} 1={size} 2={direction}"
        )
    blobs = len(inputs) + config.num_layers * (1 + len(states))
    return "\n".join([str(FORMAT), f"{len(lines)} {blobs}", *lines, ""])


def _weights(golden: Inputs) -> bytes:
    """Return the arrays of each layer, which contain all directions; a tag for float32 precedes each array."""
    arrays = []
    for suffixes in golden.network.layers:
        arrays += [np.stack([_gates(golden, f"weight_ih_{suffix}") for suffix in suffixes])]
        arrays += [np.stack([_bias(golden, suffix) for suffix in suffixes])]
        arrays += [np.stack([_gates(golden, f"weight_hh_{suffix}") for suffix in suffixes])]
    return b"".join(bytes(4) + array.astype("<f4").tobytes() for array in arrays)


def _bias(golden: Inputs, suffix: str) -> Array:
    """Return one bias per gate, except that a GRU's candidate has two."""
    rows = len(golden.layout.gates) + (golden.cell == "gru")
    if not golden.network.bias:
        return np.zeros((rows, golden.network.hidden_size), np.float32)
    b_ih, b_hh = _gates(golden, f"bias_ih_{suffix}"), _gates(golden, f"bias_hh_{suffix}")
    return np.stack([*(b_ih + b_hh)[:-1], b_ih[-1], b_hh[-1]]) if golden.cell == "gru" else b_ih + b_hh


def _gates(golden: Inputs, name: str) -> Array:
    """Return an array's gates separately, in ncnn's order."""
    array, own = golden.weights[name], golden.layout.gates
    apart = array.reshape(len(own), golden.network.hidden_size, *array.shape[1:])
    found: Array = apart[[own.index(gate) for gate in LAYERS[golden.cell][1]]]
    return found


_network = InstanceCache(_new_network, _load)
