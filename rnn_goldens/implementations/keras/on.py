"""Keras on a backend that is named: ``keras-jax``, ``keras-torch``. One process has one of them."""

import os
import sys
from importlib.util import find_spec
from typing import Any

from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import WrongUse

if find_spec("keras") is None:  # said when the implementation is named, not golden by golden
    raise ModuleNotFoundError("No module named 'keras'", name="keras")


def jax(golden: Question) -> tuple[Any, ...]:
    """``keras_layers.run`` on JAX; raises WrongUse if Keras runs on another backend already."""
    return _run(golden, "jax")


def torch(golden: Question) -> tuple[Any, ...]:
    """``keras_layers.run`` on torch; raises WrongUse if Keras runs on another backend already."""
    return _run(golden, "torch")


def _run(golden: Question, backend: str) -> tuple[Any, ...]:
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = backend  # Keras reads it once, when it is imported
    from rnn_goldens.implementations.keras.backend import keras
    from rnn_goldens.implementations.keras.layers import run

    if (other := keras.backend.backend()) != backend:
        raise WrongUse(f"Keras runs on {other} already, and can not change to {backend} in the same process")
    return run(golden)
