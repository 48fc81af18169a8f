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
from functools import partial
from typing import Any

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.golden.recurrences import RECURRENCE_LAYOUTS, RECURRENCES, RecurrenceConfig
from rnn_goldens.implementations.array_library import JAX, Make, library_of, maker, name_of, setting_of
from rnn_goldens.implementations.traced_inputs import TracedInputs

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
        signature = _signature(function)
        if signature is None or _takes_inputs(signature, golden.cell):
            return function(golden)
        library = library_of(function)
        with setting_of(library, golden):
            arguments = _arguments(name_of(function), signature, golden, maker(library, golden.dtype))
            bound = inspect.BoundArguments(signature, arguments)
            found = function(*bound.args, **bound.kwargs)
        if library == JAX and not isinstance(golden, TracedInputs):
            from rnn_goldens.implementations.jax_function import limit_cache

            limit_cache()
        return found

    return run


def cells_of(function: Callable[..., Any]) -> list[str]:
    """Return the recurrences that a function can be called for."""
    if (signature := _signature(function)) is None or not resembles_recurrence(function):
        return []
    other = {_CU_SEQLENS}  # the error for a golden names it
    return [c for c in RECURRENCES if not _lacking(signature, c) and other.issuperset(_unknown(signature, c))]


def resembles_recurrence(function: Callable[..., Any]) -> bool:
    """Return whether parameters of a function are named after arrays of a recurrence, or it takes only ``**others``."""
    if (signature := _signature(function)) is None:
        return False
    if _takes_others(signature) and len(signature.parameters) == 1:
        return True
    names = signature.parameters.keys() - {*STATES}
    least = _RESEMBLING - (len(names) < len(signature.parameters))
    return any(len(names & {*_required(cell), *_initial(cell)}) >= least for cell in RECURRENCES)


def _signature(function: Any) -> inspect.Signature | None:  # noqa: ANN401 - anything that can be called
    """Return the signature without arguments that ``functools.partial`` has bound; None if there is none."""
    is_module = not inspect.isroutine(function) and hasattr(function, "forward")  # torch's calls accept any argument
    try:
        signature = inspect.signature(function.forward if is_module else function)
    except (TypeError, ValueError):  # built into an extension
        return None
    bound = function.keywords if isinstance(function, partial) else {}
    return signature.replace(parameters=[p for name, p in signature.parameters.items() if name not in bound])


def _required(cell: str) -> tuple[str, ...]:
    """Return the names of the inputs and weights of a recurrence."""
    return (*RECURRENCES[cell].inputs, *RECURRENCES[cell].weights)


def _initial(cell: str) -> tuple[str, ...]:
    return RECURRENCE_LAYOUTS[cell].initial


def _known(cell: str) -> tuple[str, ...]:
    """Return every name of a parameter that has a meaning for a recurrence."""
    return (*_required(cell), *_initial(cell), *STATES, *RECURRENCES[cell].options, OFFSETS)


def _takes_inputs(signature: inspect.Signature, cell: str) -> bool:
    """Return whether a function takes the inputs object instead of arrays by name."""
    parameters = signature.parameters.values()
    is_positional = any(p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in parameters)
    needed = [p for p in parameters if p.default is p.empty and p.kind not in _VARIABLE]
    names_an_array = signature.parameters.keys() & {*_required(cell), *_initial(cell), *STATES}
    return is_positional and len(needed) <= 1 and not names_an_array


def _takes_others(signature: inspect.Signature) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())


def _lacking(signature: inspect.Signature, cell: str) -> list[str]:
    """Return the inputs and weights that a function has no parameter for."""
    return [] if _takes_others(signature) else [name for name in _required(cell) if name not in signature.parameters]


def _unknown(signature: inspect.Signature, cell: str) -> list[str]:
    """Return the parameters without a default that a recurrence has no argument for."""
    known = _known(cell)
    return [
        name
        for name, p in signature.parameters.items()
        if p.default is p.empty and p.kind not in _VARIABLE and name not in known
    ]


def _arguments(name: str, signature: inspect.Signature, golden: Inputs, make: Make) -> dict[str, Any]:
    """Return the arguments of a function by parameter, in the order of its parameters.

    Raises:
        WrongUse: the function lacks an input or weight, or needs something that the recurrence does not have.
        Unsupported: the golden has something else that the function has no parameter for.
    """
    _require_names(name, signature, golden.cell)
    if refused := next(_refused(signature, golden), None):
        hint = _RENAMED if refused == OFFSETS and _CU_SEQLENS in signature.parameters else ""
        raise Unsupported(f"{name} has no parameter {refused}{hint}")
    values = _values(golden, make)
    absent = {*(() if golden.given_states else (*_initial(golden.cell), *STATES))}
    absent |= {OFFSETS} if golden.offsets is None else set()
    taken = {p.name for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD}
    found = dict[str, Any]()
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            named = {*taken, *STATES, *(_initial(golden.cell) if taken & {*STATES} else ())}
            found[parameter.name] = {other: value for other, value in values.items() if other not in named}
        elif parameter.name in values and (parameter.default is parameter.empty or parameter.name not in absent):
            found[parameter.name] = values[parameter.name]
    return found


def _require_names(name: str, signature: inspect.Signature, cell: str) -> None:
    lacking, unknown = _lacking(signature, cell), _unknown(signature, cell)
    problems = [f"has no parameter {', '.join(lacking)}"] if lacking else []
    problems += [f"needs {', '.join(unknown)}, which {cell} does not have"] if unknown else []
    if problems:
        others = ", ".join((STATES[0], *_initial(cell), *RECURRENCES[cell].options, OFFSETS))
        raise WrongUse(
            f"{name} {' and '.join(problems)}: parameters of {cell} are {', '.join(_required(cell))}; "
            f"where needed {others}; any other needs a default{_RENAMED if _CU_SEQLENS in unknown else ''}"
        )


def _refused(signature: inspect.Signature, golden: Inputs) -> Iterator[str]:
    """Yield what a golden has and a function has no parameter for."""
    names, initial = signature.parameters.keys(), _initial(golden.cell)
    if _takes_others(signature):
        return
    if golden.given_states and not names & {*STATES}:
        yield from (f"state or {state}" if len(initial) == 1 else state for state in initial if state not in names)
    config = golden.recurrence
    for option, default in {"scale": _default_scale(config), "activation": "silu"}.items():
        if option in config.recurrence.options and option not in names and _option(config, option) != default:
            yield option
    if golden.offsets is not None and OFFSETS not in names:
        yield OFFSETS


def _values(golden: Inputs, make: Make) -> dict[str, Any]:
    """Return the argument for each known name of a parameter."""
    config = golden.recurrence
    states = {name: make(array) for name, array in golden.states.items()}
    whole = tuple(states.values()) if len(states) > 1 else next(iter(states.values()))
    return {
        **{name: make(array) for name, array in {**golden.inputs, **golden.weights}.items()},
        **states,
        **dict.fromkeys(STATES, whole),
        **{name: _option(config, name) for name in config.recurrence.options},
        OFFSETS: None if golden.offsets is None else make(golden.offsets),
    }


def _default_scale(config: RecurrenceConfig) -> float | None:
    return float(config["d_k"] ** -0.5) if "scale" in config.recurrence.options else None


def _option(config: RecurrenceConfig, name: str) -> Any:  # noqa: ANN401 - a number or a word
    value = config.option(name)
    return _default_scale(config) if value is None else value
