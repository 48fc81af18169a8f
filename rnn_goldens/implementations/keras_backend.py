"""Keras 3 on the backend of our choice, see ``keras_choice``. Once imported, its backend stays what it is."""

import os

from rnn_goldens.implementations.keras_choice import backend

if "KERAS_BACKEND" in os.environ:
    import keras
else:
    os.environ["KERAS_BACKEND"] = backend()
    try:
        import keras
    finally:
        del os.environ["KERAS_BACKEND"]

__all__ = ["keras"]
