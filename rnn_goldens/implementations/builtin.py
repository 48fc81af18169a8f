"""Implementations this package brings. A module is imported, and its framework with it, when it is named."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BuiltIn:
    """An implementation of ours.

    Attributes:
        run: what gives its outputs, ``module:function`` in this room.
        needs: what is imported and decides its numbers; Keras has a backend besides.
        backward: what gives its gradients, or outputs that can be differentiated; "" if nothing does.
        extra: the extra that installs what it needs, if that is not called like the implementation.
    """

    run: str
    needs: tuple[str, ...]
    backward: str = ""
    extra: str = ""

    @property
    def outputs(self) -> str:
        """Where what gives its outputs is found."""
        return f"{__package__}.{self.run}"

    @property
    def gradients(self) -> str:
        """Where what gives its gradients is found; "" if nothing does."""
        return self.backward and f"{__package__}.{self.backward}"


BUILTIN = {
    "numpy": BuiltIn("numpy_cells:run", ("numpy",), "numpy_cells:gradients"),
    "torch": BuiltIn("torch.layers:run", ("torch",), "torch.gradients:of_layers"),
    "torch-cells": BuiltIn("torch.cells:run", ("torch",), "torch.gradients:of_cells", extra="torch"),
    "onnxruntime": BuiltIn("onnx.session:run", ("onnx", "onnxruntime")),
    "onnx-reference": BuiltIn("onnx.reference:run", ("onnx", "numpy"), extra="onnx"),
    "keras": BuiltIn("keras.layers:run", ("keras",), "keras.gradients:of_layers"),
    "keras-jax": BuiltIn("keras.on:jax", ("keras", "jax"), "keras.on:jax_gradients", extra="keras"),
    "keras-torch": BuiltIn("keras.on:torch", ("keras", "torch"), "keras.on:torch_gradients", extra="keras"),
    "keras-tensorflow": BuiltIn("keras.on:tensorflow", ("keras", "tensorflow"), "keras.on:tensorflow_gradients"),
    "flax": BuiltIn("flax.cells:run", ("flax", "jax"), "flax.gradients:of_cells"),
}
"""By name."""
