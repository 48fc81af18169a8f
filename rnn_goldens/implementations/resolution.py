"""Finds the implementation that a name refers to, and what computes its gradients."""

import ast
import os
import shlex
from importlib.util import find_spec
from pathlib import Path

from rnn_goldens.comparison.call_patterns import Backward
from rnn_goldens.errors import UnknownName, Unsupported, WrongUse
from rnn_goldens.golden.built_in_cells import DIALECTS
from rnn_goldens.implementations.builtin import BUILTIN, built_in, require_packages
from rnn_goldens.implementations.differentiation import with_gradients
from rnn_goldens.implementations.user_networks import (
    NO_GRADIENTS_IN_ONNX,
    Implementation,
    adapt,
    adapt_backward,
    raising,
    refusing_what_is_not_implemented,
)
from rnn_goldens.programs.command import MARK, find_command, is_command
from rnn_goldens.programs.program import TIME_LIMIT, Program
from rnn_goldens.user_code import import_object

ONNX = ".onnx"
"""Suffix of the path of an ONNX file."""


def resolve(name: str, folder: Path | None = None, time_limit: float = TIME_LIMIT) -> Implementation:
    """Find an implementation by name and import it; the working directory is importable, as under ``python -m``.

    A name is one of ``BUILTIN``, ``package.module:thing``, the path of an ONNX file, or ``-- ./my_rnn --flags``: a
    program, which is started and must be closed. ``folder`` is the base of relative paths and the working directory of
    a program, which has ``time_limit`` seconds for one golden.

    Raises:
        UnknownName: the name has none of these forms.
        WrongUse: the module does not exist, cannot be imported or lacks the thing, the thing cannot be run, or the
            program cannot be started. Other errors come from the user's code.
    """
    check_name(name, folder)
    if is_command(name):
        return Program(find_command(name, folder or Path.cwd()), time_limit)
    found = str((folder or Path()) / name) if name.endswith(ONNX) else _thing(name)
    try:
        return adapt(found)
    except ModuleNotFoundError as error:
        if not name.endswith(ONNX):
            raise
        extra = "rnn-goldens[onnxruntime]"
        raise WrongUse(f"{name} needs {error.name}, which is not installed: pip install '{extra}'") from None
    except WrongUse as error:
        raise WrongUse(f"implementation {name!r}: {error}") from None


def backward_of(name: str, run: Implementation) -> Backward:
    """Return what computes the gradients of an implementation that ``resolve`` returned, or raises Unsupported."""
    if isinstance(run, Program):
        return run.gradients
    if name.endswith(ONNX):
        return raising(Unsupported, NO_GRADIENTS_IN_ONNX)
    if name in BUILTIN:
        return refusing_what_is_not_implemented(with_gradients(built_in(name, back=True)))
    return adapt_backward(import_object(name, f"implementation {name!r}"))


def dialects_of(name: str) -> tuple[str, ...]:
    """Return the dialects that an ONNX file's attributes describe; () for ``{id}`` or another implementation.

    Raises WrongUse if the file does not exist or is not an ONNX model, or no golden has its equations.
    """
    if not name.endswith(ONNX) or "{id}" in name or not find_spec("onnxruntime"):
        return ()
    from rnn_goldens.implementations.onnx_nodes import cells_of

    return tuple(cell for cell in cells_of(name) if cell in DIALECTS)


def close(implementation: Implementation) -> None:
    """End a program; raises ProgramFailed if it misbehaved after its last answer."""
    if isinstance(implementation, Program):
        implementation.close()


def check_name(name: str, folder: Path | None = None) -> None:
    """Raise UnknownName or WrongUse unless ``resolve`` can look the name up."""
    if is_command(name):
        find_command(name, folder or Path.cwd())
    if is_command(name) or name in BUILTIN or name.endswith(ONNX):
        return
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        if path := _program(name, folder or Path.cwd()):
            as_program = f"rnn-goldens check {MARK} {path}"
            if found := _class_in(Path(name), folder or Path.cwd()):
                kind = found.partition(":")[2]
                hint = f"or, if it is a program: {as_program}"
                raise WrongUse(f"{name!r} defines {kind}: rnn-goldens check {found}\n  {hint}")
            raise WrongUse(f"{name!r} is a program: {as_program}")
        others = f"implementations (or package.module:thing, FILE{ONNX}, or {MARK} COMMAND)"
        raise UnknownName("implementation", name, BUILTIN, plural=others)
    if not all(part.isidentifier() for part in module.split(".")):
        raise WrongUse(
            f"implementation {name!r}: {module!r} is not the name of a module; for a file my_rnn.py in the working "
            "directory write my_rnn:callable, in a folder below it folder.my_rnn:callable"
        )


def _program(name: str, folder: Path) -> str:
    """Return the command that starts the program in a file of this name; "" if there is no such file."""
    if not (folder / name).is_file():
        return ""
    if not os.access(folder / name, os.X_OK):
        return f"{'python' if name.endswith('.py') else 'WHAT_RUNS_IT'} {shlex.quote(name)}"
    return shlex.quote(name if os.sep in name else f".{os.sep}{name}")


def _class_in(path: Path, folder: Path) -> str:
    """Return the last class of a Python file, as an argument of ``check``; "" if it has none or is not a module."""
    module = path.with_suffix("").parts
    if path.suffix != ".py" or not all(part.isidentifier() for part in module):
        return ""
    try:
        statements = ast.parse((folder / path).read_bytes()).body
    except (SyntaxError, ValueError):
        return ""
    kinds = [statement.name for statement in statements if isinstance(statement, ast.ClassDef)]
    return f"{'.'.join(module)}:{kinds[-1]}" if kinds else ""


def _thing(name: str) -> object:
    """Return the object that an implementation's name refers to; raises WrongUse if it is not callable."""
    if name in BUILTIN:
        require_packages(name)
        return built_in(name)
    found = import_object(name, f"implementation {name!r}")
    if not callable(found) and not isinstance(found, str):
        attribute = name.partition(":")[2]
        raise WrongUse(f"implementation {name!r}: {attribute} is a {type(found).__name__}, not a callable")
    return found
