"""Built-in implementations. The module of an implementation, and so its framework, is imported on first use."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.named_object import import_object


@dataclass(frozen=True)
class BuiltIn:
    """A built-in implementation.

    Attributes:
        run: the function that returns outputs, as ``module:function`` below ``implementations``.
        needs: the required packages; Keras also needs a backend.
        backward: the function that returns gradients, or outputs that can be differentiated; "" for none.
        extra: the extra that installs the packages; "" if it has the implementation's name.
        recurrences: the function that returns outputs of recurrences; "" if the implementation has none.
        recurrences_backward: the function that returns gradients of recurrences; "" for none.
    """

    run: str
    needs: tuple[str, ...]
    backward: str = ""
    extra: str = ""
    recurrences: str = ""
    recurrences_backward: str = ""

    def function(self, *, network: bool, back: bool = False) -> str:
        """Return the function that returns outputs, or gradients, as ``package.module:function``; "" for none."""
        name = {
            (True, False): self.run,
            (True, True): self.backward,
            (False, False): self.recurrences,
            (False, True): self.recurrences_backward,
        }[network, back]
        return name and f"{__package__}.{name}"


BUILTIN = {
    "numpy": BuiltIn(
        "numpy_cells:run",
        ("numpy",),
        "numpy_cells:gradients",
        recurrences="numpy_cells:run",
        recurrences_backward="numpy_cells:gradients",
    ),
    "torch": BuiltIn("torch.layers:run", ("torch",), "torch.gradients:of_layers"),
    "torch-cells": BuiltIn("torch.cells:run", ("torch",), "torch.gradients:of_cells", extra="torch"),
    "onnxruntime": BuiltIn("onnx.session:run", ("onnx", "onnxruntime"), recurrences="onnx.session:run_recurrence"),
    "onnx-reference": BuiltIn(
        "onnx.reference:run", ("onnx", "numpy"), extra="onnx", recurrences="onnx.reference:run_recurrence"
    ),
    "keras": BuiltIn("keras.layers:run", ("keras",), "keras.gradients:of_layers"),
    "keras-jax": BuiltIn("keras.backends:jax", ("keras", "jax"), "keras.backends:jax_gradients", extra="keras"),
    "keras-torch": BuiltIn("keras.backends:torch", ("keras", "torch"), "keras.backends:torch_gradients", extra="keras"),
    "keras-tensorflow": BuiltIn(
        "keras.backends:tensorflow", ("keras", "tensorflow"), "keras.backends:tensorflow_gradients"
    ),
    "flax": BuiltIn("flax.cells:run", ("flax", "jax"), "flax.cells:of_cells"),
}
"""All built-in implementations by name."""


def built_in(name: str, *, back: bool = False) -> Callable[[Inputs], Any]:
    """Return the function of a golden that returns outputs, or gradients if ``back``.

    It raises Unsupported for a recurrence that the implementation has no function for, and for gradients that it does
    not compute.
    """

    def run(golden: Inputs) -> Any:  # noqa: ANN401 - as the function returns it
        __tracebackhide__ = True
        ours = BUILTIN[name]
        if not golden.is_network and not ours.recurrences:
            raise Unsupported(f"{name} has no layer for {golden.cell}: check your own function")
        if not (function := ours.function(network=golden.is_network, back=back)):
            raise Unsupported(f"{name} computes outputs but no gradients")
        return import_object(function, f"implementation {name!r}")(golden)

    return run
