"""A user's function as an implementation of a recurrence. The names of its parameters decide what it receives.

docs/implementations.md lists the parameters and their arguments, the goldens that are refused, what the function may
return, and whose arrays it takes. For the last state of sLSTM it may return all four. A
function with one required parameter, and none named after an array, receives the inputs object, as for networks.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.conventions.kernel_convention import OF_LAYOUT, OFFSETS, Kernel
from rnn_goldens.conventions.kernels import PLAIN, kernel_conventions
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.golden.call import ARGUMENTS
from rnn_goldens.golden.recurrences import BY_HEAD, BY_KEY, RECURRENCES, Recurrence
from rnn_goldens.implementations.array_library import JAX, MLX, NUMPY, ROOTS, Library, Make, library_that_defines
from rnn_goldens.implementations.differentiation import TracedInputs
from rnn_goldens.implementations.kernel_arrays import KernelArrays

STATES = ("state", "initial_state")
"""Parameters that receive the initial state whatever its name is, or the tuple of several."""

_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)

_WRITTEN = {**ROOTS, "jnp": JAX, "mx": MLX, "np": NUMPY, "NDArray": NUMPY}
"""The library of the first part of an annotation, such as ``torch.Tensor``; NumPy 2.5 has no module in ``NDArray``."""

_FIRST_PART = re.compile(r"(?<![\w.])(NDArray\b|[A-Za-z_]\w*(?=\.))")

_RESEMBLING = 2
"""The number of arrays and states of a recurrence that a function must name to be taken for a function of it."""

_WITH_SNAPSHOTS = 3
"""The number of outputs of a function that takes snapshots, which may be None in a call that does not ask for them."""


def _innermost(function: Any) -> Any:  # noqa: ANN401 - anything that can be called
    """Return the function inside ``functools.partial``, declarations of kernels, and decorators."""
    while isinstance(function, partial | Kernel):
        function = function.func if isinstance(function, partial) else function.function
    return inspect.unwrap(function)


def name_of(function: Callable[..., Any]) -> str:
    """Return a function's name for messages."""
    function = _innermost(function)
    return str(getattr(function, "__name__", type(function).__name__))


def parameters_of(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of a function by name."""
    return _signature(function).parameters


def names_of(of: Recurrence) -> tuple[str, ...]:
    """Return the names of parameters that have a meaning for a recurrence."""
    return (*_arrays(of), *_where_needed(of))


def _signature(function: Any) -> inspect.Signature:  # noqa: ANN401 - anything that can be called
    """Return the signature of a function, with annotations as objects if they can be evaluated."""
    is_module = not inspect.isroutine(function) and hasattr(function, "forward")  # torch's calls accept any argument
    for eval_str in (True, False):  # an annotation may name something that only a type checker imports
        with suppress(Exception):
            return inspect.signature(function.forward if is_module else function, eval_str=eval_str)
    return inspect.Signature([inspect.Parameter("golden", inspect.Parameter.POSITIONAL_ONLY)])  # of an extension


def _globals(function: Any) -> Mapping[str, object]:  # noqa: ANN401
    """Return the names of the module that defines a function, or the class of a callable object."""
    function = _innermost(function)
    if not inspect.isroutine(function):
        called = getattr(type(function), "forward", type(function).__call__)  # of torch's modules, of other objects
        function = inspect.unwrap(called)
    found: Mapping[str, object] = getattr(getattr(function, "__func__", function), "__globals__", {})
    return found


def _arrays(of: Recurrence) -> tuple[str, ...]:
    """Return the names of the inputs and weights that every golden of a recurrence has."""
    return (*(name for name in of.inputs if name not in of.conditional), *of.weights)


def _where_needed(of: Recurrence) -> tuple[str, ...]:
    """Return the other names of parameters that have a meaning for a recurrence."""
    return (*STATES, *of.layout.initial, *of.conditional, *of.options, OFFSETS, *ARGUMENTS)


class FunctionOfArrays:
    """A user's function, and what its parameters say about the recurrences that it computes."""

    def __init__(self, function: Callable[..., Any], cell: str = "") -> None:
        given, declared = function, function.conventions if isinstance(function, Kernel) else None
        function = function.function if isinstance(function, Kernel) else function
        signature, bound = _signature(function), function.keywords if isinstance(function, partial) else {}
        self._function, self._annotations = function, [p.annotation for p in signature.parameters.values()]
        parameters = [p for p in signature.parameters.values() if p.name not in bound]
        self._signature = signature.replace(parameters=parameters)
        optional = [p.name for p in parameters if p.default is not p.empty]
        conventions = declared or kernel_conventions(self._signature.parameters, _package(function), optional)
        self.convention = next((one for one in conventions if cell in one.cells), conventions[0])
        others = () if cell else (name for one in conventions[1:] for name in one.cells)
        self._of_cells = {name: FunctionOfArrays(given, name) for name in others if name not in self.convention.cells}
        takes_keywords = any(p.kind is p.VAR_KEYWORD for p in parameters)
        further = (*(self.convention.keywords if takes_keywords else ()), *self.convention.carried)
        self._names = {self.convention.ours(name) for name in (*self._signature.parameters, *further)}
        self._takes_others = takes_keywords and declared is None and self.convention.library == PLAIN.library
        self._needed = [p.name for p in parameters if p.default is p.empty and p.kind not in _VARIABLE]
        self._has_positional = any(p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in parameters)

    def run(self, golden: Inputs) -> Any:  # noqa: ANN401 - as the user's function returns it
        """Return what the function returns for the inputs of a recurrence."""
        __tracebackhide__ = True
        if other := self._of_cells.get(golden.cell):
            return other.run(golden)
        is_named = self._named_after(golden.recurrence.recurrence) | self._names & {*STATES}
        if self._has_positional and len(self._needed) <= 1 and not is_named:
            return self._function(golden)
        library = self.library
        with library.in_precision(golden):
            found = self._called(golden, library)
        if not isinstance(golden, TracedInputs):
            library.limit_cache()
        return found

    def _called(self, golden: Inputs, library: Library) -> Any:  # noqa: ANN401
        """Return what the function returns, in our layout."""
        __tracebackhide__ = True
        self._require_supported(golden)
        make = library.maker(golden.dtype)
        kernel = KernelArrays(self.convention, golden, library, make, STATES)

        def call(values: Mapping[str, Any]) -> Any:  # noqa: ANN401
            __tracebackhide__ = True
            arguments = self._arguments(golden, values)
            found = self._function(*arguments.args, **arguments.kwargs)
            has_none = isinstance(found, tuple | list) and len(found) == _WITH_SNAPSHOTS and found[-1] is None
            return found[:-1] if has_none and "snapshot_every" in self._names else found

        return kernel.call(call, kernel.given(_values(golden, make, library)))

    @property
    def library(self) -> Library:
        """The library of the first parameter annotated with a library's type; else the one that the module imports.

        Otherwise NumPy. Raises WrongUse if there are no annotations, and the function's module imports torch and JAX.
        """
        texts = [one if isinstance(one, str) else inspect.formatannotation(one) for one in self._annotations]
        names = (name for text in texts for name in _FIRST_PART.findall(text))
        if annotated := next((_WRITTEN[name] for name in names if name in _WRITTEN), None):
            return annotated
        kinds = (inspect.ismodule, inspect.isclass, inspect.isroutine)
        values = (value for value in _globals(self._function).values() if any(is_kind(value) for is_kind in kinds))
        found = {library for value in values if (library := library_that_defines(value))} - {NUMPY}
        if len(found) > 1:
            raise WrongUse(
                f"the module of {name_of(self._function)} imports torch and JAX: annotate a parameter with the type "
                "of its array, as in q: torch.Tensor, q: jax.Array or q: np.ndarray"
            )
        return found.pop() if found else NUMPY

    @property
    def least(self) -> int:
        """The smallest number of arguments."""
        return len(self._needed)

    @property
    def cells(self) -> list[str]:
        """The recurrences that the function can be called for."""
        known = {cell: self._of_cells.get(cell, self) for cell in (*self.convention.cells, *self._of_cells)}
        of_cells = [(cell, function, RECURRENCES[cell]) for cell, function in known.items()]
        able = [cell for cell, function, of in of_cells if not (function._lacking(of) or function._unknown(of))]
        return able if self.resembles_recurrence else []

    @property
    def resembles_recurrence(self) -> bool:
        """Whether parameters are named after arrays of a recurrence, or the function takes only ``**others``."""
        if self._takes_others and len(self._names) == 1:
            return True
        least = _RESEMBLING - bool(self._names & {*STATES})
        return any(len(self._named_after(of)) >= least for of in RECURRENCES.values())

    def _named_after(self, of: Recurrence) -> set[str]:
        """Return the parameters that are named after arrays or initial states of a recurrence."""
        return self._names & {*_arrays(of), *of.layout.initial}

    def _lacking(self, of: Recurrence) -> list[str]:
        """Return the inputs and weights that the function has no parameter for."""
        return [] if self._takes_others else [name for name in _arrays(of) if name not in self._names]

    def _unknown(self, of: Recurrence) -> list[str]:
        """Return the parameters without a default that a recurrence has no argument for."""
        known = (*names_of(of), *self.convention.flags, *OF_LAYOUT, self.convention.layout.slots)
        return [name for name in self._needed if self.convention.ours(name) not in known]

    def _arguments(self, golden: Inputs, values: Mapping[str, Any]) -> inspect.BoundArguments:
        """Return the arguments of the function, given those by our names and by those of its layout."""
        initial, layout = {*golden.layout.initial}, self.convention.layout
        absent = set() if golden.given_states or layout.in_place or layout.is_by_step else {*initial, *STATES}
        not_asked = {name for name in ARGUMENTS if values[name] is None}
        absent |= not_asked | ({OFFSETS} if values[OFFSETS] is None else set())
        parameters = self._signature.parameters.values()
        taken = {p.name for p in parameters if p.kind is not p.VAR_KEYWORD}
        others = values.keys() - taken - not_asked - {*STATES} - (initial if taken & {*STATES} else set())
        found, convention = dict[str, Any](), self.convention
        further = {name: convention.value(name, values) for name in convention.keywords if name not in taken}
        for parameter in parameters:
            if parameter.kind is parameter.VAR_KEYWORD:
                of_plain = {other: value for other, value in values.items() if other in others}
                found[parameter.name] = of_plain if self._takes_others else further
            elif parameter.name in (*convention.flags, *convention.values) or (
                (ours := self._received(parameter.name, values.get("decay"))) in values
                and (parameter.default is parameter.empty or ours not in absent)
            ):
                found[parameter.name] = convention.value(parameter.name, values)
        return inspect.BoundArguments(self._signature, found)

    def _received(self, parameter: str, decay: str | None) -> str:
        """Return our name of what a parameter receives; "" for a decay that another parameter receives."""
        ours, by_key = self.convention.ours(parameter), self.convention.by_key
        if ours == "g" and by_key in self._signature.parameters and (parameter == by_key) != (decay == BY_KEY):
            return ""
        return ours

    def _require_supported(self, golden: Inputs) -> None:
        name, library = name_of(self._function), self.convention.library
        self._require_names(name, golden.cell, golden.recurrence.recurrence)
        if refused := next(self._refused(golden), None):
            is_embedded = refused == "scale" and golden.embedding is not None
            hint = f": with {golden.embedding} the default is another one" if is_embedded else ""
            raise Unsupported(f"{name} has no parameter {refused}{hint}")
        needed = {self.convention.ours(parameter) for parameter in self._needed}
        if absent := [one for one in golden.recurrence.recurrence.conditional if one in needed - {*golden.inputs}]:
            raise Unsupported(f"{name} needs {absent[0]}, which the golden does not have: give the parameter a default")
        decay = _options(golden).get("decay")
        if lacking := next(self.convention.refused(name, golden.features, decay), None):
            raise Unsupported(f"{name}, of {library}, does not have {lacking}")

    def _require_names(self, name: str, cell: str, of: Recurrence) -> None:
        lacking, unknown = self._lacking(of), self._unknown(of)
        problems = [f"has no parameter {', '.join(lacking)}"] if lacking else []
        problems += [f"needs {', '.join(unknown)}, which {cell} does not have"] if unknown else []
        if problems:
            others = ", ".join(other for other in _where_needed(of) if other != STATES[1])
            names = json.dumps(dict(zip(unknown, lacking, strict=False)))
            declared = f". To declare other names: rnn_goldens.kernel({name}, names={names})"
            raise WrongUse(
                f"{name} {' and '.join(problems)}: parameters of {cell} are {', '.join(_arrays(of))}; "
                f"where needed {others}; any other needs a default" + (declared if unknown and lacking else "")
            )

    def _refused(self, golden: Inputs) -> Iterator[str]:
        """Yield what a golden has and the function has no parameter for."""
        if self._takes_others:
            return
        initial, options = golden.layout.initial, _options(golden)
        if golden.given_states and not self._names & {*STATES}:
            missing = (state for state in initial if state not in self._names)
            yield from (f"state or {state}" if len(initial) == 1 else state for state in missing)
        given = {*self._names, *(("scale",) if self.convention.layout.scale == "one" else ())}
        of = golden.recurrence.recurrence
        yield from (name for name in of.conditional if name in golden.inputs and name not in self._names)
        for option, default in of.options.items():
            of_golden = _default_scale(golden) if option == "scale" and default is None else default
            if option not in (*given, *of.conditional.values(), "decay") and options[option] != of_golden:
                yield option
        if golden.offsets is not None and OFFSETS not in self._names:
            yield OFFSETS
        slots = ("state_indices",) if self.convention.layout.slots else ()
        yield from (name for name in golden.call.arguments if name not in (*self._names, *slots))


def _package(function: Any) -> str:  # noqa: ANN401 - anything that can be called
    """Return the top-level package that defines a function; "" if it does not say."""
    return str(getattr(_innermost(function), "__module__", None) or "").partition(".")[0]


def _values(golden: Inputs, make: Make, library: Library) -> dict[str, Any]:
    """Return the argument for each known name of a parameter."""
    of_call = {n: library.asarray(v) if hasattr(v, "dtype") else v for n, v in golden.call.arguments.items()}
    arrays = {**golden.inputs, **golden.weights, **golden.states}
    made = {name: make(array) for name, array in arrays.items()}
    whole = tuple(made[name] for name in golden.states)
    return {
        **made,
        **dict.fromkeys(STATES, whole if len(whole) > 1 else whole[0]),
        **_options(golden),
        OFFSETS: None if golden.offsets is None else make(golden.offsets),
        **dict.fromkeys(ARGUMENTS),
        **of_call,
    }


def _default_scale(golden: Inputs) -> float | None:
    return float(golden.config["d_k"] ** -0.5) if "d_k" in golden.config else None


def _options(golden: Inputs) -> dict[str, Any]:
    """Return the options of a recurrence: numbers or words; and what its decay is for, if it has no option for that."""
    config = golden.recurrence
    found = {name: config.option(name) for name in config.recurrence.options}
    if "scale" in found and found["scale"] is None:
        found["scale"] = _default_scale(golden)
    if "g" in config.inputs:
        found.setdefault("decay", BY_KEY if "d_k" in config.inputs["g"] else BY_HEAD)
    return found
