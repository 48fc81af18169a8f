"""Finds the implementation that a name refers to, and turns a user's network into one, depending on its kind.

====================================  ==============================================  ==================================
network                               run as                                          gradients
====================================  ==============================================  ==================================
a class with ``load_state_dict``      like ``torch.nn.GRU``: ``torch_shaped``         ``torch.autograd``, or none
a class of Keras layers               like ``keras.layers.GRU``: ``keras``            by Keras's backend
a class of Flax cells                 like ``flax.linen.GRUCell``: ``flax``           ``jax.vjp``
a path that ends in ``.onnx``         in ONNX Runtime: ``onnx_runtime``               none
a function ``(x_t, state, weights)``  one time step, unrolled: ``numpy_cells``        none
a function of a recurrence's arrays   by parameters: ``recurrence_function``          ``jax.vjp`` or ``torch.autograd``
any other callable                    a function of a golden                          returned by name; or the same
====================================  ==============================================  ==================================

A function of a golden returns gradients, from ``golden.cotangents``, if ``golden.has_cotangents``; or outputs, which
JAX or torch differentiates. A golden of a recurrence needs a function.
"""

import ast
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from rnn_goldens.checkable_golden import Golden, Inputs
from rnn_goldens.comparison.call_patterns import Backward
from rnn_goldens.comparison.returned import is_array
from rnn_goldens.conventions.kernel_convention import Kernel
from rnn_goldens.errors import UnknownName, Unsupported, WrongUse
from rnn_goldens.golden.built_in_cells import DIALECTS
from rnn_goldens.golden.integer_config import IntegerConfig
from rnn_goldens.golden.recurrence_config import RecurrenceConfig
from rnn_goldens.golden.shapes import Config
from rnn_goldens.implementations.builtin import BUILTIN, built_in, require_packages
from rnn_goldens.implementations.differentiation import with_gradients
from rnn_goldens.implementations.network_construction import is_of, positional
from rnn_goldens.implementations.recurrence_function import FunctionOfArrays, name_of
from rnn_goldens.programs.command import MARK, find_command, is_command
from rnn_goldens.programs.program import TIME_LIMIT, Program
from rnn_goldens.user_code import import_object

Implementation = Callable[[Inputs], tuple[Any, ...]]

STEP_ARGUMENTS = 3

RESET = "reset_states"
"""The method of an implementation that keeps states between calls: the next call starts anew."""

NO_GRADIENTS_IN_ONNX = "ONNX Runtime computes outputs but no gradients"

BY_NAME_ONLY = ("paddle", "mindspore", "mlx", "equinox")
"""Frameworks whose layers have torch's names but different arguments and weights."""


@dataclass(frozen=True)
class Networks:
    """What runs a user's network for a golden: the functions that return its outputs, and its gradients."""

    run: Callable[[Inputs], Any]
    gradients: Callable[[Inputs], Any]


def adapt(found: object) -> Implementation:
    """Return an implementation, a function ``golden → outputs``, for a user's network; out alone is a tuple of one.

    Args:
        found: a network as in the table above. It receives inputs: a golden without its expected values. If it keeps
            states between calls, it has a method ``reset_states``, which is called before each call that starts anew;
            a class that has it is created without arguments.

    Raises:
        WrongUse: ``found`` is not in the table above.
    """
    found = _created(found)
    by_kind, reset = _by_kind(found), None if isinstance(found, type) else getattr(found, RESET, None)
    is_own = not isinstance(found, Kernel) and str(getattr(found, "__module__", "")).startswith("rnn_goldens.")

    def implementation(golden: Inputs) -> tuple[Any, ...]:
        __tracebackhide__ = True
        inputs = golden.for_implementation() if isinstance(golden, Golden) else golden
        if reset is None and inputs.call.continues:
            raise Unsupported(f"it keeps no states between calls: it has no {RESET}()")
        if is_own and inputs.call.arguments:
            raise Unsupported(f"calls with {', '.join(inputs.call.arguments)}: it has single calls only")
        if reset is not None and not inputs.call.continues:
            reset()
        outputs = by_kind[golden.config.kind].run(inputs)
        return (outputs,) if is_array(outputs) else outputs

    return refusing_what_is_not_implemented(implementation)


def _created(found: object) -> object:
    """Return an object of a class that keeps states between calls; anything else unchanged."""
    is_stateful = isinstance(found, type) and hasattr(found, RESET) and not hasattr(found, "load_state_dict")
    if not isinstance(found, type) or not is_stateful or any(is_of(package, found) for package in ("keras", "flax")):
        return found
    return found()


def adapt_backward(found: object) -> Backward:
    """Return a function that computes the gradients of a user's network, as accepted by ``adapt``, or refuses them."""
    by_kind = _by_kind(_created(found))
    return refusing_what_is_not_implemented(lambda golden: by_kind[golden.config.kind].gradients(golden))


def refusing_what_is_not_implemented(function: Callable[[Inputs], Any]) -> Callable[[Inputs], Any]:
    """Return a function that refuses a golden where a library raises NotImplementedError, with the error's text."""

    def run(golden: Inputs) -> Any:  # noqa: ANN401 - as the function returns it
        __tracebackhide__ = True
        try:
            return function(golden)
        except NotImplementedError as error:
            reason = str(error).strip().partition("\n")[0]
            raise Unsupported(reason or "NotImplementedError without a reason") from error

    return run


def raising(kind: type[Exception], message: str) -> Callable[[Inputs], NoReturn]:
    """Return a function of a golden that raises an error: a new one in each call, as its traceback holds the golden."""

    def run(_: Inputs) -> NoReturn:
        raise kind(message)

    return run


def _by_kind(found: object) -> Mapping[str, Networks]:
    """Return what runs a user's network for a golden, by the kind of the golden."""
    if isinstance(found, str | os.PathLike):
        from rnn_goldens.implementations.onnx_runtime import file_implementation

        file = Networks(file_implementation(os.fspath(found)), raising(Unsupported, NO_GRADIENTS_IN_ONNX))
        return _networks_only("an ONNX file", file)
    if isinstance(found, type):
        own = _of_class(found)
        return _networks_only(found.__name__, Networks(own.run, own.gradients))
    if not callable(found):
        raise WrongUse(f"{found!r} is a {type(found).__name__}, not a function, a class or the path of an .onnx file")
    of_arrays = FunctionOfArrays(found)
    try:
        networks = _of_function(found, of_arrays.cells)
    except WrongUse as error:
        if not of_arrays.resembles_recurrence and of_arrays.least <= STEP_ARGUMENTS:
            raise
        refuse = raising(WrongUse, str(error))
        networks = Networks(refuse, refuse)
    of_recurrences = Networks(of_arrays.run, with_gradients(of_arrays.run))
    return {Config.kind: networks, RecurrenceConfig.kind: of_recurrences, IntegerConfig.kind: networks}


def _networks_only(what: str, networks: Networks) -> Mapping[str, Networks]:
    """Refuse recurrences; ``what`` names the network in the reason."""

    def refuse(golden: Inputs) -> NoReturn:
        needed = "of a golden" if golden.is_integer else "of its arrays"
        raise Unsupported(f"{what} is checked as a network: {golden.cell} needs a function {needed}")

    refused = Networks(refuse, refuse)
    return {Config.kind: networks, RecurrenceConfig.kind: refused, IntegerConfig.kind: refused}


def _of_function(found: Callable[..., Any], cells: Sequence[str]) -> Networks:
    """Return what computes networks by a function; raises WrongUse for one that takes the arrays of recurrences."""
    if cells:
        raise WrongUse(
            f"{name_of(found)} takes the arrays of a recurrence: select its goldens, --cell {','.join(cells)}"
        )
    if any(is_of(package, type(found)) for package in ("torch", "keras", "flax")):
        raise WrongUse(
            f"a {type(found).__name__} that is already created has fixed sizes: name the class, which is created "
            "for each golden, or a function of a golden"
        )
    least, most = positional(found)
    if least == STEP_ARGUMENTS:
        from rnn_goldens.implementations.numpy_cells import of_step

        reason = "a single time step has no gradients: give a function of a golden that returns them by name"
        return Networks(of_step(found), raising(Unsupported, reason))
    if least > 1 or most < 1:
        raise WrongUse(
            f"{getattr(found, '__name__', found)} takes {least} arguments: a function of a golden takes one, "
            "a time step three, (x_t, h, weights)"
        )
    return Networks(found, with_gradients(found))


def _of_class(kind: type) -> Any:  # noqa: ANN401 - of the module that runs it
    """Return an object whose ``run`` and ``gradients`` run networks of a class."""
    for package in BY_NAME_ONLY:
        if is_of(package, kind):
            raise WrongUse(
                f"{kind.__name__} is a class of {package}, which resembles torch's only by name: write a function of a "
                "golden that returns (out, h_n), or (out, h_n, c_n)"
            )
    if is_of("keras", kind):
        from rnn_goldens.implementations.keras import own_layers

        return own_layers(kind)
    if is_of("flax", kind):
        from rnn_goldens.implementations.flax import own_cells

        return own_cells(kind)
    if hasattr(kind, "load_state_dict"):
        from rnn_goldens.implementations.torch_shaped import TorchShaped

        return TorchShaped(kind)
    raise WrongUse(
        f"{kind.__name__} is a class without load_state_dict, and neither a Keras layer nor a Flax cell: "
        "write a function of a golden that returns (out, h_n), or (out, h_n, c_n)"
    )


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
