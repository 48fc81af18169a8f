"""Which backend Keras runs on here: what ``KERAS_BACKEND`` names; else JAX, else torch, else TensorFlow.

Keras itself would take ~/.keras/keras.json, else TensorFlow.
"""

import os
from importlib.util import find_spec

BACKENDS = ("jax", "torch", "tensorflow")


def backend() -> str:
    """The backend's name, which is that of its package; the first if none is installed."""
    installed = [name for name in BACKENDS if find_spec(name)]
    return os.environ.get("KERAS_BACKEND") or (installed or BACKENDS)[0]
