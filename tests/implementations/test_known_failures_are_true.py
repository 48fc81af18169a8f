"""What docs/known-failures says of a framework is shown here, apart from any golden."""

from collections.abc import Callable

import numpy as np
import pytest

from rnn_goldens.checkable.golden import Golden


def test_the_onnx_reference_evaluator_ignores_lengths(small_golden: Callable[..., Golden]) -> None:
    reference = pytest.importorskip("onnx.reference", reason="the implementation onnx-reference needs onnx")
    from rnn_goldens.implementations.onnx import model as onnx_model

    outs = []
    for lengths in ([1, 1, 1], [4, 4, 4]):
        golden = small_golden("lstm", batch=(3,), time=4, lengths=lengths)
        outs.append(reference.ReferenceEvaluator(onnx_model.build(golden)).run(None, onnx_model.feeds(golden)))
    for short, full in zip(*outs, strict=True):
        np.testing.assert_array_equal(short, full)


def test_keras_multiplies_float64_in_float32_on_torch() -> None:
    keras = pytest.importorskip("keras", reason="the implementation keras needs keras")
    third = keras.ops.convert_to_tensor(np.full((1, 1), 1 / 3), dtype="float64")
    assert keras.backend.standardize_dtype(third.dtype) == "float64"
    assert keras.backend.standardize_dtype(keras.ops.matmul(third, third).dtype) == "float32"
