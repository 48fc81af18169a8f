"""Goldens with gradients for tests: torch's gradients in float64, with a simple tolerance.

The gradients are not certified: the tests do not need certified gradients. For exact goldens, whose values are small
integers, torch's gradients are exact, too.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import to_builtins
from numpy.typing import NDArray

from rnn_goldens import encoding, load
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus import INDEX
from rnn_goldens.generator.index import index_entry
from rnn_goldens.golden.expected import Gradients, output_of
from rnn_goldens.golden.features import CORE
from rnn_goldens.golden.shapes import cotangent_of
from rnn_goldens.golden.tolerance import Bound, Exact, Tolerance

torch: Any = pytest.importorskip("torch", reason="the expected gradients are torch's")
layers: Any = pytest.importorskip("rnn_goldens.implementations.torch")

Float64 = NDArray[np.float64]

COEFFICIENT = 40.0
"""The bounds of an array of gradients, as a multiple of the largest element of the array."""


def with_gradients(
    golden_id: str, dtype: str = "float32", *, only: tuple[str, ...] = ("d_out", "d_h_n", "d_c_n")
) -> Golden:
    """Return a golden of the corpus with gradients for the integer cotangents named in ``only``."""
    golden = load(golden_id, dtype="float64")
    return replace(golden, gradients=gradients_of(golden, only)).in_precision(dtype)


def gradients_of(golden: Golden, only: tuple[str, ...] = ("d_out", "d_h_n", "d_c_n")) -> Gradients:
    """Return torch's gradients of a golden."""
    shapes = golden.shapes.outputs
    numbers = np.random.default_rng(len(golden.id))
    cotangents = {
        cotangent_of(output): numbers.integers(-2, 3, shape).astype(np.float64)
        for output, shape in shapes.items()
        if cotangent_of(output) in only
    }
    expected = torch_gradients(golden, cotangents)
    return Gradients(
        purpose="Integer cotangents of every output, for a test.",
        precisions=golden.precisions,
        cotangents=cotangents,
        expected=expected,
        tolerance=_tolerance(golden, expected),
        provenance={"answer": "torch.autograd in float64, for a test"},
    )


def _tolerance(golden: Golden, expected: dict[str, Float64]) -> Tolerance:
    if isinstance(golden.tolerance, Exact):
        return Exact(bits=8)
    bound = {name: np.full(array.shape, COEFFICIENT * np.abs(array).max()) for name, array in expected.items()}
    return Bound(accumulation=bound, storage=bound)


def torch_gradients(golden: Golden, cotangents: Any, dtype: Any = torch.float64) -> dict[str, Float64]:
    """Return torch's gradients by name: of x, of the weights, and of the initial states if the golden has them."""
    network = layers.layer(golden.cell, golden.config).to(dtype)
    network.load_state_dict({name: torch.tensor(array) for name, array in golden.stored.weights.items()})
    leaves = {"x": torch.tensor(golden.stored.x, dtype=dtype)}
    leaves |= {name: torch.tensor(array, dtype=dtype) for name, array in golden.stored.states.items()}
    for leaf in leaves.values():
        leaf.requires_grad_()
    out, last = layers.call_layer(network, golden, leaves)
    outputs = {"out": out, **dict(zip(("h_n", "c_n"), last if isinstance(last, tuple) else (last,), strict=False))}
    grad_outputs = [torch.tensor(cotangents[name], dtype=dtype) for name in cotangents]
    torch.autograd.backward([outputs[output_of(name)] for name in cotangents], grad_outputs)
    leaves |= dict(network.named_parameters())
    return {name: leaf.grad.double().numpy() for name, leaf in leaves.items() if leaf.grad is not None}


def add_gradients(folder: Path, ids: tuple[str, ...]) -> Path:
    """Write gradients of some goldens to a corpus and add them to its index."""
    index = json.loads((folder / INDEX).read_text("utf-8"))
    for number, entry in enumerate(index["goldens"]):
        if entry["id"] in ids:
            golden = with_gradients(entry["id"], "float64")
            files = encoding.encode(golden)
            for suffix, content in files.items():
                (folder / f"{golden.id}{suffix}").write_bytes(content)
            index["goldens"][number] = to_builtins(index_entry(golden, files, core=CORE in entry["features"]))
    (folder / INDEX).write_text(json.dumps(index), "utf-8")
    return folder
