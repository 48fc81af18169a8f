"""Keras's backend, which a process cannot change, and users' layers with their gradients."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from implementations.outcomes import CORPUS, check_all

import rnn_goldens
from rnn_goldens import Unsupported
from rnn_goldens.errors import WrongUse
from rnn_goldens.implementations import adapt, resolve

PROGRAM = """
import os
from rnn_goldens.implementations.keras import keras
print(keras.backend.backend(), os.environ.get("KERAS_BACKEND"))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("selected", "needs", "printed"),
    [(None, "jax", "jax None"), ("jax", "jax", "jax jax"), ("torch", "torch", "torch torch")],
)
def test_the_backend_is_the_selected_or_the_installed_one(selected: str | None, needs: str, printed: str) -> None:
    for module in ("keras", needs):
        pytest.importorskip(module, reason=f"this backend of Keras needs {module}")
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    environment |= {"KERAS_BACKEND": selected} if selected else {}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == printed


def test_a_backend_can_be_selected_until_keras_runs_on_another() -> None:
    keras = pytest.importorskip("keras", reason="the implementation keras needs keras")
    golden = rnn_goldens.load("lstm/plain")
    current = keras.backend.backend()
    other = "jax" if current == "torch" else "torch"
    golden.check(*resolve(f"keras-{current}")(golden))
    with pytest.raises(WrongUse, match=f"Keras already runs on {current} and cannot change to {other}"):
        resolve(f"keras-{other}")(golden)


def test_an_unknown_keras_backend_is_an_error_in_one_line() -> None:
    pytest.importorskip("keras", reason="the implementation keras needs keras")
    environment = {**os.environ, "KERAS_BACKEND": "tensorflaw"}
    command = [sys.executable, "-m", "rnn_goldens", "check", "keras"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: KERAS_BACKEND is 'tensorflaw': ")
    assert done.stderr.endswith("it may be jax, torch, tensorflow\n")


@pytest.mark.xdist_group("keras")
def test_a_keras_layer_of_another_dialect_or_kind_is_refused_with_the_reason(own_in_keras: Any) -> None:
    golden = CORPUS.load("gru/plain", "float32")
    with pytest.raises(Unsupported, match="one bias, because reset_after=False: it resets before the product"):
        adapt(own_in_keras.MyKerasGRUThatResetsFirst)(golden)
    with pytest.raises(WrongUse, match="MyKerasNothing has 0 weights: a recurrent layer has two kernels or more"):
        adapt(own_in_keras.MyKerasNothing)(golden)
    with pytest.raises(WrongUse, match="MyKerasCell is a cell of Keras: choose a layer class that contains it"):
        adapt(own_in_keras.MyKerasCell)


@pytest.mark.xdist_group("keras")
@pytest.mark.parametrize(
    ("name", "cell"),
    [
        pytest.param("MyKerasLSTM", "lstm", marks=pytest.mark.slow),
        *(("GRU", cell) for cell in ("gru_reset_before", "gru_reverse", "gru_hard_sigmoid_sixth")),
    ],
)
def test_a_keras_layer_runs_every_golden_of_its_cell(own_in_keras: Any, name: str, cell: str) -> None:
    counts, reasons = check_all(getattr(own_in_keras, name, own_in_keras.keras.layers.GRU), cell=cell)
    assert (counts["failed"], reasons) == (0, [])
    assert counts["passed"] > 1


@pytest.mark.xdist_group("keras")
def test_a_keras_layer_that_keeps_its_state_fails_a_call_pattern(own_in_keras: Any) -> None:
    once, verdict = CORPUS.load("gru/plain", "float32").compare_calls(
        adapt(own_in_keras.MyKerasGRUThatKeepsItsState), "twice"
    )
    assert once.passed
    assert "the second call differs from the first" in verdict.message


MY_KERAS = """
import keras


class Right(keras.layers.GRU):
    pass


class Detached(keras.layers.GRU):
    def call(self, x, **more):
        return super().call(keras.ops.stop_gradient(x), **more)


@keras.ops.custom_gradient
def halved(x):
    def back(*args, upstream=None):
        return (upstream if upstream is not None else args[0]) / 2
    return x * 1.0, back


class Halved(keras.layers.GRU):
    def call(self, x, **more):
        return super().call(halved(x), **more)


class ResetsFirst(keras.layers.GRU):
    def __init__(self, units, **more):
        super().__init__(units, **{**more, "reset_after": False})
"""


SELECTION = ("-k", "gru/plain-float or gru/with-state-float or gru/lengths-float or gru/bidirectional-float")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my_keras.py").write_text(MY_KERAS, "utf-8")
    return tmp_path


def check(folder: Path, backend: str, name: str, *options: str) -> "subprocess.CompletedProcess[str]":
    for module in ("keras", backend):
        pytest.importorskip(module, reason=f"this backend of Keras needs {module}")
    command = [sys.executable, "-m", "rnn_goldens", "check", f"my_keras:{name}", "--rnn-goldens-gradients", *options]
    environment = {**os.environ, "KERAS_BACKEND": backend}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_a_correct_class_has_all_gradients(folder: Path, backend: str) -> None:
    done = check(folder, backend, "Right", *SELECTION, "--rnn-goldens-dtype=float32")
    assert done.returncode == 0, done.stdout
    assert " refused" not in done.stdout
    assert "not checked" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "name", "message"), [("torch", "Detached", "x: is None"), ("jax", "Halved", "x: ")]
)
def test_a_detached_input_and_a_wrong_custom_gradient_are_detected(
    folder: Path, backend: str, name: str, message: str
) -> None:
    done = check(folder, backend, name, "-k", "gru/plain-float")
    assert done.returncode == 1
    assert "4 right; x wrong" in done.stdout
    assert message in done.stdout


@pytest.mark.slow
def test_gradients_are_refused_for_the_same_reasons_as_outputs(folder: Path) -> None:
    done = check(folder, "torch", "ResetsFirst", "-k", "gru/plain-float or lstm/plain-float")
    assert "ResetsFirst has 3 blocks of weights, lstm has 4" in done.stdout
    assert "ResetsFirst has one bias, because reset_after=False" in done.stdout
    assert "all 2 goldens were refused" in done.stdout
