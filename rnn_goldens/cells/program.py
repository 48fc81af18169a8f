"""Compiles the equations of a cell to a list of primitives for one time step, in order of evaluation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Protocol

from rnn_goldens.cells.arrays import Array, State, Weights
from rnn_goldens.cells.notation import Term, Weight
from rnn_goldens.golden.shapes import Layout
from rnn_goldens.plurals import counted

Equations = Callable[..., Sequence[Term]]
"""``equations(x, *state, w)`` returns the state after the step, as terms of the notation."""

_WEIGHTS = {"product": 1, "vector": 1, "affine": 2, "transposed": 1}
"""The number of weights that a primitive takes. Their names come first in ``Term.detail``."""


class Operations(Protocol):
    """Computes the primitives: each method computes the primitive of the same name."""

    def product(self, v: Array, matrix: Array) -> Array:
        """The matrix times each row of v."""

    def affine(self, v: Array, matrix: Array, bias: Array) -> Array:
        """The matrix times each row of v, plus the bias."""

    def sum(self, *terms: Array) -> Array:
        """The sum of the terms."""


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


@dataclass(frozen=True, eq=False)
class Program:
    """One time step of a cell.

    Attributes:
        inputs: number of values that are inputs: x and the state before the step.
        operations: the operations that compute the following values.
        after: indices of the values that are the state after the step.
    """

    inputs: int
    operations: tuple[Operation, ...]
    after: tuple[int, ...]

    def values(self, operations: Operations, x: Array, state: State, w: Weights) -> list[Array]:
        """Return every value of the step, in the program's order."""
        return self.computed(operations, [x, *state], w)

    def computed(self, operations: Operations, inputs: Sequence[Array], w: Weights) -> list[Array]:
        """Return every value, for any inputs."""
        values: list[Any] = list(inputs)
        for primitive, of, weights, detail in self._flat:
            arguments = [values[k] for k in of]
            for name in weights:
                arguments.append(w[name])  # noqa: PERF401 - most have none, and this is the innermost loop
            values.append(getattr(operations, primitive)(*arguments, *detail))
        return values

    def step(self, operations: Operations, x: Array, state: State, w: Weights) -> State:
        """Return the state after the step."""
        values = self.values(operations, x, state, w)
        return tuple(values[k] for k in self.after)

    @cached_property
    def _flat(self) -> list[tuple[str, tuple[int, ...], tuple[str, ...], tuple[Any, ...]]]:
        return [(o.primitive, o.of, o.weights, o.detail) for o in self.operations]


@dataclass(frozen=True, eq=False)
class Source:
    """The source of programs: equations, the arrays they use, and whether products and biases of all gates are fused.

    The variants differ only in rounding: fused sums are faster.
    """

    equations: Equations
    layout: Layout
    fused: bool = True

    def program(self, w: Mapping[str, Any]) -> Program:
        """Return the program for a network with the weights ``w``; a bias that is not in ``w`` is not added."""
        return _program(self, tuple(w))


@lru_cache(maxsize=4096)
def _program(source: Source, weights: tuple[str, ...]) -> Program:
    inputs = [Term("input") for _ in ("x", *source.layout.states)]
    after = source.equations(*inputs, Weight(source.layout, frozenset(weights)))
    _require_states(source, after)
    return written(inputs, after, _Affine().fused if source.fused else None)


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


def _require_states(source: Source, after: object) -> None:
    name = getattr(source.equations, "__name__", "the equations")
    if not isinstance(after, Sequence):
        raise TypeError(f"{name} returned {type(after).__name__}; expected a tuple of the states after the step")
    if len(after) != len(source.layout.states):
        raise TypeError(f"{name} returns {counted(len(after), 'state')}, but takes {len(source.layout.states)}")
    for part in after:
        if not isinstance(part, Term) or part.primitive == "constant":
            raise TypeError(f"{name} returned {type(part).__name__} for a state, which must be a term, not a constant")


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
