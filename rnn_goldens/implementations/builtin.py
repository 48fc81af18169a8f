"""Built-in implementations. The module of an implementation, and so its framework, is imported on first use."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BuiltIn:
    """A built-in implementation.

    Attributes:
        run: the function that returns outputs, as ``module:function`` below ``implementations``.
        needs: the required packages; Keras also needs a backend.
        backward: the function that returns gradients, or outputs that can be differentiated; "" for none.
        extra: the extra that installs the packages; "" if it has the implementation's name.
    """

    run: str
    needs: tuple[str, ...]
    backward: str = ""
    extra: str = ""

    @property
    def outputs(self) -> str:
        """The function that returns outputs, as ``package.module:function``."""
        return f"{__package__}.{self.run}"

    @property
    def gradients(self) -> str:
        """The function that returns gradients, as ``package.module:function``; "" for none."""
        return self.backward and f"{__package__}.{self.backward}"


BUILTIN = {
    "numpy": BuiltIn("numpy_cells:run", ("numpy",), "numpy_cells:gradients"),
    "torch": BuiltIn("torch.layers:run", ("torch",), "torch.gradients:of_layers"),
    "torch-cells": BuiltIn("torch.cells:run", ("torch",), "torch.gradients:of_cells", extra="torch"),
    "onnxruntime": BuiltIn("onnx.session:run", ("onnx", "onnxruntime")),
    "onnx-reference": BuiltIn("onnx.reference:run", ("onnx", "numpy"), extra="onnx"),
    "keras": BuiltIn("keras.layers:run", ("keras",), "keras.gradients:of_layers"),
    "keras-jax": BuiltIn("keras.backends:jax", ("keras", "jax"), "keras.backends:jax_gradients", extra="keras"),
    "keras-torch": BuiltIn("keras.backends:torch", ("keras", "torch"), "keras.backends:torch_gradients", extra="keras"),
    "keras-tensorflow": BuiltIn(
        "keras.backends:tensorflow", ("keras", "tensorflow"), "keras.backends:tensorflow_gradients"
    ),
    "flax": BuiltIn("flax.cells:run", ("flax", "jax"), "flax.cells:of_cells"),
}
"""All built-in implementations by name."""
