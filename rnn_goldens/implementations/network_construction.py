"""Constructs a network of a user's class, of any framework, with the arguments it takes; one instance for all calls.

The batch axis of unbatched goldens is added for a network that needs one, and removed from its outputs.
"""

import inspect
import math
import textwrap
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import RnnGoldensError, Unsupported, WrongUse
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.shapes import BATCH

Network = TypeVar("Network")


def is_of(package: str, kind: type) -> bool:
    """Return whether a class is defined in a package, or derived from a class of the package."""
    return any(base.__module__.partition(".")[0] == package for base in kind.__mro__)


def accepted(kind: type, wanted: Mapping[str, Any], needless: Mapping[str, Any]) -> dict[str, Any]:
    """Return the wanted arguments of a user's class that it accepts; raises Unsupported if another one matters.

    ``needless`` has values that a class is assumed to use if it lacks the argument: they do not matter.
    """
    taken = takes(kind)
    for argument, value in wanted.items():
        if taken is not None and argument not in taken and needless.get(argument, ...) != value:
            raise Unsupported(f"{kind.__name__} takes no {argument}")
    return accepted_only(kind, wanted)


def selecting(golden: Inputs, kind: type, of_cells: Mapping[str, tuple[Any, dict[str, Any]]]) -> Mapping[str, Any]:
    """Return which of the arguments that select a golden's cell a class needs: those that it accepts, and relu."""
    _, options = of_cells.get(golden.cell, (None, {}))
    return options if golden.cell == "rnn_relu" else accepted_only(kind, options)


def accepted_only(function: Callable[..., Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that a function accepts, and leave out the others."""
    taken = takes(function)
    return {argument: value for argument, value in wanted.items() if taken is None or argument in taken}


def require_no_more(kind: type, known: Collection[str]) -> None:
    """Raise WrongUse if a class requires an argument that a golden does not provide."""
    for parameter in inspect.signature(kind).parameters.values():
        variable = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if parameter.default is parameter.empty and not variable and parameter.name not in known:
            raise WrongUse(
                f"{kind.__name__} needs the argument {parameter.name!r}, which goldens do not provide: "
                "write a function of a golden, or give the argument a default; "
                f"known arguments: {', '.join(known)}"
            )


def positional(function: Callable[..., Any]) -> tuple[int, float]:
    """Return the minimum and maximum number of positional arguments of a function; one if its signature is unknown."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # built into an extension, without a signature
        return 1, 1
    given = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    is_open = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return sum(p.default is p.empty for p in given), math.inf if is_open else len(given)


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
    """Raise Unsupported if the rows of a recurrent matrix imply another number of gates than the golden's cell has."""
    gates, wanted = rows / golden.network.hidden_size, len(golden.layout.gates)
    if gates != wanted:
        raise Unsupported(f"{name} has {gates:g} blocks of weights, {golden.cell} has {wanted}")


def require_cell(golden: Inputs, library: str, cells: Collection[str] = CELLS) -> None:
    """Raise Unsupported for a golden whose cell is not among the cells of a library."""
    if golden.cell not in cells:
        raise Unsupported(f"{library} has no cell {golden.cell}")


def takes_state(name: str, call: Callable[..., Any], state: object) -> bool:
    """Return whether a call accepts an initial state as its second argument; raises Unsupported if one is needed."""
    is_accepted = takes(call) is None or positional(call)[1] > 1
    if state is not None and not is_accepted:
        raise Unsupported(f"{name} takes no initial state as its second argument")
    return is_accepted


class InstanceCache(Generic[Network]):
    """Creates a network for a golden in a precision, and returns the same network until another golden is passed.

    A network that changes its own state therefore fails. The weights are set once rather than before each call, so that
    a call that changes them affects the next call.
    """

    def __init__(self, make: Callable[[Inputs], Network], set_weights: Callable[[Network, Inputs], None]) -> None:
        """Store the functions; no network is created yet."""
        self._make, self._set_weights = make, set_weights
        self._kept: tuple[tuple[object, ...], Network] | None = None
        self._weights: Mapping[str, NDArray[np.float64]] | None = None

    def __call__(self, golden: Inputs) -> Network:
        """Return the network for a golden, with its weights."""
        __tracebackhide__ = True
        key = (golden.id, golden.cell, golden.network, golden.dtype)
        if self._kept is None or self._kept[0] != key:
            self._kept, self._weights = (key, self._make(golden)), None
        network, before, weights = self._kept[1], self._weights, golden.stored.weights
        if before is None or any(not np.array_equal(before[name], array) for name, array in weights.items()):
            self._weights = None  # until they are set, which may fail
            self._set_weights(network, golden)
            self._weights = weights
        return network


_LONGEST_REASON = 80
"""The largest number of characters of a reason."""


BATCHED = 3
"""The number of axes of x and out with a batch."""


def batched(golden: Inputs, name: str, array: Any) -> Any:  # noqa: ANN401 - an array of any library
    """Return an input, state or output of a golden, or a cotangent, by its name, with a batch axis."""
    if golden.batch_shape:
        return array
    return array[:, None] if _batch_axis(golden, name) else array[None]


def unbatched(golden: Inputs, name: str, array: Any) -> Any:  # noqa: ANN401
    """Return such an array or its gradient, by its name, without the batch axis if the golden is unbatched."""
    if golden.batch_shape:
        return array
    return array[:, 0] if _batch_axis(golden, name) else array[0]


def _batch_axis(golden: Inputs, name: str) -> int:
    """Return which axis is the batch: the first one, or the second one of states."""
    return golden.config.axes(name.removeprefix("d_"), golden.layout, batched=True).index(BATCH)


def outputs(golden: Inputs, found: Sequence[Any]) -> tuple[Any, ...]:
    """Return out, h_n (and c_n) shaped as in the golden."""
    return tuple(unbatched(golden, name, array) for name, array in zip(golden.layout.outputs, found, strict=False))


def called_unbatched(name: str, call: Callable[[Any, Any], Any], x: Any, state: Any) -> Any:  # noqa: ANN401
    """Return the result of a network for an unbatched input (time, input), and its initial state: one, a pair or None.

    ``call`` calls the network, named ``name`` in messages. Raises Unsupported if it accepts only batches: it raises an
    error, or treats the time axis as the batch.
    """
    __tracebackhide__ = True

    def shape_of_one() -> tuple[int, ...]:
        """Return the shape of out for the same input as a batch of one; () if the network raises an error."""
        try:
            if isinstance(state, tuple):
                return _shape(call(x[None], tuple(part[:, None] for part in state)))
            return _shape(call(x[None], None if state is None else state[:, None]))
        except Exception:
            return ()

    try:
        result = call(x, state)
    except (NotImplementedError, Unsupported, RnnGoldensError):  # the implementation's own refusal, or wrong use
        raise
    except Exception as error:
        if len(shape_of_one()) != BATCHED:
            raise
        reason = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise Unsupported(
            f"{name} takes no unbatched input ({textwrap.shorten(reason, _LONGEST_REASON, placeholder=' …')})"
        ) from error
    found = _shape(result)
    if len(found) == BATCHED:
        of_one = shape_of_one()
        if len(of_one) == BATCHED and math.prod(found) != math.prod(of_one):  # equal if it returned a batch of one
            raise Unsupported(f"{name} takes no unbatched input (it treats the time axis as the batch)")
    return result


def _shape(result: Any) -> tuple[int, ...]:  # noqa: ANN401
    """Return the shape of the first output; () if it is not an array."""
    out = result[0] if isinstance(result, tuple | list) and result else result
    return tuple(getattr(out, "shape", ()))
