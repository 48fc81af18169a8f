"""Derives the backward pass of a time step of a recurrence from its program."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from rnn_goldens.cells.adjoint import moved_back, part_of
from rnn_goldens.cells.arrays import Array
from rnn_goldens.cells.graph_primitives import GraphPrimitives
from rnn_goldens.cells.notation import MATRIX, Term
from rnn_goldens.cells.program import Operation, Program, written
from rnn_goldens.cells.step_backward import Terms, summed


@lru_cache(maxsize=4096)
def reverse(program: Program) -> Program:
    """Return the program of the cotangents of a program's inputs.

    Its inputs are every value of the program, then the cotangents of its results. The cotangent of an elementwise
    argument may be broadcast until the shape of the argument matters: in a sum, a product of matrices, or at the end.
    """
    count = program.inputs + len(program.operations)
    given = [Term("input", units=MATRIX) for _ in range(count + len(program.after))]
    terms, constant, parts = _Terms(), set[int](), defaultdict[int, list[_Part]](list)
    for k, operation in enumerate(program.operations, program.inputs):
        if constant.issuperset(operation.of):
            constant.add(k)
    for place, result in zip(program.after, given[count:], strict=True):
        parts[place].append(_Part(result, has_shape=True))
    for k in reversed(range(program.inputs, count)):
        if not parts[k]:
            continue
        operation = program.operations[k - program.inputs]
        of_matrices = operation.primitive in ("matmul", "outer", *_MOVED)
        g = _cotangent(parts[k], given[k], shaped=of_matrices)
        arguments = [_argument(program, given, place) for place in operation.of]
        for number, place in enumerate(operation.of):
            part = None if place in constant else terms.part(operation, number, g.term, given[k], arguments)
            if part is not None:
                has_shape = of_matrices or (len(operation.of) == 1 and g.has_shape)
                parts[place].append(_Part(part, has_shape))
    found = [_cotangent(parts[k], given[k], shaped=True).term for k in range(program.inputs)]
    return written(given, found)


class _Part(NamedTuple):
    """A part of a cotangent, and whether it certainly has the shape of the value: it may be broadcast."""

    term: Term
    has_shape: bool


def _cotangent(parts: Sequence[_Part], of: Term, *, shaped: bool) -> _Part:
    """Return the sum of the parts of the cotangent of a value; ``shaped`` if it must have the shape of the value."""
    if not parts:
        return _Part(Term("nothing", (of,)), has_shape=True)
    if len(parts) == 1 and not shaped:
        return parts[0]
    return _Part(summed([p.term if p.has_shape else Term("summed_to", (p.term, of)) for p in parts]), has_shape=True)


def _argument(program: Program, given: Sequence[Term], place: int) -> Term:
    """Return an argument as a term; a number is a constant term."""
    operation = program.operations[place - program.inputs] if place >= program.inputs else None
    is_number = operation is not None and operation.primitive == "constant"
    return Term("constant", (), operation.detail) if operation is not None and is_number else given[place]


class _Terms(Terms):
    """The primitives of the rules for matrices, as terms."""

    def __init__(self) -> None:
        self._transposed: dict[Term, Term] = {}

    def matmul(self, a: Term, b: Term) -> Term:
        """The product of two matrices."""
        return a @ b

    def transpose(self, a: Term) -> Term:
        """The transposed matrix, one term for each matrix."""
        return self._transposed.setdefault(a, a.mT)

    def part(self, operation: Operation, number: int, g: Term, y: Term, arguments: Sequence[Term]) -> Term | None:
        """Return the cotangent of an argument; None if it is zero."""
        if operation.primitive == "transpose":
            return self.transpose(g)
        if operation.primitive in _MOVED:
            return Term("moved_back", (g, *arguments), (operation.primitive, number, *operation.detail))
        part: Term | None = part_of(self, operation, number, g, y, arguments)
        return part


_MOVED = ("stacked", "rows", "reversed_rows")
"""Primitives that move rows: where to depends on the shapes of arrays."""

_SAME = ("same", "kept_factor", "instead")
"""Primitives whose value is that of the first argument."""


class BackwardPrimitives(GraphPrimitives):
    """The primitives of a backward pass in NumPy, for types that numbers do not widen."""

    multiply = staticmethod(np.multiply)  # type: ignore[assignment]
    matmul = staticmethod(np.matmul)  # type: ignore[assignment]

    def sum(self, *terms: Array) -> Array:
        """The sum of the terms, from the first to the last."""
        first, *rest = terms
        for term in rest:
            first = first + term
        return first

    def sigmoid(self, z: Array) -> Array:
        """1 / (1 + e^-z)."""
        sigmoid: Array = 1 / (1 + np.exp(-z))
        return sigmoid

    def transpose(self, a: Array) -> Array:
        """The transposed matrix of each lane."""
        return a.swapaxes(-1, -2)

    def nothing(self, like: Array) -> Array:
        """An array of zeros."""
        return np.zeros_like(like)

    def summed_to(self, g: Array, like: Array) -> Array:
        """The cotangent g, summed over the axes that were broadcast from the shape of ``like``."""
        if g.shape == like.shape:
            return g
        axes = tuple(axis for axis, size in enumerate(like.shape) if size == 1 and g.shape[axis] > 1)
        return np.asarray(g.sum(axis=axes, keepdims=True) if axes else g, like.dtype)

    def moved_back(self, g: Array, *arguments: Any) -> Array:  # noqa: ANN401 - arrays, then details
        """The cotangent g of moved rows, moved back to the rows of an argument."""
        arrays = [one for one in arguments if isinstance(one, np.ndarray)]
        primitive, number, *detail = arguments[len(arrays) :]
        return np.asarray(moved_back(self, primitive, g, number, arrays, *detail))


class Computation:
    """Computes some values of a program, again and again: nothing else, and constants once.

    Args:
        operations: the primitives.
        program: the program.
        wanted: places of the values.
        given: by place of an input of the program, its index in the arrays given.
        count: the number of arrays given.
    """

    def __init__(
        self, operations: GraphPrimitives, program: Program, wanted: Sequence[int], given: Mapping[int, int], count: int
    ) -> None:
        self.index, self.wanted = dict(given), wanted
        self._constants: list[Any] = []
        self._calls: list[tuple[Any, tuple[int, ...], tuple[Any, ...]]] = []
        needed = used(program, wanted)
        found = [(k, o) for k, o in enumerate(program.operations, program.inputs) if k in needed]
        for k, operation in found:
            if all(count <= self.index.get(place, -1) for place in operation.of):
                of = [self._constants[self.index[place] - count] for place in operation.of]
                self.index[k] = count + len(self._constants)
                self._constants.append(getattr(operations, operation.primitive)(*of, *operation.detail))
        for k, operation in found:
            if operation.primitive in _SAME:
                self.index[k] = self.index[operation.of[0]]
            elif k not in self.index:
                self.index[k] = count + len(self._constants) + len(self._calls)
                detail = tuple(float(part) if isinstance(part, Fraction) else part for part in operation.detail)
                of_k = tuple(self.index[place] for place in operation.of)
                self._calls.append((getattr(operations, operation.primitive), of_k, detail))

        self.count = count + len(self._constants) + len(self._calls)
        """The number of values."""

    def values(self, given: Sequence[Array]) -> list[Any]:
        """Return the arrays given, then what is computed from them; ``index`` has the places of the program."""
        values: list[Any] = [*given, *self._constants]
        append = values.append
        for function, of, detail in self._calls:  # the innermost loop
            if detail:
                append(function(*[values[k] for k in of], *detail))
            elif len(of) == 2:  # noqa: PLR2004 - most operations
                append(function(values[of[0]], values[of[1]]))
            else:
                append(function(*[values[k] for k in of]))
        return values


def used(program: Program, wanted: Sequence[int]) -> set[int]:
    """Return the places of all values that some values are computed from, and of themselves."""
    found = set(wanted)
    for k in reversed(range(program.inputs, program.inputs + len(program.operations))):
        if k in found:
            operation = program.operations[k - program.inputs]
            found.update(operation.of[:1] if operation.primitive in _SAME else operation.of)
    return found


@lru_cache(maxsize=4096)
def both_ways(operations: GraphPrimitives, program: Program, states: int) -> tuple[Computation, Computation]:
    """Return the forward pass of a step, as far as the backward pass and the states after it need it, and the latter.

    The backward pass is given the values of the forward pass, then the cotangents of its results.
    """
    back, inputs = reverse(program), program.inputs
    count = inputs + len(program.operations)
    needed = sorted(k for k in used(back, back.after) if k < count)
    forward = Computation(
        operations,
        program,
        [*program.after[-states:], *needed],
        dict(zip(range(inputs), range(inputs), strict=True)),
        inputs,
    )
    values = forward.count
    given = {k: forward.index[k] for k in needed} | {count + k: values + k for k in range(len(program.after))}
    return forward, Computation(operations, back, back.after, given, values + len(program.after))


NUMPY = BackwardPrimitives()
