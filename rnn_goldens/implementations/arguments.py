"""Finds the arguments that a user's class accepts, and refuses goldens that it cannot represent."""

import inspect
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.golden.built_in_cells import CELLS


def accepted(
    name: str, function: Callable[..., Any], wanted: Mapping[str, Any], needless: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments to call a function with.

    Args:
        name: the function's name for messages.
        function: the function.
        wanted: arguments by name.
        needless: values that a function is assumed to use if it lacks the argument; equal arguments are left out.

    Raises:
        Unsupported: the function does not accept an argument whose value matters.
    """
    taken = takes(function)
    for argument, value in wanted.items():
        if taken is not None and argument not in taken and needless.get(argument, ...) != value:
            raise Unsupported(f"{name} takes no {argument}")
    return accepted_only(function, wanted)


def accepted_only(function: Callable[..., Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that a function accepts, and leave out the others."""
    taken = takes(function)
    return {argument: value for argument, value in wanted.items() if taken is None or argument in taken}


def require_no_more(name: str, constructor: Callable[..., Any], known: Collection[str]) -> None:
    """Raise WrongUse if a constructor requires an argument that a golden does not provide."""
    for parameter in inspect.signature(constructor).parameters.values():
        variable = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if parameter.default is parameter.empty and not variable and parameter.name not in known:
            raise WrongUse(
                f"{name} needs the argument {parameter.name!r}, which goldens do not provide: write a function of a "
                f"golden, or give the argument a default; known arguments: {', '.join(known)}"
            )


def most_positional(function: Callable[..., Any]) -> float:
    """Return the maximum number of positional arguments of a function."""
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return math.inf
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


def takes(function: Callable[..., Any]) -> frozenset[str] | None:
    """Return the names of the arguments of a function or class; None if it accepts any.

    If a class accepts ``**kwargs``, the arguments of its base classes are added. A framework's own class accepts any.
    """
    names: set[str] = set()
    for made_by in _constructors(function) if isinstance(function, type) else [function]:
        parameters = inspect.signature(made_by).parameters.values()
        names |= {p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
        if all(p.kind is not p.VAR_KEYWORD for p in parameters):
            return frozenset(names - {"self"})
    return None


def _constructors(kind: type) -> Iterator[Callable[..., Any]]:
    """Yield the constructors of a class and its bases, up to the first base of a framework."""
    for base in kind.__mro__:
        if base.__module__.partition(".")[0] in ("torch", "keras", "flax", "builtins"):
            return
        if "__init__" in vars(base):
            yield vars(base)["__init__"]


def require_gates(name: str, golden: Inputs, rows: int) -> None:
    """Refuse a golden whose cell has another number of gates than the rows of a recurrent matrix imply.

    Raises:
        Unsupported: the numbers differ; the message has both.
    """
    gates, wanted = rows / golden.network.hidden_size, len(golden.layout.gates)
    if gates != wanted:
        raise Unsupported(f"{name} has {gates:g} blocks of weights, {golden.cell} has {wanted}")


def require_cell(golden: Inputs, library: str, cells: Collection[str] = CELLS) -> None:
    """Raise Unsupported for a golden whose cell is not among the cells of a library."""
    if golden.cell not in cells:
        raise Unsupported(f"{library} has no cell {golden.cell}")


def takes_state(name: str, call: Callable[..., Any], state: object) -> bool:
    """Return whether a call accepts an initial state as its second argument.

    Raises:
        Unsupported: the call does not, and the golden has an initial state.
    """
    is_accepted = takes(call) is None or most_positional(call) > 1
    if state is not None and not is_accepted:
        raise Unsupported(f"{name} takes no initial state as its second argument")
    return is_accepted
