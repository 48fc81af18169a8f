"""Custom cells: functions in the notation, named ``package.module:function``.

A golden file alone must not cause the import of a user's equations, those of recurrences included.
"""

import inspect
import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from typing import Any

from rnn_goldens.cells.notation import Matrix, Term, Weight
from rnn_goldens.cells.step_program import BUILT_IN_CELLS, Cell
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.shapes import MAX_STATES, STACKED, STATE, Config, Layout, axis_sizes, in_file_order
from rnn_goldens.user_code import error_text, import_object

_ALLOWED: set[str] = set()


def name_cells(names: Iterable[str]) -> None:
    """Allow the import of these cells and recurrences, which the user named."""
    _ALLOWED.update(names)


def named_cells() -> tuple[str, ...]:
    """Return the cells and recurrences that the user named."""
    return tuple(sorted(_ALLOWED))


def require_named(name: str) -> None:
    """Raise WrongUse if the user did not name a cell that a golden file names: a file must not cause imports."""
    if name not in _ALLOWED:
        raise WrongUse(
            f"cell {name!r}: a golden file cannot cause an import; to use its equations, name the cell: "
            f"--cell={name}, or cell={name!r} in the marker or in select"
        )


def imported(name: str) -> Any:  # noqa: ANN401 - any object
    """Return the object that a name refers to. Raises WrongUse if it cannot be imported."""
    try:
        return import_object(name, f"cell {name!r}")
    except (KeyboardInterrupt, WrongUse):
        raise
    except BaseException as error:  # including SystemExit
        module = name.partition(":")[0]
        raise WrongUse(f"cell {name!r}: {module} cannot be imported:\n{error_text(error)}") from None


def checked(name: str, run: Callable[[], Any]) -> Any:  # noqa: ANN401 - what it returns
    """Run equations and return the result; if they fail, raise WrongUse with the line that failed."""
    try:
        return run()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # including SystemExit
        code = imported(name).__code__
        file, first = code.co_filename, code.co_firstlineno
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
        place = f"line {lines[-1]}: {type(error).__name__}: {error}" if lines else f"line {first}: {error}"
        raise WrongUse(f"cell {name!r}: {file}, {place}") from None


_FIRST = "h"
"""The name of the first state of a cell, which is its output."""


def cell_named(name: str) -> Cell:
    """Return a built-in or custom cell by name. Raises WrongUse like ``custom_cell``."""
    return BUILT_IN_CELLS[name] if name in BUILT_IN_CELLS else custom_cell(name)


def cell_of_file(name: str) -> Cell:
    """Return the cell that a golden file names; raises WrongUse as ``custom_cell``, or if the user did not name it."""
    require_named(name)
    return custom_cell(name)


@lru_cache(maxsize=64)
def custom_cell(name: str) -> Cell:
    """Return the cell that a function defines.

    The gates are in the order in which the equations first use them. A weight that is not ``W_i?``,
    ``W_h?``, ``b_i?`` or ``b_h?`` is a vector of shape (hidden,), unless the function is decorated with ``declare``.
    Each argument between x and w is a state. The first is h; the name of a further one is that of the argument.

    Raises:
        WrongUse: the function cannot be imported, raises, or does not define a cell.
    """
    equations = imported(name)
    if hasattr(equations, "declaration"):
        raise WrongUse(
            f"cell {name!r}: is declared as a recurrence, not as a cell of a network: RecurrenceScenario takes it, and "
            "fuzzing draws networks only"
        )
    name_cells([name])  # callers have the name from the user
    states = _states(name, equations)
    used = _WeightRecorder(_declared(name, equations))
    checked(name, lambda: equations(*(Term("input") for _ in ("x", *states)), used))
    if not used.gates:
        raise WrongUse(f"cell {name!r}: uses no weights such as w.W_ih, w.W_hh, w.b_ih and w.b_hh")
    stacked = {weight: axes for weight, axes in STACKED if weight in used.stacked}
    further = {weight: used.declared.get(weight, "H") for weight in used.further}
    cell = Cell(name, equations, Layout("".join(used.gates), states, in_file_order(stacked | further)))
    require_written(cell, biased=True)
    return cell


def require_written(cell: Cell, *, biased: bool) -> None:
    """Raise WrongUse if the equations do not compile for a network, with biases only if ``biased``."""
    checked(cell.name, lambda: cell.program(cell.layout.present(bias=biased)))


def require_fits(cell: Cell, config: Config) -> None:
    """Raise WrongUse if the equations combine terms of different sizes, in any layer of a network with ``config``."""
    sizes, present = axis_sizes(cell.layout, config), frozenset(cell.layout.present(bias=config.bias))
    above = [config.output_size * config.num_directions] if config.num_layers > 1 else []
    for inputs in dict.fromkeys([config.input_size, *above]):
        checked(cell.name, partial(_check_sizes, cell, present, {**sizes, "I": inputs}))


def _check_sizes(cell: Cell, present: frozenset[str], sizes: Mapping[str, int]) -> None:
    """Run the equations on terms with known sizes."""
    states = dict(zip(cell.states, (sizes["P"], *(sizes["H"] for _ in cell.states)), strict=False))
    before = (Term("input", units=size) for size in states.values())
    after = cell.equations(Term("input", units=sizes["I"]), *before, Weight(cell.layout, present, sizes))
    for (name, size), state in zip(states.items(), after, strict=True):
        if state.units not in (size, None):
            raise TypeError(f"{name} after the step has {state.units} numbers, but {size} before it")


class _WeightRecorder(Weight):
    """Accepts weights of any name and records which of them the equations use.

    Attributes:
        declared: the axes of further weights by name, as in ``Layout.weights``.
    """

    def __init__(self, declared: Mapping[str, str]) -> None:
        super().__init__(Layout("", weights=()), frozenset())
        self.declared = declared
        self.gates: list[str] = []
        self.further: list[str] = []
        self.stacked: set[str] = set()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a matrix or a term
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self.declared or name[:2] not in ("W_", "b_"):
            self.further += [name] if name not in self.further else []
            if self.declared.get(name, "H") == "H":
                return Term("vector", (), (name, 0, 1))
            return Matrix(self, name)
        source, gate = name[2:3], name[3:]
        if source not in ("i", "h") or len(gate) != 1:
            raise AttributeError(
                f"there is no weight {name}: a gate has W_i, W_h, b_i and b_h with its letter, such as {name[:2]}iz"
            )
        self.gates += [gate] if gate not in self.gates else []
        stacked = f"{'weight' if name.startswith('W_') else 'bias'}_{source}h"
        self.stacked.add(stacked)
        return Matrix(self, name) if name.startswith("W_") else Term("vector", (), (stacked, 0, 1))

    def _product(self, name: str, v: Term) -> Term:
        return Term("product", (v,), (name,))


def _declared(name: str, equations: object) -> Mapping[str, str]:
    declared: Mapping[str, str] = getattr(equations, "weights", {})
    for weight, axes in declared.items():
        if not isinstance(axes, str) or not re.fullmatch("H|[HP][HPI]", axes):
            raise WrongUse(
                f"cell {name!r}: weight {weight} is declared as {axes!r}; a vector is 'H', a matrix 'HH', 'HI', 'HP', "
                "'PH', 'PI' or 'PP'"
            )
    return declared


def _states(name: str, equations: object) -> tuple[str, ...]:
    if not inspect.isfunction(equations):
        raise WrongUse(
            f"cell {name!r}: must be a function of x, the states and w, not of type {type(equations).__name__}"
        )
    if inspect.iscoroutinefunction(equations) or inspect.isasyncgenfunction(equations):
        raise WrongUse(f"cell {name!r}: must not be an async function: write def, not async def")
    found = [p for p in inspect.signature(equations).parameters.values() if p.default is p.empty]
    count = len(found) - 2
    is_positional = all(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in found)
    names = [p.name for p in found]
    places = {"x": 0, _FIRST: 1, "w": len(names) - 1}  # an argument with one of these names has this place
    are_swapped = any(names.index(name) != place for name, place in places.items() if name in names)
    if not is_positional or not 0 < count <= MAX_STATES or are_swapped:
        raise WrongUse(
            f"cell {name!r}: takes ({', '.join(map(str, found))}); a cell takes (x, h, w), or further states between h "
            "and w, such as (x, h, c, w)"
        )
    if invalid := [state for state in names[2:-1] if not re.fullmatch(STATE, state)]:
        raise WrongUse(f"cell {name!r}: {invalid[0]!r} is not a name of a state, which has letters only, such as c")
    return (_FIRST, *names[2:-1])
