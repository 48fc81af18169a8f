"""Engines and built-in implementations are correct, refuse the goldens in ``REFUSALS``, or have known failures.

`python -m benchmarks engines` runs each engine in its own environment and sets ENGINE to the engine's name. Without
ENGINE only the implementations of the extra ``dev`` are tested: some engines compile for a long time. An engine without
a module in ``conformance`` is built in. ``test_recurrences.py`` tests the engines that have recurrences only.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import rnn_goldens
from benchmarks import engines
from rnn_goldens import GoldenMismatch, Unsupported
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus import open_corpus
from rnn_goldens.implementations import BUILTIN, Implementation, outputs_of, resolve
from rnn_goldens.implementations.resolution import backward_of
from rnn_goldens.plugin.known_failures import read_list
from rnn_goldens.report.check_request import file_name

SIXTEEN_BITS = ("bfloat16", "float16")
HOME = Path(__file__).parents[2]
OF_DEV = ("flax", "keras-torch", "numpy", "onnx-reference", "onnxruntime", "torch", "torch-cells")
"""Implementations of the extra ``dev``; Keras on JAX has a process of its own."""

ENGINES = [*OF_DEV, *(name for name in engines.ENGINES if name not in engines.OF_RECURRENCES), "keras-jax"]
OUTPUTS_ONLY = {"executorch", "mnn", "ncnn", "onnx-reference", "onnxruntime", "openvino", "tflite", "thinc", "tract"}
COMPILES = ("flax", "keras-jax")
"""Implementations that JAX compiles for each golden: only each seventh is checked."""

SOME = ("no-bias", "plain", "unbatched", "lengths-bidirectional-two-layers")
IDS = [f"{cell}/{shape}" for cell in ("rnn-tanh", "lstm", "gru") for shape in SOME] + ["rnn-relu/two-layers"]
MORE = ["exact/three-layers", "exact/one-unit", "exact/lengths", "sizes-gru/hidden-33", "lstm/lengths-all-short"]
"""Goldens for the implementations of the extra ``dev`` only."""

pytestmark = pytest.mark.filterwarnings("default")  # warnings of engines are not errors


def has_no_compiler(_: Golden) -> bool:
    return not any(map(shutil.which, ("g++", "clang++")))


def has_random_gradients(golden: Golden) -> bool:
    return golden.gradients is not None and golden.cell == "lstm" and golden.dtype in ("float64", "float16")


def has_half_gradients(golden: Golden) -> bool:
    return golden.gradients is not None and golden.dtype in ("bfloat16", "float16")


NO_FLOAT64 = "^no float64 in mindspore: For '(RNN|LSTM|GRU)', the element of 'x' must be one of Float32, Float16, but"

REFUSALS: tuple[tuple[str, Callable[[Golden], bool], str], ...] = (
    (
        "onnxruntime",
        lambda g: g.dtype in ("float64", "bfloat16"),
        r"^no .* in onnxruntime [\d.]+: .*(NOT_IMPL|support double)",
    ),
    ("onnx-reference", lambda g: g.cell == "rnn_relu", "Unknown activation function 'Relu'"),
    ("keras-jax", lambda g: g.dtype == "float64", "float64 is disabled in JAX: JAX_ENABLE_X64 is off"),
    ("torch_compile", has_no_compiler, "^torch.compile needs a C[+]{2} compiler: "),
    ("torch_compile", has_half_gradients, "^Inductor's C[+]{2} of a backward pass in "),
    ("equinox", lambda g: g.cell.startswith("rnn_"), "^equinox.nn has no cell rnn_"),
    ("mindspore", has_random_gradients, "^mindspore returns random or zero gradients of an LSTM in float(16|64)$"),
    ("mindspore", lambda g: g.dtype == "bfloat16", "^no bfloat16 in mindspore: "),
    ("mindspore", lambda g: g.dtype == "float64" and g.initial_state is not None, NO_FLOAT64),
    ("mlx", lambda g: g.lengths is not None, "^mlx.nn has no lengths$"),
    ("mnn", lambda g: g.dtype != "float32", "^MNN has no .* on this processor: it computes in float32$"),
    ("ncnn", lambda g: g.cell == "rnn_relu", "^ncnn has no rnn_relu: its RNN has a tanh$"),
    ("ncnn", lambda g: g.dtype != "float32", "^inputs and outputs of ncnn are float32, not "),
    ("ncnn", lambda g: g.lengths is not None, "^ncnn has no lengths$"),
    ("thinc", lambda g: g.cell != "lstm", "^thinc has no (rnn_tanh|rnn_relu|gru)$"),
    ("thinc", lambda g: g.dtype != "float32", "^thinc computes an LSTM in float32, not in "),
    ("tract", lambda g: g.lengths is not None, "^tract has no lengths: "),
    ("tract", lambda g: g.dtype == "bfloat16", "^no bfloat16 in tract: Unknown DatumType Bfloat16$"),
    (
        "tract",
        lambda g: g.dtype != "float32" and (g.initial_state is None or g.cell == "gru"),
        "^no float.* in tract: ",
    ),
    ("tract", lambda g: (g.dtype, g.cell) == ("float64", "lstm"), "^no float64 in tract: .* only supports f32 and f16"),
    ("tflite", lambda g: g.dtype != "float32", "^no .* in LiteRT: (Some ops are not supported|Unsupported TensorFlow)"),
    ("paddle", lambda g: not g.network.bias, "^a layer of paddle.nn without biases ends the process with SIGSEGV: "),
    ("paddle", lambda g: g.dtype in SIXTEEN_BITS, r"^no .* in paddle: \(NotFound\) There are no kernels"),
)
"""Refusals: the engine, a function that is true for the refused goldens, and a pattern of the reason."""


def refused(name: str, golden: Golden) -> str | None:
    """Return the pattern of the reason why an engine refuses a golden; None if it does not refuse the golden."""
    return next((reason for engine, when, reason in REFUSALS if engine == name and when(golden)), None)


def implementation(name: str) -> str:
    """Return the argument of `rnn-goldens check` for an engine."""
    return f"conformance.{name}:run" if (HOME / f"conformance/{name}.py").is_file() else name


def known(name: str, ending: str = "") -> Callable[[Golden], bool]:
    """Return a function that is true for the known failures of an engine."""
    path = HOME / f"docs/known-failures/{file_name(implementation(name))}{ending}.txt"
    corpus = open_corpus()
    listed = read_list(path, corpus.entries) if path.is_file() else []
    return lambda golden: any(one.matches(corpus.entry(golden.id), golden.dtype) for one in listed)


@pytest.fixture
def engine(name: str) -> Implementation:
    """The engine of this environment."""
    selected = os.environ.get("ENGINE")
    if name != selected and (selected or name not in OF_DEV):
        pytest.skip(f"`python -m benchmarks engines {name}` runs this engine in its own environment")
    for module in BUILTIN[name].needs if name in BUILTIN else ():
        pytest.importorskip(module, reason=f"the implementation {name} needs {module}")
    return resolve(implementation(name))


def goldens(name: str, *, gradients: bool = False) -> Iterator[Golden]:
    entries = [open_corpus().entry(golden_id) for golden_id in IDS + MORE * (name in OF_DEV)]
    cases = [(e.id, dtype) for e in entries for dtype in (e.gradient_precisions if gradients else e.precisions)]
    for golden_id, dtype in cases[:: 7 if name in COMPILES else 1]:  # 7 is no multiple of the number of precisions
        yield rnn_goldens.load(golden_id, dtype=dtype, gradients=gradients)


@pytest.mark.slow
@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_is_correct_or_refuses_or_is_a_known_failure(engine: Implementation, name: str) -> None:
    is_known = known(name)
    for golden in goldens(name):
        if reason := refused(name, golden):
            with pytest.raises(Unsupported) as refusal:
                engine(golden)
            assert re.search(reason, str(refusal.value))
            continue
        if is_known(golden):
            with pytest.raises((GoldenMismatch, RuntimeError, TypeError)):
                golden.check(*outputs_of(engine(golden)))
        else:
            golden.check(*outputs_of(engine(golden)))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ENGINES if name not in OUTPUTS_ONLY])
def test_an_engines_gradients_are_correct_or_refused_or_known_failures(engine: Implementation, name: str) -> None:
    backward, is_known = backward_of(implementation(name), engine), known(name, ".gradients")
    for golden in goldens(name, gradients=True):
        if reason := refused(name, golden):
            with pytest.raises(Unsupported, match=reason):
                backward(golden.for_implementation())
            continue
        passed = golden.compare_gradients(backward(golden.for_implementation())).passed
        assert passed != is_known(golden), (golden.id, golden.dtype)


@pytest.mark.slow
@pytest.mark.skipif("ENGINE" in os.environ, reason="this process tests one engine")
def test_keras_passes_these_tests_on_jax_too() -> None:
    for module in BUILTIN["keras-jax"].needs:
        pytest.importorskip(module, reason=f"the implementation keras-jax needs {module}")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", "keras-jax"]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "ENGINE": "keras-jax"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_is_consistent_across_calls_and_uses_its_weights(engine: Implementation, name: str) -> None:
    golden = rnn_goldens.load("gru/with-state", dtype="float32")
    if reason := refused(name, golden):
        pytest.skip(f"{name} refuses the golden: {reason}")
    golden.check_calls(engine, ["twice", "rows", "chunks", "weights"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "cell", ["lstm_peephole", "lstm_projection", "lstm_projection_clip", "lstm_coupled_input", "lstm_cell_clip"]
)
def test_the_lstm_operator_of_litert_computes_dialects(cell: str) -> None:
    if os.environ.get("ENGINE") != "tflite":
        pytest.skip("`python -m benchmarks engines tflite` runs this engine in its own environment")
    operator, checked = resolve("conformance.tflite_lstm:run"), 0
    for golden in rnn_goldens.select(cell=cell, dtype="float32", without="lengths"):
        assert golden.compare(*outputs_of(operator(golden))).passed, golden.id
        checked += 1
    assert checked > 2
