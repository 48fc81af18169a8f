"""A cell's equations, written down: the primitives of one time step, each after what it is applied to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Protocol

from rnn_goldens.cells.arrays import Array, State, Weights
from rnn_goldens.cells.notation import Term, Weight
from rnn_goldens.counted import counted

Equations = Callable[..., Sequence[Term]]
"""``equations(x, *state, w)`` returns the state after the step, in terms of the notation."""

_WEIGHTS = {"product": 1, "vector": 1, "affine": 2, "transposed": 1}
"""Primitives that take weights, and how many: the first of their details are the weights' names."""


class Operations(Protocol):
    """What computes the primitives: it has a method for each, of the same name."""

    def product(self, v: Array, matrix: Array) -> Array:
        """The matrix times each row of v."""

    def affine(self, v: Array, matrix: Array, bias: Array) -> Array:
        """The same, and a bias."""

    def sum(self, *terms: Array) -> Array:
        """Of the terms."""


@dataclass(frozen=True)
class Operation:
    """A primitive in a program.

    Attributes:
        primitive: the name of the primitive.
        of: where in the program's values its arguments stand.
        weights: the names of the weights that it takes after them.
        detail: what else it needs.
    """

    primitive: str
    of: tuple[int, ...]
    weights: tuple[str, ...] = ()
    detail: tuple[Any, ...] = ()


@dataclass(frozen=True, eq=False)
class Program:
    """One time step of a cell.

    Attributes:
        inputs: how many of the values are given: x and the state before.
        operations: what computes each of the values that follow them.
        after: where in the values the state after the step stands.
    """

    inputs: int
    operations: tuple[Operation, ...]
    after: tuple[int, ...]

    def values(self, operations: Operations, x: Array, state: State, w: Weights) -> list[Array]:
        """Every value of the step, in the program's order."""
        return self.computed(operations, [x, *state], w)

    def computed(self, operations: Operations, inputs: Sequence[Array], w: Weights) -> list[Array]:
        """The same, of whatever its inputs are."""
        values: list[Any] = list(inputs)
        for primitive, of, weights, detail in self._flat:
            given = [values[k] for k in of]
            for name in weights:
                given.append(w[name])  # noqa: PERF401 - most have none, and this is the innermost loop
            values.append(getattr(operations, primitive)(*given, *detail))
        return values

    def step(self, operations: Operations, x: Array, state: State, w: Weights) -> State:
        """The state after the step."""
        values = self.values(operations, x, state, w)
        return tuple(values[k] for k in self.after)

    @cached_property
    def _flat(self) -> list[tuple[str, tuple[int, ...], tuple[str, ...], tuple[Any, ...]]]:
        return [(o.primitive, o.of, o.weights, o.detail) for o in self.operations]


@dataclass(frozen=True, eq=False)
class Source:
    """What programs are made of: equations, the names they use, and whether a bias is added to a product at once.

    It makes no difference to the numbers but how they round: one sum for all gates is faster, and a sum of its own for
    each tells what may be added up in which order.
    """

    equations: Equations
    states: int
    gates: str
    vectors: tuple[str, ...]
    at_once: bool = True

    def program(self, w: Mapping[str, Any]) -> Program:
        """What the equations do with such weights: a bias that is not there is not added."""
        return _program(self, tuple(w))


@lru_cache(maxsize=4096)
def _program(source: Source, given: tuple[str, ...]) -> Program:
    inputs = [Term("input") for _ in range(1 + source.states)]
    after = source.equations(*inputs, Weight(source.gates, source.vectors, frozenset(given)))
    _require_states(source, after)
    return written(inputs, after, _Affine().at_once if source.at_once else None)


def written(inputs: Sequence[Term], wanted: Sequence[Term], rewritten: Callable[[Term], Term] | None = None) -> Program:
    """A program for what is wanted; ``rewritten`` may put another term in the place of one."""
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

    found = tuple(place(term) for term in wanted)
    return Program(len(inputs), tuple(operations), found)


def _require_states(source: Source, after: object) -> None:
    name = getattr(source.equations, "__name__", "the equations")
    if not isinstance(after, Sequence):
        raise TypeError(
            f"{name} returned {type(after).__name__}; what is wanted is a tuple of the states after the step"
        )
    if len(after) != source.states:
        raise TypeError(f"{name} returns {counted(len(after), 'state')}, and takes {source.states}")
    for part in after:
        if not isinstance(part, Term) or part.primitive == "constant":
            raise TypeError(f"{name} returned {type(part).__name__} for a state, which is no vector of numbers")


class _Affine:
    """Puts ``W_ii @ x`` and ``b_ii``, where a sum has both, together for all gates."""

    def __init__(self) -> None:
        self._whole: dict[tuple[Term, str], Term] = {}
        self._blocks: dict[tuple[Term, tuple[object, ...]], Term] = {}
        self._sums: dict[Term, Term] = {}

    def at_once(self, term: Term) -> Term:
        """The same term, if it is no such sum."""
        if term.primitive != "sum":
            return term
        if term not in self._sums:
            terms = list(term.of)
            for product in term.of:
                whole = product.of[0] if product.primitive == "block" else product
                bias = next((t for t in terms if whole.primitive == "product" and _belongs(t, product, whole)), None)
                if bias is not None:
                    terms[terms.index(product)] = self._affine(whole, bias)
                    terms.remove(bias)
            self._sums[term] = terms[0] if len(terms) == 1 else Term("sum", tuple(terms))
        return self._sums[term]

    def _affine(self, product: Term, bias: Term) -> Term:
        name, *block = bias.detail
        detail = (*product.detail, name)
        whole = self._whole.setdefault((product, str(name)), Term("affine", product.of, detail))
        if block[1] == 1:
            return whole
        return self._blocks.setdefault((whole, tuple(block)), Term("block", (whole,), tuple(block)))


def _belongs(bias: Term, product: Term, whole: Term) -> bool:
    """Whether it is the bias of the same gate, and the same side."""
    matrix, block = str(whole.detail[0]), product.detail if product is not whole else (0, 1)
    return bias.primitive == "vector" and bias.detail == (matrix.replace("weight", "bias"), *block)
