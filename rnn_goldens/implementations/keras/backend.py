"""Imports Keras 3 with the backend selected in ``backend_choice``, which cannot change afterwards."""

import os

from rnn_goldens.errors import WrongUse
from rnn_goldens.implementations.keras.backend_choice import BACKENDS, backend

if "KERAS_BACKEND" in os.environ:
    try:
        import keras
    except ValueError as error:
        raise WrongUse(f"KERAS_BACKEND is {backend()!r}: {error}; it may be {', '.join(BACKENDS)}") from None
else:
    os.environ["KERAS_BACKEND"] = backend()
    try:
        import keras
    finally:
        del os.environ["KERAS_BACKEND"]

__all__ = ["keras"]
