"""Whatever is being checked: a function ``golden → (out, h_n)``, ``(out, (h_n, c_n))`` or ``(out, h_n, c_n)``.

Built-in ones by name, a user's own as ``wrappers`` has it.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.implementations.wrappers import Implementation, adapt
from rnn_goldens.programs.command import MARK, find_command, is_command
from rnn_goldens.programs.program import TIME_LIMIT, Program

__all__ = ["BUILTIN", "EXTRAS", "Implementation", "adapt", "check_name", "close", "outputs_of", "resolve"]

BUILTIN = {
    "numpy": "rnn_goldens.implementations.numpy_cells:run",
    "torch": "rnn_goldens.implementations.torch_layers:run",
    "torch-cells": "rnn_goldens.implementations.torch_cells:run",
    "onnxruntime": "rnn_goldens.implementations.onnxruntime_session:run",
    "onnx-reference": "rnn_goldens.implementations.onnx_reference:run",
    "keras": "rnn_goldens.implementations.keras_layers:run",
    "flax": "rnn_goldens.implementations.flax_cells:run",
}
"""Implementations this package brings; a module is imported, and its framework with it, when it is named."""

ONNX = ".onnx"
"""What the path of an ONNX file ends in."""

EXTRAS = {"torch-cells": "torch", "onnx-reference": "onnx"}
"""The extra that installs what an implementation needs, where it is not called like the implementation."""


def resolve(name: str, folder: Path | None = None, time_limit: float = TIME_LIMIT) -> Implementation:
    """Find an implementation by name, importing it; the working directory is importable, as under ``python -m``.

    Args:
        name: a name in ``BUILTIN``, ``package.module:callable``, the path of an ONNX file, or ``-- ./my_rnn --flags``:
            a program, which is started and has to be closed.
        folder: where a program runs; the working directory if it is not given.
        time_limit: seconds that a program has for one golden.

    Raises:
        UnknownName: none of these.
        WrongUse: the module is not found or can not be read, or has no such callable, or the program can not be
            started. Any other error is its own.
    """
    check_name(name, folder)
    if is_command(name):
        return Program(find_command(name, folder or Path.cwd()), time_limit)
    if name.endswith(ONNX):
        return _onnx_file(name)
    module_name, _, attribute = BUILTIN.get(name, name).partition(":")
    if str(Path.cwd()) not in sys.path and "" not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = import_module(module_name)
    except ModuleNotFoundError as error:
        cause = None if _is_part(error.name, module_name) else error
        raise WrongUse(_not_found(name, module_name, error)) from cause
    except OSError as error:  # which main would take for its own
        raise WrongUse(f"implementation {name!r}: importing {module_name} failed: {error}") from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise WrongUse(f"implementation {name!r}: {module_name} has no {attribute!r}")
        found = getattr(found, part)
    try:
        return adapt(found)
    except WrongUse as error:
        raise WrongUse(f"implementation {name!r}: {error}") from None


def close(implementation: Implementation) -> None:
    """End the program, if the implementation is one; raises ProgramFailed if it had more to say than it was asked."""
    if isinstance(implementation, Program):
        implementation.close()


def check_name(name: str, folder: Path | None = None) -> None:
    """Raise UnknownName or WrongUse unless the name is one that ``resolve`` can look for."""
    if is_command(name):
        find_command(name, folder or Path.cwd())
        return
    if name.endswith(ONNX):
        return
    module, colon, attribute = name.partition(":")
    if name not in BUILTIN and not (module and colon and attribute):
        others = f"implementations (or package.module:callable, or the path of an .onnx file, or {MARK} COMMAND)"
        raise UnknownName("implementation", name, BUILTIN, plural=others)
    if name not in BUILTIN and not all(part.isidentifier() for part in module.split(".")):
        raise WrongUse(
            f"implementation {name!r}: {module!r} is no name of a module; for a file my_rnn.py in the working "
            "directory write my_rnn:callable, in a folder below it folder.my_rnn:callable"
        )


def _onnx_file(path: str) -> Implementation:
    try:
        return adapt(path)
    except ModuleNotFoundError as error:
        raise WrongUse(
            f"implementation {path!r} needs {error.name}, which is not installed: "
            "pip install 'rnn-goldens[onnxruntime]'"
        ) from None


def _is_part(missing: str | None, module_name: str) -> bool:
    return missing is not None and f"{module_name}.".startswith(f"{missing}.")


def _not_found(name: str, module_name: str, error: ModuleNotFoundError) -> str:
    if name in BUILTIN:
        extra = f"rnn-goldens[{EXTRAS.get(name, name)}]"
        return f"implementation {name!r} needs {error.name}, which is not installed: pip install '{extra}'"
    if _is_part(error.name, module_name):
        return f"implementation {name!r}: no module {error.name!r}, looked in {Path.cwd()} and the installed packages"
    return f"implementation {name!r}: importing {module_name} failed: {error}"


def outputs_of(result: object) -> Sequence[Any]:
    """The outputs an implementation returned, as arguments of ``Golden.check``; raises TypeError if they are none."""
    if isinstance(result, tuple | list) and len(result) in (2, 3):
        return result
    what = f"{len(result)} outputs" if isinstance(result, tuple | list) else f"a {type(result).__name__}"
    raise TypeError(f"the implementation returned {what}; it returns (out, h_n), (out, (h_n, c_n)) or (out, h_n, c_n)")
