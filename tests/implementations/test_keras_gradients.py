"""Gradients of a user's Keras layer on torch and on JAX, without backward code; mistakes are detected."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

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


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_a_correct_class_has_all_gradients(folder: Path, backend: str) -> None:
    done = check(folder, backend, "Right", *SELECTION, "--rnn-goldens-dtype=float32")
    assert done.returncode == 0, done.stdout
    assert " refused" not in done.stdout
    assert "not checked" not in done.stdout


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


def test_gradients_are_refused_for_the_same_reasons_as_outputs(folder: Path) -> None:
    done = check(folder, "torch", "ResetsFirst", "-k", "gru/plain-float or lstm/plain-float")
    assert "ResetsFirst has 3 blocks of weights, lstm has 4" in done.stdout
    assert "ResetsFirst has one bias, because reset_after=False" in done.stdout
    assert "all 2 goldens were refused" in done.stdout
