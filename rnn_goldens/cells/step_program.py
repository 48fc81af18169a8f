"""Programs: equations of one time step as a list of primitives, in order of evaluation; and cells, which have one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from rnn_goldens.cells import equations as _equations
from rnn_goldens.cells.notation import Term, Weight
from rnn_goldens.cells.numpy_primitives import Arithmetic, Array
from rnn_goldens.golden.built_in_cells import LAYOUTS, standard_cell
from rnn_goldens.golden.shapes import Layout
from rnn_goldens.plurals import counted

Equations = Callable[..., Sequence[Term]]
"""``equations(x, *state, w)`` returns the state after the step, as terms of the notation."""

_WEIGHTS = {"product": 1, "vector": 1, "affine": 2, "transposed": 1}
"""The number of weights that a primitive takes. Their names come first in ``Term.detail``."""


@dataclass(frozen=True)
class Operation:
    """A primitive in a program.

    Attributes:
        primitive: the name of the primitive.
        of: indices of its arguments in the program's values.
        weights: names of the weights that follow the arguments.
        detail: other parameters.
    """

    primitive: str
    of: tuple[int, ...]
    weights: tuple[str, ...] = ()
    detail: tuple[Any, ...] = ()


GIVEN = Operation("given", ())
"""In place of the operation of a value that is not computed."""


@dataclass(frozen=True, eq=False)
class Program:
    """One time step.

    Attributes:
        inputs: number of values that are inputs, such as x and the state before the step.
        operations: the operations that compute the following values.
        after: indices of the values that are results, such as the state after the step.
    """

    inputs: int
    operations: tuple[Operation, ...]
    after: tuple[int, ...]

    def computed(self, of: Arithmetic, inputs: Sequence[Array], w: Mapping[str, Array]) -> list[Array]:
        """Return every value, in order. ``of`` computes the primitives, and ``w`` are the weights by name."""
        values: list[Any] = list(inputs)
        for primitive, places, weights, detail in self._flat:
            arguments = [values[k] for k in places]
            for name in weights:
                arguments.append(w[name])  # noqa: PERF401 - most have none, and this is the innermost loop
            values.append(getattr(of, primitive)(*arguments, *detail))
        return values

    @cached_property
    def _flat(self) -> list[tuple[str, tuple[int, ...], tuple[str, ...], tuple[Any, ...]]]:
        return [(o.primitive, o.of, o.weights, o.detail) for o in self.operations]


def written(
    inputs: Sequence[Term], results: Sequence[Term], rewritten: Callable[[Term], Term] | None = None
) -> Program:
    """Return the program that computes results from inputs; ``rewritten`` may replace terms."""
    places, operations = {term: k for k, term in enumerate(inputs)}, []

    def place(term: Term) -> int:
        if rewritten is not None:
            term = rewritten(term)
        if term not in places:
            of = tuple(place(part) for part in term.of)
            names = _WEIGHTS.get(term.primitive, 0)
            weights = tuple(str(name) for name in term.detail[:names])
            operations.append(Operation(term.primitive, of, weights, term.detail[names:]))
            places[term] = len(places)
        return places[term]

    found = tuple(place(term) for term in results)
    return Program(len(inputs), tuple(operations), found)


@dataclass(frozen=True, eq=False)
class Cell:
    """The equations of one time step of a recurrent network.

    Attributes:
        name: its name in goldens.
        equations: ``equations(x, *state, w)`` returns the state after the step; the first state is h, the output.
        layout: the gates, states and weights that the equations use.
    """

    name: str
    equations: Equations
    layout: Layout

    @property
    def gates(self) -> str:
        """One letter per gate, in the order of the rows of the weights."""
        return self.layout.gates

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states."""
        return self.layout.states

    def program(self, w: Iterable[str], *, fused: bool = True) -> Program:
        """Return the program of a step; a bias that is not among the names ``w`` of the weights is not added.

        If ``fused``, products and biases of all gates are one operation: faster, and different only in rounding.
        """
        return _program(self, tuple(w), fused)


@lru_cache(maxsize=4096)
def _program(cell: Cell, weights: tuple[str, ...], fused: bool) -> Program:
    inputs = [Term("input") for _ in ("x", *cell.states)]
    after = cell.equations(*inputs, Weight(cell.layout, frozenset(weights)))
    name = getattr(cell.equations, "__name__", "the equations")
    if not isinstance(after, Sequence):
        raise TypeError(f"{name} returned {type(after).__name__}; expected a tuple of the states after the step")
    if len(after) != len(cell.states):
        raise TypeError(f"{name} returns {counted(len(after), 'state')}, but takes {len(cell.states)}")
    for part in after:
        if not isinstance(part, Term) or part.primitive == "constant":
            raise TypeError(f"{name} returned {type(part).__name__} for a state, which must be a term, not a constant")
    return written(inputs, after, _Affine().fused if fused else None)


class _Affine:
    """Fuses ``W_ii @ x + b_ii`` in sums to one affine map for all gates."""

    def __init__(self) -> None:
        self._maps: dict[tuple[Term, str], Term] = {}
        self._blocks: dict[tuple[Term, tuple[object, ...]], Term] = {}
        self._sums: dict[Term, Term] = {}

    def fused(self, term: Term) -> Term:
        """Return a sum with fused affine maps; other terms unchanged."""
        if term.primitive != "sum":
            return term
        if term not in self._sums:
            terms = list(term.of)
            for part in term.of:
                product = part.of[0] if part.primitive == "block" else part
                bias = next((t for t in terms if product.primitive == "product" and _belongs(t, part, product)), None)
                if bias is not None:
                    terms[terms.index(part)] = self._affine(product, bias)
                    terms.remove(bias)
            self._sums[term] = terms[0] if len(terms) == 1 else Term("sum", tuple(terms))
        return self._sums[term]

    def _affine(self, product: Term, bias: Term) -> Term:
        name, *block = bias.detail
        detail = (*product.detail, name)
        affine = self._maps.setdefault((product, str(name)), Term("affine", product.of, detail))
        if block[1] == 1:
            return affine
        return self._blocks.setdefault((affine, tuple(block)), Term("block", (affine,), tuple(block)))


def _belongs(bias: Term, part: Term, product: Term) -> bool:
    """Return whether ``bias`` is the bias vector for the gate and the input (x or h) of ``part``."""
    matrix, block = str(product.detail[0]), part.detail if part is not product else (0, 1)
    return bias.primitive == "vector" and bias.detail == (matrix.replace("weight", "bias"), *block)


BUILT_IN_CELLS: Mapping[str, Cell] = {
    name: Cell(name, getattr(_equations, name, None) or getattr(_equations, standard_cell(name)), layout)
    for name, layout in LAYOUTS.items()
}
"""The built-in cells by name."""


@lru_cache(maxsize=1024)
def with_equations(cell: Cell, equations: Equations, *vectors: str) -> Cell:
    """Return the cell with other equations, and further vectors that they use."""
    more = tuple((name, "H") for name in vectors)
    return Cell(cell.name, equations, replace(cell.layout, weights=(*cell.layout.weights, *more)))
