"""Built-in implementations return the outputs of torch, except for the refusals and known failures listed here."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rnn_goldens import Unsupported
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.outputs import read
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.implementations import Implementation

Find = Callable[[str], Implementation]
Make = Callable[..., Golden]

BATCH = {"batch": (3,), "time": 4}
SHAPES: dict[str, dict[str, Any]] = {
    "plain": BATCH,
    "no-bias": {**BATCH, "bias": False},
    "state": {**BATCH, "state": True},
    "layers": {**BATCH, "num_layers": 3, "state": True},
    "directions": {**BATCH, "bidirectional": True, "state": True},
    "layers-directions-no-bias": {**BATCH, "num_layers": 2, "bidirectional": True, "bias": False},
    "lengths": {**BATCH, "lengths": [2, 4, 1]},
    "lengths-all-short": {**BATCH, "bidirectional": True, "lengths": [2, 3, 1]},
    "all": {**BATCH, "num_layers": 2, "bidirectional": True, "state": True, "lengths": [3, 1, 4]},
    "unbatched": {"batch": (), "time": 4, "num_layers": 2, "bidirectional": True, "state": True},
    "one-of-everything": {"batch": (1,), "time": 1, "input_size": 1, "hidden_size": 1},
    "wide": {"batch": (5,), "time": 3, "input_size": 2, "hidden_size": 17, "bidirectional": True},
}
TOLERANCE = {"float64": 1e-12, "float32": 1e-5, "float16": 1e-2, "bfloat16": 6e-2}
CASES = [("float32", shape) for shape in SHAPES]
CASES += [("float64", shape) for shape in ("layers-directions-no-bias", "all", "unbatched")]
CASES += [(dtype, shape) for dtype in ("float16", "bfloat16") for shape in ("no-bias", "all")]
FLAX_CASES = [
    ("float32", "no-bias"),
    ("float32", "all"),
    ("float32", "unbatched"),
    ("float64", "all"),
    ("bfloat16", "all"),
]
"""The only cases for Flax, which compiles each case; `python -m benchmarks conformance` runs every golden."""
NAMES = ("numpy", "torch-cells", "onnxruntime", "onnx-reference", "keras", "flax")
"""Implementations of the extra ``dev``; ``test_engines.py`` tests engines."""


def refused(name: str, golden: Golden) -> str | None:
    """Return the pattern of the reason why an implementation refuses a golden; None if it does not refuse."""
    if name == "onnxruntime" and golden.dtype in ("float64", "bfloat16"):
        return f"no {golden.dtype} {golden.cell} in onnxruntime: .*(NOT_IMPLEMENTED|not support double)"
    if name == "onnx-reference" and golden.cell == "rnn_relu":
        return "Unknown activation function 'Relu'"
    if name == "keras" and on_jax() and golden.dtype == "float64":
        return "float64 is disabled in JAX: JAX_ENABLE_X64 is off"
    return None


def known_wrong(name: str, golden: Golden) -> type[Exception] | None:
    """Return the type of exception expected for a known failure of an implementation; None if it should pass."""
    if name == "onnx-reference" and golden.lengths is not None:
        return AssertionError
    if name != "keras":
        return None
    calls_torch = golden.cell in ("lstm", "gru") and golden.lengths is None
    exact = golden.cell == "rnn_relu"  # the numbers are multiples of 1/8, so float32 is exact, too
    if not on_jax() and golden.dtype == "float64" and not calls_torch and not exact:
        return AssertionError
    unmasked_without_bias = golden.cell == "gru" and not golden.network.bias and golden.lengths is None
    return TypeError if on_jax() and unmasked_without_bias and golden.dtype != "float32" else None


def on_jax() -> bool:
    return os.environ["KERAS_BACKEND"] == "jax"


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    ("name", "dtype", "shape"), [(name, *case) for name in NAMES for case in (FLAX_CASES if name == "flax" else CASES)]
)
def test_an_implementation_matches_torch_or_refuses_or_has_a_known_failure(
    built_in: Find, small_golden: Make, name: str, dtype: str, shape: str, cell: str
) -> None:
    run, golden = built_in(name), small_golden(cell, dtype, **SHAPES[shape])
    reference = [read(o).values for o in flat(built_in("torch")(replace(golden, dtype="float64")))]
    if reason := refused(name, golden):
        with pytest.raises(Unsupported, match=f"(?s){reason}"):
            run(golden)
        return
    with pytest.raises(wrong) if (wrong := known_wrong(name, golden)) else nullcontext():
        outputs = [read(output) for output in flat(run(golden))]
        assert {output.dtype for output in outputs} == {dtype}
        assert len(outputs) == len(reference)
        for output, expected in zip(outputs, reference, strict=True):
            assert output.values.shape == expected.shape
            np.testing.assert_allclose(output.values, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def flat(outputs: Any) -> Iterator[Any]:
    """Yield the outputs one by one, without nested tuples."""
    for output in outputs:
        if isinstance(output, tuple | list):
            yield from flat(output)
        else:
            yield output


@pytest.mark.slow
def test_keras_on_jax_matches_torch() -> None:
    pytest.importorskip("keras", reason="the implementation keras needs keras")
    pytest.importorskip("jax", reason="the JAX backend of Keras needs jax")
    cases = "keras and (float32-all or float64-all or float16-no-bias)"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", cases]
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", ["torch-cells", "onnxruntime", "flax", "keras"])
def test_padding_has_no_effect(built_in: Find, small_golden: Make, name: str) -> None:
    lengths = [2, 4, 1]
    golden = small_golden("gru", **BATCH, bidirectional=True, lengths=lengths)
    x = golden.stored.x.copy()
    x[np.arange(4) >= np.array(lengths)[:, None]] = 1000
    other = replace(golden, stored=replace(golden.stored, inputs={"x": x}))
    for output, expected in zip(flat(built_in(name)(other)), flat(built_in(name)(golden)), strict=True):
        np.testing.assert_array_equal(read(output).values, read(expected).values)
