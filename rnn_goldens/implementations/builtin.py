"""Built-in implementations. The module of an implementation, and so its framework, is imported on first use."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.recurrences import RecurrenceConfig
from rnn_goldens.golden.shapes import Config
from rnn_goldens.implementations.keras_backend import require_backend
from rnn_goldens.named_object import import_object


@dataclass(frozen=True)
class BuiltIn:
    """A built-in implementation.

    Attributes:
        run: the function that returns outputs, as ``module:function`` below ``implementations``.
        needs: the required packages; Keras also needs a backend.
        backward: the function that returns gradients, or outputs that can be differentiated; "" for none.
        extra: the extra that installs the packages; "" if it has the implementation's name.
        kinds: the kinds of goldens whose cells it has.
        backend: the backend that Keras must run on; "" for any.
    """

    run: str
    needs: tuple[str, ...]
    backward: str = ""
    extra: str = ""
    kinds: tuple[str, ...] = (Config.kind,)
    backend: str = ""

    def function(self, *, back: bool = False) -> str:
        """Return the function that returns outputs, or gradients, as ``package.module:function``; "" for none."""
        name = self.backward if back else self.run
        return name and f"{__package__}.{name}"


def _keras(backend: str, extra: str = "keras") -> BuiltIn:
    return BuiltIn("keras:LAYERS.run", ("keras", backend), "keras:LAYERS.gradients", extra, backend=backend)


_BOTH = (Config.kind, RecurrenceConfig.kind)

BUILTIN = {
    "numpy": BuiltIn("numpy_cells:run", ("numpy",), "numpy_cells:gradients", kinds=_BOTH),
    "torch": BuiltIn("torch:run_layers", ("torch",), "torch:gradients_of_layers"),
    "torch-cells": BuiltIn("torch:run_cells", ("torch",), "torch:gradients_of_cells", extra="torch"),
    "onnxruntime": BuiltIn("onnx_runtime:run", ("onnx", "onnxruntime"), kinds=_BOTH),
    "onnx-reference": BuiltIn("onnx_model:run_reference", ("onnx", "numpy"), extra="onnx", kinds=_BOTH),
    "keras": BuiltIn("keras:LAYERS.run", ("keras",), "keras:LAYERS.gradients"),
    "keras-jax": _keras("jax"),
    "keras-torch": _keras("torch"),
    "keras-tensorflow": _keras("tensorflow", extra="keras-tensorflow"),
    "flax": BuiltIn("flax:CELLS.run", ("flax", "jax"), "flax:CELLS.gradients"),
}
"""All built-in implementations by name."""


def built_in(name: str, *, back: bool = False) -> Callable[[Inputs], Any]:
    """Return the function of a golden that returns outputs, or gradients if ``back``.

    It raises Unsupported for a kind of golden that the implementation has no cells for, and for gradients that it does
    not compute.
    """

    def run(golden: Inputs) -> Any:  # noqa: ANN401 - as the function returns it
        __tracebackhide__ = True
        ours = BUILTIN[name]
        if golden.config.kind not in ours.kinds:
            raise Unsupported(f"{name} has no layer for {golden.cell}: check your own function")
        if not (function := ours.function(back=back)):
            raise Unsupported(f"{name} computes outputs but no gradients")
        if ours.backend:
            require_backend(ours.backend)
        return import_object(function, f"implementation {name!r}")(golden)

    return run
