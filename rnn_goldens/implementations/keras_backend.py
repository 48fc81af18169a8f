"""Keras 3 on the backend that ``KERAS_BACKEND`` names; where it is not set, on JAX, else torch, else TensorFlow.

Keras itself would take ~/.keras/keras.json, else TensorFlow. Once Keras is imported, its backend stays what it is.
"""

import os
from importlib.util import find_spec

if "KERAS_BACKEND" in os.environ:
    import keras
else:
    installed = [name for name in ("jax", "torch", "tensorflow") if find_spec(name)]
    os.environ["KERAS_BACKEND"] = installed[0] if installed else "jax"
    try:
        import keras
    finally:
        del os.environ["KERAS_BACKEND"]

__all__ = ["keras"]
