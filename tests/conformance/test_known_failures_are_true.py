"""Defects in docs/known-failures are reproduced without the corpus."""

import platform
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from itertools import product
from pathlib import Path
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
    x, h0 = paddle.rand([2, 3, 2], "float64"), paddle.ones([2, 2, 2], "float64")
    weight, step = network.weight_hh_l0_reverse, 1e-6
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


def in_tract(folder: Path, operator: str, x: list[Any], dtype: str = "float32", **attributes: Any) -> list[Any]:
    """Return the outputs of an ONNX node of one unit in tract; x is (time, batch, input), and weights are ones."""
    tract = pytest.importorskip("tract", reason="conformance.tract needs tract")
    helper, numpy_helper = pytest.importorskip("onnx").helper, pytest.importorskip("onnx").numpy_helper
    array = np.array(x, dtype)
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}.get(operator, 0)
    weights = {"W": np.ones((1, gates, array.shape[-1]), dtype), "R": np.ones((1, gates, 1), dtype)} if gates else {}
    outputs = ["Y", "Y_h", "Y_c"][: 3 if operator == "LSTM" else 1]
    infos = {
        name: helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), shape)
        for name, shape in [("x", array.shape), *((name, None) for name in outputs)]
    }
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", *weights], outputs, **attributes)],
        "graph",
        [infos["x"]],
        [infos[name] for name in outputs],
        [numpy_helper.from_array(weight, name) for name, weight in weights.items()],
    )
    path = folder / "model.onnx"
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)]).SerializeToString())
    results = tract.onnx().load(path).into_model().into_runnable().run([array])
    return [result.to_numpy() for result in results]


@pytest.mark.parametrize(
    ("operator", "attributes"),
    [
        ("RNN", {"activations": ["Relu"]}),
        ("LSTM", {"activations": ["HardSigmoid", "Tanh", "Tanh"]}),
        ("GRU", {"activations": ["HardSigmoid", "Tanh"]}),
        ("LSTM", {"input_forget": 1}),
        *product(("RNN", "LSTM", "GRU"), ({"clip": 0.1}, {"direction": "reverse"})),
    ],
)
def test_tract_ignores_attributes(tmp_path: Path, operator: str, attributes: dict[str, Any]) -> None:
    x = [[[0.5, 1.0]], [[2.0, 3.0]]]
    default = in_tract(tmp_path, operator, x, hidden_size=1)
    found = in_tract(tmp_path, operator, x, hidden_size=1, **attributes)
    assert [array.tolist() for array in found] == [array.tolist() for array in default]


def test_an_lstm_in_tract_without_initial_states_fails_unless_batch_or_time_is_1(tmp_path: Path) -> None:
    pytest.importorskip("tract", reason="conformance.tract needs tract")
    in_tract(tmp_path, "LSTM", [[[1.0]] * 2], hidden_size=1)
    in_tract(tmp_path, "LSTM", [[[1.0]]] * 2, hidden_size=1)
    with pytest.raises(Exception, match="Clashing resolution for expression"):
        in_tract(tmp_path, "LSTM", [[[1.0]] * 2] * 2, hidden_size=1)


def test_a_gru_in_tract_with_one_input_fails_from_four_steps_on(tmp_path: Path) -> None:
    pytest.importorskip("tract", reason="conformance.tract needs tract")
    in_tract(tmp_path, "GRU", [[[1.0]]] * 3, hidden_size=1, linear_before_reset=1)
    in_tract(tmp_path, "GRU", [[[1.0] * 2]] * 4, hidden_size=1, linear_before_reset=1)
    with pytest.raises(Exception, match="xw not contiguous"):
        in_tract(tmp_path, "GRU", [[[1.0]]] * 4, hidden_size=1, linear_before_reset=1)


def test_tanh_and_sigmoid_in_tract_end_before_their_limits_at_values_of_the_processor(tmp_path: Path) -> None:
    tanh, sigmoid = in_tract(tmp_path, "Tanh", [100.0])[0], in_tract(tmp_path, "Sigmoid", [-100.0], "float16")[0]
    if platform.machine() != "x86_64":
        pytest.skip("measured on x86-64")
    cpu = import_module("numpy._core._multiarray_umath").__cpu_features__  # of an emulated processor too
    has_fma, has_avx512 = cpu["AVX2"] and cpu["FMA3"], cpu["AVX512F"]
    assert tanh == np.float32(0.9999993 if has_fma and not has_avx512 else 0.9999994)
    assert sigmoid == np.float16(5e-7 if has_avx512 else 0.000977)


@pytest.mark.filterwarnings("default")  # warnings of engines are not errors
@pytest.mark.parametrize(("dtype", "eps"), [("bfloat16", 2**-9), ("float16", 2**-12)])
@pytest.mark.parametrize("bias", [False, True])
def test_a_linear_layer_of_executorch_sums_in_half_precision_if_it_has_a_bias(
    dtype: str, eps: float, *, bias: bool
) -> None:
    """The terms are 1 and 256 times eps: their sum is 1 + 256 eps, and 1 if it is rounded after each term."""
    exir = pytest.importorskip("executorch.exir", reason="conformance.executorch needs executorch")
    torch = pytest.importorskip("torch", reason="conformance.executorch needs torch")
    runtime = pytest.importorskip("executorch.runtime", reason="conformance.executorch needs executorch").Runtime.get()
    layer = torch.nn.Linear(257, 1, bias, dtype=getattr(torch, dtype)).requires_grad_(requires_grad=False)
    layer.weight[:] = eps
    layer.weight[:, 0] = 1
    if bias:
        layer.bias[:] = 0
    x = torch.ones_like(layer.weight)
    program = exir.to_edge(torch.export.export(layer, (x,))).to_executorch()
    (found,) = runtime.load_program(program.buffer).load_method("forward").execute([x])
    assert found.item() == (1 if bias else 1 + 256 * eps)


def test_tritons_interpreter_cuts_off_the_digits_that_a_gpu_rounds_to_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    pytest.importorskip("fla", reason="conformance.fla needs flash-linear-attention")
    torch, kernel = import_module("torch"), import_module("conformance.fla").delta_rule.fused_recurrent_delta_rule
    monkeypatch.setattr("examples.integrations.triton_cpu.refuse", lambda *_: None)
    one, v = torch.ones(1, 1, 1, 1, dtype=torch.bfloat16), torch.full((1, 1, 1, 1), 1 + 2**-7, dtype=torch.bfloat16)
    o, _ = kernel(one, one, v, one[..., 0], scale=1 + 2**-7 * 0.9)
    assert o.item() == 1 + 2**-7  # 1 + 2**-6 is nearer
