"""The built-in implementations by name, with the packages that each requires, and their versions.

The module of an implementation, and so its framework, is imported on first use. The backend of Keras, which cannot
change after the import, is ``KERAS_BACKEND``, else the first that is installed of JAX, torch and TensorFlow. Keras
itself would read ~/.keras/keras.json and default to TensorFlow.
"""

import ast
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.golden.integer_config import IntegerConfig
from rnn_goldens.golden.recurrence_config import RecurrenceConfig
from rnn_goldens.golden.shapes import Config
from rnn_goldens.user_code import import_object

BACKENDS = ("jax", "torch", "tensorflow")
"""Backends of Keras, in order of preference."""


def keras_backend() -> str:
    """Return the name of the backend, which is also the name of its package; "jax" if none is installed."""
    installed = [name for name in BACKENDS if find_spec(name)]
    return os.environ.get("KERAS_BACKEND") or (installed or BACKENDS)[0]


def imported_keras() -> Any:  # noqa: ANN401 - Keras has no types
    """Import Keras with the selected backend; raises WrongUse if Keras has no such backend."""
    is_chosen = "KERAS_BACKEND" in os.environ
    os.environ["KERAS_BACKEND"] = keras_backend()
    try:
        return import_module("keras")
    except ValueError as error:
        if not is_chosen:
            raise
        raise WrongUse(f"KERAS_BACKEND is {keras_backend()!r}: {error}; it may be {', '.join(BACKENDS)}") from None
    finally:
        if not is_chosen:
            del os.environ["KERAS_BACKEND"]


def require_backend(backend: str) -> None:
    """Select Keras's backend; raises WrongUse if Keras already runs on another."""
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = backend  # Keras reads it once, on import
    if (other := imported_keras().backend.backend()) != backend:
        raise WrongUse(f"Keras already runs on {other} and cannot change to {backend} in the same process")


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


def _keras(backend: str, extra: str = "keras") -> BuiltIn:
    return BuiltIn("keras:LAYERS.run", ("keras", backend), "keras:LAYERS.gradients", extra, backend=backend)


_BOTH = (Config.kind, RecurrenceConfig.kind)

BUILTIN = {
    "numpy": BuiltIn("numpy_cells:run", ("numpy",), "numpy_cells:gradients", kinds=(*_BOTH, IntegerConfig.kind)),
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
        if not (function := ours.backward if back else ours.run):
            raise Unsupported(f"{name} computes outputs but no gradients")
        if ours.backend:
            require_backend(ours.backend)
        return import_object(f"{__package__}.{function}", f"implementation {name!r}")(golden)

    return run


def require_packages(name: str) -> None:
    """Raise WrongUse, with the command that installs it, if a package of a built-in implementation is missing."""
    ours = BUILTIN[name]
    what = f"pip install 'rnn-goldens[{ours.extra or name}]'"
    if missing := next((package for package in ours.needs if find_spec(package) is None), None):
        raise WrongUse(f"implementation {name!r} needs {missing}, which is not installed: {what}")
    if ours.backend:  # Keras is imported when it is called: an import selects the backend
        return
    try:
        import_module(f"{__package__}.{ours.run.partition(':')[0]}")
    except ModuleNotFoundError as error:
        what = what if str(error.name).partition(".")[0] in ours.needs else f"pip install {error.name}"
        raise WrongUse(f"implementation {name!r} needs {error.name}, which is not installed: {what}") from error


def versions_of_packages(implementation: str) -> dict[str, str]:
    """Return versions by package name, also of packages that an implementation in the working directory imports."""
    if implementation in BUILTIN:
        imported = [*BUILTIN[implementation].needs, *([keras_backend()] if implementation == "keras" else [])]
    else:
        module = implementation.partition(":")[0]
        imported = [module.partition(".")[0], *_imported_by(Path(*module.split(".")).with_suffix(".py"))]
    brought_by = packages_distributions()
    found = {}
    for package in (package for name in imported for package in dict.fromkeys(brought_by.get(name, ()))):
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _imported_by(file: Path) -> Sequence[str]:
    """Return the packages that a module in the working directory imports; none if there is no such module."""
    try:
        statements = list(ast.walk(ast.parse(file.read_bytes())))
    except (OSError, SyntaxError, ValueError):
        return ()
    names = [alias.name for one in statements if isinstance(one, ast.Import) for alias in one.names]
    names += [one.module or "" for one in statements if isinstance(one, ast.ImportFrom) and not one.level]
    return [name for name in dict.fromkeys(name.partition(".")[0] for name in names) if name != "rnn_goldens"]
