"""The defects of built-in implementations in docs/known-failures are reproduced without the corpus."""

import os
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from rnn_goldens.checkable_golden import Golden


def test_the_onnx_reference_evaluator_ignores_lengths(small_golden: Callable[..., Golden]) -> None:
    reference = pytest.importorskip("onnx.reference", reason="the implementation onnx-reference needs onnx")
    from rnn_goldens.implementations.onnx_model import network_model

    outs = []
    for lengths in ([1, 1, 1], [4, 4, 4]):
        golden = small_golden("lstm", batch=(3,), time=4, lengths=lengths)
        model = network_model(golden)
        outs.append(reference.ReferenceEvaluator(model.proto()).run(None, model.feeds))
    for short, full in zip(*outs, strict=True):
        np.testing.assert_array_equal(short, full)


def test_keras_multiplies_float64_in_float32_on_torch() -> None:
    keras = pytest.importorskip("keras", reason="the implementation keras needs keras")
    if keras.backend.backend() != "torch":
        pytest.skip(f"Keras runs on {keras.backend.backend()}")
    third = keras.ops.convert_to_tensor(np.full((1, 1), 1 / 3), dtype="float64")
    assert keras.backend.standardize_dtype(third.dtype) == "float64"
    assert keras.backend.standardize_dtype(keras.ops.matmul(third, third).dtype) == "float32"


@pytest.mark.slow
def test_keras_computes_tanh_of_float64_in_float32_on_jax() -> None:
    for module in ("jax", "keras"):
        pytest.importorskip(module, reason=f"the defect needs {module}")
    program = """
import jax, keras
half = jax.numpy.asarray(0.5, "float64")
print(*(function(half).dtype for function in (keras.ops.exp, keras.ops.tanh)))
"""
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_ENABLE_X64": "1"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "float64 float32\n"
