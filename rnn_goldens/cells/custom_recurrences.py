"""Custom recurrences: functions in the notation with declared arrays, named ``package.module:function``."""

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Any

from rnn_goldens.cells.custom_cells import checked, imported, name_cells, require_named
from rnn_goldens.cells.notation import MATRIX, Term, Units
from rnn_goldens.cells.recurrence_notation import Declaration, Equations
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.recurrence_config import WORDS, RecurrenceConfig
from rnn_goldens.golden.recurrences import HEADS, LANE_AXES, Recurrence
from rnn_goldens.golden.shapes import MAX_STATES, STATE

_ARRAY, _AXIS = "[A-Za-z][A-Za-z0-9_]*", "[A-Za-z][A-Za-z0-9_]*"

_RESERVED = ("offsets", "lengths", "state", "initial_state")
"""Names that no array of a recurrence can have: parameters of implementations."""

_TAKEN = (*(axis for axis in LANE_AXES if axis != HEADS), "batch", "time", "sequences", "past", "width")
"""Axes that have a meaning of their own in built-in recurrences."""

_MOST = 2
"""The number of axes of an array in one lane: rows and columns."""


@dataclass(frozen=True, eq=False)
class CustomRecurrence:
    """The equations of a custom recurrence, with names and axes of its arrays."""

    equations: Equations
    recurrence: Recurrence


def recurrence_of_file(name: str) -> CustomRecurrence:
    """Return the recurrence that a golden file names; raises WrongUse like ``cell_of_file``."""
    require_named(name)
    return custom_recurrence(name)


@lru_cache(maxsize=64)
def custom_recurrence(name: str) -> CustomRecurrence:
    """Return the recurrence that a function defines.

    Arguments after ``*`` are options, with their default values: numbers, or ``scale=None`` for 1 / √d_k.

    Raises:
        WrongUse: the function cannot be imported, has no declaration or a wrong one, raises, or returns something else.
    """
    equations = imported(name)
    declaration = getattr(equations, "declaration", None)
    if not inspect.isfunction(equations) or not isinstance(declaration, Declaration):
        raise WrongUse(
            f"cell {name!r}: declares no arrays: write @recurrence(inputs=…, states=…, outputs=…) of "
            "rnn_goldens.cells.recurrence_notation above the function"
        )
    name_cells([name])  # callers have the name from the user
    if problem := next(_problems(declaration, equations), None):
        raise WrongUse(f"cell {name!r}: {problem}")
    recurrence = Recurrence(
        (inspect.getdoc(equations) or name.partition(":")[2]).splitlines()[0],
        name,
        dict(declaration.inputs),
        dict(declaration.states),
        dict(declaration.outputs),
        dict(declaration.weights),
        tuple(name for name in declaration.states if declaration.compared is None or name in declaration.compared),
        _options(equations),
    )
    found = CustomRecurrence(equations, recurrence)
    checked(name, lambda: _check_terms(found, None))
    return found


def require_sizes_fit(name: str, config: RecurrenceConfig) -> None:
    """Raise WrongUse if the equations combine terms whose sizes do not go together in a configuration."""
    checked(name, lambda: _check_terms(custom_recurrence(name), config))


def _check_terms(of: CustomRecurrence, config: RecurrenceConfig | None) -> None:
    """Run the equations on terms, with known sizes if there is a configuration."""
    recurrence = of.recurrence
    terms, constants = sized_terms(recurrence, config)
    returned: Any = of.equations(**terms, **constants)
    if not (isinstance(returned, tuple) and len(returned) == len(("outputs", "states"))):
        raise TypeError("return two tuples: the outputs, and the states after the step")
    for kind, found, wanted in zip(("output", "state"), returned, (recurrence.outputs, recurrence.states), strict=True):
        if not isinstance(found, tuple) or len(found) != len(wanted):
            raise TypeError(f"return a tuple of {kind}s, one for each of {', '.join(wanted)}")
        for (name, axes), term in zip(wanted.items(), found, strict=True):
            if not isinstance(term, Term) or term.primitive == "constant":
                raise TypeError(f"{kind} {name} must be a term that depends on an input or a state, not a number")
            if config is not None and term.units != (size := _units(axes, config)):
                raise TypeError(f"{kind} {name} is {term.units}, rows and columns, but {axes} are {size}")


def sized_terms(of: Recurrence, config: RecurrenceConfig | None) -> tuple[dict[str, Term], dict[str, Any]]:
    """Return the arguments of equations in one lane, with their sizes if there is a configuration, and the options."""
    arguments = {**of.inputs, **of.weights, **of.states}
    terms = {name: Term("input", units=_units(axes, config)) for name, axes in arguments.items()}
    return terms, {name: 1 if value is None else value for name, value in of.options.items()}


def _units(axes: str, config: RecurrenceConfig | None) -> Units:
    if config is None:
        return MATRIX
    sizes = [config[axis] for axis in axes.split() if axis != HEADS]
    return (*sizes, 1, 1)[0], (*sizes, 1, 1)[1]


def _options(equations: Any) -> dict[str, Any]:  # noqa: ANN401 - a function
    parameters = inspect.signature(equations).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def _problems(declared: Declaration, equations: Any) -> Iterator[str]:  # noqa: ANN401 - a function
    """Yield what is wrong with a declaration."""
    kinds: Mapping[str, Mapping[str, str]] = {
        "input": declared.inputs,
        "weight": declared.weights,
        "state": declared.states,
        "output": declared.outputs,
    }
    for kind, arrays in kinds.items():
        if not isinstance(arrays, Mapping) or not (arrays or kind == "weight"):
            yield f"declares no {kind}: {kind}s are a mapping from names to axes"
            return
        for name, axes in arrays.items():
            yield from _problems_of_array(kind, name, axes)
    names = [name for arrays in kinds.values() for name in arrays]
    every = [*names, *(f"{state}{end}" for state in declared.states for end in ("0", "_n"))]
    if twice := [name for name in every if every.count(name) > 1]:
        yield f"declares {twice[0]} twice"
    if len(declared.states) > MAX_STATES:
        yield f"declares {len(declared.states)} states, but can have {MAX_STATES}"
    if len(declared.outputs) > 1:
        yield f"declares {len(declared.outputs)} outputs, but can have one: stack them to the rows of one"
    if isinstance(declared.compared, str):
        yield f"compared is {declared.compared!r}, but must be a list of states"
    if unknown := [state for state in declared.compared or () if state not in declared.states]:
        yield f"compares {unknown[0]}, which is not a state"
    if any(HEADS in axes.split() for arrays in kinds.values() for axes in arrays.values()):
        for name, axes in {**declared.states, **declared.outputs}.items():
            if axes.split()[0] != HEADS:
                yield f"{name} has no {HEADS}: states and outputs need them where another array has them"
    sizes = {axis for arrays in kinds.values() for axes in arrays.values() for axis in axes.split()}
    yield from _problems_of_arguments([*declared.inputs, *declared.weights, *declared.states], sizes, equations)


def _problems_of_array(kind: str, name: str, axes: str) -> Iterator[str]:
    pattern = STATE if kind in ("state", "output") else _ARRAY
    if not isinstance(name, str) or not re.fullmatch(pattern, name) or name in _RESERVED:
        letters = "letters only" if kind in ("state", "output") else "letters, digits and _"
        yield f"{name!r} is no name of {'an' if kind[0] in 'io' else 'a'} {kind}: {letters}, and not a reserved name"
    parts = axes.split() if isinstance(axes, str) else []
    own = parts[1:] if parts[:1] == [HEADS] else parts
    if not parts or len(own) > _MOST or HEADS in own or not all(re.fullmatch(_AXIS, axis) for axis in own):
        yield f"{name} is declared as {axes!r}; axes are {HEADS!r} and up to two sizes, such as 'heads d_k d_v', or 'd'"
    if taken := [axis for axis in own if axis in _TAKEN]:
        yield f"{name} has the axis {taken[0]}, which has another meaning: choose another name"


def _problems_of_arguments(
    arrays: list[str],
    sizes: set[str],
    equations: Any,  # noqa: ANN401 - a function
) -> Iterator[str]:
    if inspect.iscoroutinefunction(equations) or inspect.isasyncgenfunction(equations):
        yield "must not be an async function: write def, not async def"
    parameters = inspect.signature(equations).parameters.values()
    taken = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    if sorted(taken) != sorted(arrays) or len(taken) + len(_options(equations)) != len(parameters):
        yield f"takes ({', '.join(map(str, parameters))}), but declares {', '.join(arrays)}"
    for name, value in _options(equations).items():
        if name in (*WORDS, *_TAKEN, *_RESERVED, *sizes, *arrays, *(f"{array}0" for array in arrays)):
            yield f"the option {name} has another meaning: choose another name"
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
        if not is_number and not (name == "scale" and value is None and "d_k" in sizes):
            yield f"the option {name} needs a number as its default; scale=None, which is 1 / √d_k, needs the axis d_k"
