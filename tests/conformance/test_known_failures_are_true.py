"""Defects in docs/known-failures are reproduced without the corpus."""

import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rnn_goldens.checkable_golden import Golden


def test_openvino_computes_float64_in_float32() -> None:
    openvino = pytest.importorskip("openvino", reason="conformance.openvino needs openvino")
    x = openvino.opset13.parameter([1], openvino.Type.f64)
    model = openvino.Model([openvino.opset13.tanh(x)], [x])
    (found,) = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(np.full(1, 1 / 3)).values()
    assert found.dtype == np.float64
    assert found == np.float32(found) != np.tanh(1 / 3)


def test_mlx_computes_exp_of_float64_in_float32() -> None:
    mx = pytest.importorskip("mlx.core", reason="conformance.mlx needs mlx")
    with mx.stream(mx.cpu):
        found = np.array(mx.exp(mx.array([1 / 3], dtype=mx.float64)))
    assert found.dtype == np.float64
    assert 1e-9 < abs(found[0] - np.exp(1 / 3)) < 1e-5


def test_mnn_ignores_lengths_and_the_activation_of_an_rnn(small_golden: Callable[..., Golden]) -> None:
    pytest.importorskip("MNN", reason="conformance.mnn needs MNN")
    from conformance.mnn import run

    assert (run(small_golden("rnn_relu", batch=(3,), time=4))[0] < 0).any()
    inputs = [small_golden("lstm", batch=(3,), time=4, lengths=lengths) for lengths in ([1, 1, 1], [4, 4, 4])]
    for short, full in zip(*map(run, inputs), strict=True):
        np.testing.assert_array_equal(short, full)


@pytest.mark.parametrize(
    ("cell", "lengths", "is_right"), [("SimpleRNN", [2, 3], False), ("GRU", [2, 3], False), ("GRU", [3, 3], True)]
)
def test_gradients_of_bidirectional_paddle_layers_with_a_state_and_short_lengths_are_wrong(
    cell: str, lengths: list[int], is_right: bool
) -> None:
    paddle = pytest.importorskip("paddle", reason="conformance.paddle needs paddle")
    paddle.seed(0)
    paddle.set_default_dtype("float64")
    network = getattr(paddle.nn, cell)(2, 2, direction="bidirect")
    paddle.set_default_dtype("float32")
    x, h0, weight, step = (
        paddle.rand([2, 3, 2], "float64"),
        paddle.ones([2, 2, 2], "float64"),
        network.weight_hh_l0_reverse,
        1e-6,
    )
    values = weight.numpy()

    def total(changed: Any = values) -> Any:
        weight.set_value(changed)
        return network(x, h0, paddle.to_tensor(lengths))[0].sum()

    total().backward()
    differences = []
    for index in np.ndindex(values.shape):
        by = np.zeros_like(values)
        by[index] = step
        differences.append(float(total(values + by) - total(values - by)) / (2 * step))
    assert np.allclose(weight.grad.numpy().ravel(), differences, atol=1e-8) == is_right


def test_a_layer_of_paddle_without_biases_ends_the_process() -> None:
    pytest.importorskip("paddle", reason="conformance.paddle needs paddle")
    program = "import paddle; paddle.nn.LSTM(2, 2, bias_ih_attr=False, bias_hh_attr=False)(paddle.ones([1, 1, 2]))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGSEGV


def test_mindspores_tanh_is_off_by_a_ten_thousandth_at_5_and_larger_than_1() -> None:
    mindspore = pytest.importorskip("mindspore", reason="conformance.mindspore needs mindspore")
    found = mindspore.ops.tanh(mindspore.Tensor([5.0], mindspore.float32)).asnumpy()
    assert 1e-4 < found[0] - np.tanh(5.0) < 1.1e-4
    assert found[0] > 1


@pytest.mark.parametrize(("dtype", "is_right"), [("float64", False), ("float32", True), ("float16", False)])
def test_mindspores_lstm_gradients_are_zero_except_in_float32(dtype: str, *, is_right: bool) -> None:
    mindspore = pytest.importorskip("mindspore", reason="conformance.mindspore needs mindspore")
    precision = getattr(mindspore, dtype)
    network = mindspore.nn.LSTM(3, 4, batch_first=True, dtype=precision)
    x = mindspore.Tensor(np.linspace(-1, 1, 24).reshape(2, 4, 3), precision)
    found = mindspore.grad(lambda x: network(x)[0].sum())(x).asnumpy()
    assert found.any() == is_right


def test_thinc_exchanges_h0_and_c0() -> None:
    """With zero weights, c is half of c0 after one step, and h half of its tanh; h0 has no influence."""
    thinc = pytest.importorskip("thinc.api", reason="conformance.thinc needs thinc")
    layer = thinc.LSTM(1, 1)
    layer.initialize()
    layer.set_param("LSTM", np.zeros_like(layer.get_param("LSTM")))
    one = np.ones(1, "int32")
    x = thinc.Padded(np.zeros((1, 1, 1), "float32"), one, one, one - 1)

    def h(h0: float, c0: float) -> float:
        layer.set_param("HC0", np.array([h0, c0], "float32").reshape(2, 1, 1, 1))
        return float(layer.predict(x).data[0, 0, 0])

    assert h(h0=0, c0=1) == 0
    assert h(h0=1, c0=0) == pytest.approx(np.tanh(0.5) / 2)
