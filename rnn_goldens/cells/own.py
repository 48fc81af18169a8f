"""A cell of someone's own: a function in the notation, named ``package.module:function``."""

import inspect
import traceback
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any

from rnn_goldens.cells.cell import DEFINED, Cell
from rnn_goldens.cells.notation import Matrix, Term, Weight
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.shapes import Config
from rnn_goldens.importing import imported, raised

STATES = ("h", "c")
"""The states a golden has room for."""

_BIASED = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def cell_named(name: str) -> Cell:
    """One of those that goldens are of, or of someone's own. Raises WrongUse as ``own_cell`` does."""
    return DEFINED[name] if name in DEFINED else own_cell(name)


_NAMED: set[str] = set()


def name_cells(names: Iterable[str]) -> None:
    """Let the modules of these cells be imported: the user named them."""
    _NAMED.update(names)


def cell_of_file(name: str) -> Cell:
    """The cell that a golden file names, whose equations are used only where the user named it too.

    Raises:
        WrongUse: the user did not; or as ``own_cell``.
    """
    if name not in _NAMED:
        raise WrongUse(
            f"cell {name!r}: a file does not decide what is imported; to use the equations name the cell, "
            f"--cell={name}, or cell={name!r} in the marker or in select"
        )
    return own_cell(name)


def named_cells() -> tuple[str, ...]:
    """The cells that the user named."""
    return tuple(sorted(_NAMED))


@lru_cache(maxsize=64)
def own_cell(name: str) -> Cell:
    """The cell that a function's equations make.

    Its gates are in the order in which the equations first speak of them, as PyTorch's are; what is neither ``W_i?``,
    ``W_h?``, ``b_i?`` nor ``b_h?`` is a vector, a number a unit. There is a state for each argument between x and w.

    Raises:
        WrongUse: the function is not found, takes or returns too many or too few states, or raises.
    """
    equations = _imported(name)
    name_cells([name])  # who calls this has the name from the user
    states = _states(name, equations)
    spoken = _Spoken()
    _tried(name, lambda: equations(*(Term("input") for _ in ("x", *states)), spoken))
    if not spoken.gates:
        raise WrongUse(f"cell {name!r}: speaks of no weights such as w.W_ih, w.W_hh, w.b_ih and w.b_hh")
    cell = Cell(name, equations, "".join(spoken.gates), states, tuple(spoken.vectors))
    require_written(cell, biased=True)
    return cell


def require_written(cell: Cell, *, biased: bool) -> None:
    """Raise WrongUse if its equations can not be written down, for a network with biases or without."""
    given = (*(_BIASED if biased else _BIASED[:2]), *cell.vectors)
    _tried(cell.name, lambda: (cell.at_once.program(dict.fromkeys(given)), cell.apart.program(dict.fromkeys(given))))


def require_fits(cell: Cell, config: Config) -> None:
    """Raise WrongUse if its equations put together what has different sizes, in any layer of such a network."""
    given = frozenset(_BIASED if config.bias else _BIASED[:2])
    above = [config.hidden_size * config.num_directions] if config.num_layers > 1 else []
    for inputs in dict.fromkeys([config.input_size, *above]):
        _tried(cell.name, partial(_of_sizes, cell, given, inputs, config.hidden_size))


def _of_sizes(cell: Cell, given: frozenset[str], inputs: int, hidden: int) -> None:
    """Write the equations down with terms that know how many numbers they are."""
    state = (Term("input", units=hidden) for _ in cell.states)
    w = Weight(cell.gates, cell.vectors, given, (inputs, hidden))
    for name, after in zip(cell.states, cell.equations(Term("input", units=inputs), *state, w), strict=True):
        if after.units not in (hidden, None):
            raise TypeError(f"{name} after the step has {after.units} numbers, and before it {hidden}")


def _imported(name: str) -> Any:  # noqa: ANN401 - whatever it is
    try:
        return imported(name, f"cell {name!r}")
    except (KeyboardInterrupt, WrongUse):
        raise
    except BaseException as error:  # also what would end the process
        module = name.partition(":")[0]
        raise WrongUse(f"cell {name!r}: {module} can not be imported:\n{raised(error)}") from None


class _Spoken(Weight):
    """Weights of any name; notes what the equations speak of."""

    def __init__(self) -> None:
        super().__init__("", (), frozenset(("bias_ih", "bias_hh")))
        self.gates: list[str] = []
        self.vectors: list[str] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a matrix or a term
        if name.startswith("_"):
            raise AttributeError(name)
        if name[:2] not in ("W_", "b_"):
            self.vectors += [name] if name not in self.vectors else []
            return Term("vector", (), (name, 0, 1))
        source, gate = name[2:3], name[3:]
        if source not in ("i", "h") or len(gate) != 1:
            raise AttributeError(
                f"there is no weight {name}: a gate has W_i and W_h, b_i and b_h, and its letter, such as {name[:2]}iz"
            )
        self.gates += [gate] if gate not in self.gates else []
        if name.startswith("W_"):
            return Matrix(self, f"weight_{source}h", gate)
        return Term("vector", (), (f"bias_{source}h", 0, 1))

    def _product(self, matrix: str, gate: str, v: Term) -> Term:
        return Term("product", (v,), (matrix, gate))


def _states(name: str, equations: object) -> tuple[str, ...]:
    if not inspect.isfunction(equations):
        raise WrongUse(f"cell {name!r}: is no function of x, the states and w, but of type {type(equations).__name__}")
    if inspect.iscoroutinefunction(equations) or inspect.isasyncgenfunction(equations):
        raise WrongUse(f"cell {name!r}: is an async function, which gives nothing at once: write def, not async def")
    found = [p for p in inspect.signature(equations).parameters.values() if p.default is p.empty]
    count = len(found) - 2
    is_positional = all(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in found)
    if not is_positional or not 0 < count <= len(STATES) or _are_swapped([p.name for p in found]):
        raise WrongUse(
            f"cell {name!r}: takes ({', '.join(map(str, found))}); a golden's cell takes (x, h, w) or (x, h, c, w)"
        )
    return STATES[:count]


def _are_swapped(names: list[str]) -> bool:
    """Whether arguments that have the names of ours stand in another order."""
    right = [name for name in ("x", *STATES, "w") if name in names]
    return [name for name in names if name in right] != right


def _tried(name: str, write: Callable[[], object]) -> None:
    """Run equations; what they raise is theirs, and is said with its place."""
    try:
        write()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also what would end the process
        code = _imported(name).__code__
        own, first = code.co_filename, code.co_firstlineno
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == own]
        said = f"line {lines[-1]}: {type(error).__name__}: {error}" if lines else f"line {first}: {error}"
        raise WrongUse(f"cell {name!r}: {own}, {said}") from None
