"""What a user's class takes of a golden's configuration, and what it can not be asked."""

import inspect
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import Unsupported, WrongUse


def accepted(
    name: str, function: Callable[..., Any], wanted: Mapping[str, Any], needless: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments to call a function with.

    Args:
        name: what the function is called in a message.
        function: it.
        wanted: arguments by name.
        needless: values that an argument need not be taken for, because they say nothing.

    Raises:
        Unsupported: the function does not take an argument whose value matters.
    """
    taken = takes(function)
    if taken is None:
        return dict(wanted)
    for argument, value in wanted.items():
        if argument not in taken and needless.get(argument, ...) != value:
            raise Unsupported(f"{name} takes no {argument}")
    return {argument: value for argument, value in wanted.items() if argument in taken}


def require_no_more(name: str, constructor: Callable[..., Any], known: Collection[str]) -> None:
    """Raise WrongUse if a constructor needs an argument that is not among those it can be given."""
    for parameter in inspect.signature(constructor).parameters.values():
        variable = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if parameter.default is parameter.empty and not variable and parameter.name not in known:
            raise WrongUse(
                f"{name} needs {parameter.name!r} to be made, which no golden gives: write a function of a golden, or "
                f"give it a default; known are {', '.join(known)}"
            )


def most_positional(function: Callable[..., Any]) -> float:
    """How many arguments a function can be given by position."""
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return math.inf
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


def takes(function: Callable[..., Any]) -> frozenset[str] | None:
    """The names of a function's arguments, or of a class's; None if it takes any.

    What a class passes on by ``**more`` is what the user's class above it takes; a framework's own takes any.
    """
    names: set[str] = set()
    for made_by in _constructors(function) if isinstance(function, type) else [function]:
        parameters = inspect.signature(made_by).parameters.values()
        names |= {p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
        if all(p.kind is not p.VAR_KEYWORD for p in parameters):
            return frozenset(names - {"self"})
    return None


def _constructors(kind: type) -> Iterator[Callable[..., Any]]:
    """The constructors of a class and of those above it, as far as they are the user's."""
    for base in kind.__mro__:
        if base.__module__.partition(".")[0] in ("torch", "keras", "flax", "builtins"):
            return
        if "__init__" in vars(base):
            yield vars(base)["__init__"]


def require_gates(name: str, golden: Question, rows: int) -> None:
    """Refuse a golden whose cell has another number of gates than the rows of a recurrent matrix show.

    Raises:
        Unsupported: with both numbers.
    """
    gates, wanted = rows / golden.config.hidden_size, len(golden.layout.gates)
    if gates != wanted:
        raise Unsupported(f"{name} has {gates:g} blocks of weights, {golden.cell} has {wanted}")


def require_ours(golden: Question, library: str) -> None:
    """Refuse a golden whose cell is of someone's own. Raises Unsupported, with the library that has no such cell."""
    if golden.own_layout is not None:
        raise Unsupported(f"{library} has no cell {golden.cell}")


def takes_state(name: str, call: Callable[..., Any], state: object) -> bool:
    """Return whether a call takes an initial state as its second argument.

    Raises:
        Unsupported: it takes none, and one is given.
    """
    is_so = takes(call) is None or most_positional(call) > 1
    if state is not None and not is_so:
        raise Unsupported(f"{name} takes no initial state as its second argument")
    return is_so
