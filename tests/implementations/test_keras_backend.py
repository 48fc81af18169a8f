"""The selection of Keras's backend, which one process cannot change: some tests start other processes."""

import os
import subprocess
import sys

import pytest

import rnn_goldens
from rnn_goldens.errors import WrongUse
from rnn_goldens.implementations import resolve

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
