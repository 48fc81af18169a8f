"""The built-in implementations by name, with the packages that each requires, and their versions.

The module of an implementation, and so its framework, is imported on first use.
"""

import ast
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
from rnn_goldens.golden.recurrence_config import RecurrenceConfig
from rnn_goldens.golden.shapes import Config
from rnn_goldens.implementations.keras_backend import keras_backend, require_backend
from rnn_goldens.user_code import import_object


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
