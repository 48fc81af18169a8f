"""A user's function as an implementation of a recurrence. The names of its parameters decide what it receives.

=============================  ====================================================================================
parameter                      argument
=============================  ====================================================================================
``q``, ``beta``, ``A``, …      the input or weight of this name; a function without one of them is wrong use
``state``, ``initial_state``   the initial state; of sLSTM a tuple, (h0, c0, n0, m0)
``S0``, ``h0``, …              the initial state of this name
``scale``                      a number: 1/√d_k where the golden gives none
``activation``, ``decay``      ``"silu"`` or ``"none"``; ``"head"`` or ``"key"``
``offsets``                    where each packed sequence starts, and the end of the last one
``**others``                   everything above that no other parameter receives; initial states by their own names
=============================  ====================================================================================

Where the golden has no initial state or no packed sequences, a parameter with a default keeps its default; one without
a default receives zeros, or None for ``offsets``. Other parameters need a default.

A golden is refused if it has an initial state, packed sequences, a scale other than 1/√d_k or no activation, and the
function has no parameter for it.

The function returns the outputs in the golden's order, ``(o, state)``, or by name, ``{"o": …, "S_n": …}``; or the
output at each time step alone, if only ``out`` is compared. For the last state of sLSTM it may return all four.

``array_library`` decides whether arrays are those of torch, JAX or NumPy. A function with one required parameter, and
none named after an array, receives the inputs object, as for networks.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.golden.recurrences import RECURRENCE_LAYOUTS, RECURRENCES
from rnn_goldens.implementations.array_library import Make, library_of, name_of
from rnn_goldens.implementations.differentiation import TracedInputs

STATES = ("state", "initial_state")
"""Parameters that receive the initial state whatever its name is, or the tuple of several."""

OFFSETS = "offsets"

_CU_SEQLENS = "cu_seqlens"
"""What many kernels call the offsets."""

_RENAMED = f"; rename {_CU_SEQLENS} to {OFFSETS}"

_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)

_RESEMBLING = 2
"""The number of arrays and states of a recurrence that a function must name to be taken for a function of it."""


def wrap(function: Callable[..., Any]) -> Callable[[Inputs], Any]:
    """Return a function of the inputs of a recurrence, which returns what the user's function returns."""

    def run(golden: Inputs) -> Any:  # noqa: ANN401 - as the user's function returns it
        __tracebackhide__ = True
        parameters = _parameters(function)
        if parameters is None or parameters.take_inputs(golden.cell):
            return function(golden)
        library = library_of(function)
        with library.in_precision(golden):
            arguments = parameters.arguments(name_of(function), golden, library.maker(golden.dtype))
            found = function(*arguments.args, **arguments.kwargs)
        if not isinstance(golden, TracedInputs):
            library.limit_cache()
        return found

    return run


def cells_of(function: Callable[..., Any]) -> list[str]:
    """Return the recurrences that a function can be called for."""
    if (parameters := _parameters(function)) is None or not parameters.resemble_recurrence():
        return []
    other = {_CU_SEQLENS}  # the error for a golden names it
    return [c for c in RECURRENCES if not parameters.lacking(c) and other.issuperset(parameters.unknown(c))]


def resembles_recurrence(function: Callable[..., Any]) -> bool:
    """Return whether parameters of a function are named after arrays of a recurrence, or it takes only ``**others``."""
    parameters = _parameters(function)
    return parameters is not None and parameters.resemble_recurrence()


def _parameters(function: Any) -> "_Parameters | None":  # noqa: ANN401 - anything that can be called
    """Return the parameters of a function, without those that ``functools.partial`` has bound; None if unknown."""
    is_module = not inspect.isroutine(function) and hasattr(function, "forward")  # torch's calls accept any argument
    try:
        signature = inspect.signature(function.forward if is_module else function)
    except (TypeError, ValueError):  # built into an extension
        return None
    bound = function.keywords if isinstance(function, partial) else {}
    return _Parameters(signature.replace(parameters=[p for n, p in signature.parameters.items() if n not in bound]))


def _arrays(cell: str) -> tuple[str, ...]:
    """Return the names of the inputs and weights of a recurrence."""
    return (*RECURRENCES[cell].inputs, *RECURRENCES[cell].weights)


def _others(cell: str) -> tuple[str, ...]:
    """Return the further names of parameters that have a meaning for a recurrence."""
    return (*RECURRENCE_LAYOUTS[cell].initial, *RECURRENCES[cell].options, OFFSETS)


def _arrays_and_states(cell: str) -> set[str]:
    return {*_arrays(cell), *RECURRENCE_LAYOUTS[cell].initial}


@dataclass(frozen=True)
class _Parameters:
    """The parameters of a user's function."""

    signature: inspect.Signature

    @cached_property
    def _names(self) -> set[str]:
        return {*self.signature.parameters}

    @cached_property
    def _take_others(self) -> bool:
        return any(p.kind is p.VAR_KEYWORD for p in self.signature.parameters.values())

    @cached_property
    def _needed(self) -> list[str]:
        """The parameters without a default."""
        parameters = self.signature.parameters.items()
        return [name for name, p in parameters if p.default is p.empty and p.kind not in _VARIABLE]

    def take_inputs(self, cell: str) -> bool:
        """Return whether the function takes the inputs object instead of arrays by name."""
        parameters = self.signature.parameters.values()
        is_positional = any(p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in parameters)
        return is_positional and len(self._needed) <= 1 and not self._names & {*_arrays_and_states(cell), *STATES}

    def resemble_recurrence(self) -> bool:
        """Return whether parameters are named after arrays of a recurrence, or the function takes only others."""
        if self._take_others and len(self._names) == 1:
            return True
        names = self._names - {*STATES}
        least = _RESEMBLING - (len(names) < len(self._names))
        return any(len(names & _arrays_and_states(cell)) >= least for cell in RECURRENCES)

    def lacking(self, cell: str) -> list[str]:
        """Return the inputs and weights that the function has no parameter for."""
        return [] if self._take_others else [name for name in _arrays(cell) if name not in self._names]

    def unknown(self, cell: str) -> list[str]:
        """Return the parameters without a default that a recurrence has no argument for."""
        return [name for name in self._needed if name not in (*_arrays(cell), *STATES, *_others(cell))]

    def arguments(self, name: str, golden: Inputs, make: Make) -> inspect.BoundArguments:
        """Return the arguments of the function, which has this name in messages.

        Raises:
            WrongUse: the function lacks an input or weight, or needs something that the recurrence does not have.
            Unsupported: the golden has something else that the function has no parameter for.
        """
        self._require_names(name, golden.cell)
        if refused := next(self._refused(golden), None):
            hint = _RENAMED if refused == OFFSETS and _CU_SEQLENS in self._names else ""
            raise Unsupported(f"{name} has no parameter {refused}{hint}")
        values = _values(golden, make)
        initial = {*golden.layout.initial}
        absent = set() if golden.given_states else {*initial, *STATES}
        absent |= {OFFSETS} if golden.offsets is None else set()
        parameters = self.signature.parameters.values()
        taken = {p.name for p in parameters if p.kind is not p.VAR_KEYWORD}
        others = values.keys() - taken - {*STATES} - (initial if taken & {*STATES} else set())
        found = dict[str, Any]()
        for parameter in parameters:
            if parameter.kind is parameter.VAR_KEYWORD:
                found[parameter.name] = {other: value for other, value in values.items() if other in others}
            elif parameter.name in values and (parameter.default is parameter.empty or parameter.name not in absent):
                found[parameter.name] = values[parameter.name]
        return inspect.BoundArguments(self.signature, found)

    def _require_names(self, name: str, cell: str) -> None:
        lacking, unknown = self.lacking(cell), self.unknown(cell)
        problems = [f"has no parameter {', '.join(lacking)}"] if lacking else []
        problems += [f"needs {', '.join(unknown)}, which {cell} does not have"] if unknown else []
        if problems:
            raise WrongUse(
                f"{name} {' and '.join(problems)}: parameters of {cell} are {', '.join(_arrays(cell))}; "
                f"where needed {', '.join((STATES[0], *_others(cell)))}; any other needs a default"
                f"{_RENAMED if _CU_SEQLENS in unknown else ''}"
            )

    def _refused(self, golden: Inputs) -> Iterator[str]:
        """Yield what a golden has and the function has no parameter for."""
        if self._take_others:
            return
        initial, options = golden.layout.initial, _options(golden)
        if golden.given_states and not self._names & {*STATES}:
            missing = (state for state in initial if state not in self._names)
            yield from (f"state or {state}" if len(initial) == 1 else state for state in missing)
        for option, default in {"scale": _default_scale(golden), "activation": "silu"}.items():
            if option not in self._names and options.get(option, default) != default:
                yield option
        if golden.offsets is not None and OFFSETS not in self._names:
            yield OFFSETS


def _values(golden: Inputs, make: Make) -> dict[str, Any]:
    """Return the argument for each known name of a parameter."""
    arrays = {**golden.inputs, **golden.weights, **golden.states}
    made = {name: make(array) for name, array in arrays.items()}
    whole = tuple(made[name] for name in golden.states)
    return {
        **made,
        **dict.fromkeys(STATES, whole if len(whole) > 1 else whole[0]),
        **_options(golden),
        OFFSETS: None if golden.offsets is None else make(golden.offsets),
    }


def _default_scale(golden: Inputs) -> float | None:
    return float(golden.config["d_k"] ** -0.5) if "d_k" in golden.config else None


def _options(golden: Inputs) -> dict[str, Any]:
    """Return the options of a recurrence: numbers or words."""
    config = golden.recurrence
    values = {name: config.option(name) for name in config.recurrence.options}
    return {name: _default_scale(golden) if value is None else value for name, value in values.items()}
