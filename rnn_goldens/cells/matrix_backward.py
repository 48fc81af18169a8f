"""Derives the backward pass of a time step of a recurrence from its program."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from rnn_goldens.cells.adjoint import part_of
from rnn_goldens.cells.arrays import Array
from rnn_goldens.cells.graph_primitives import GraphPrimitives
from rnn_goldens.cells.notation import Term
from rnn_goldens.cells.program import Operation, Program, written
from rnn_goldens.cells.step_backward import Terms, summed
from rnn_goldens.golden.precision import PRECISIONS

_MOVED = ("stacked", "rows", "reversed_rows")
"""Primitives that move rows: where to depends on the shapes of arrays."""

_SAME = ("same", "kept_factor", "instead")
"""Primitives whose value is that of the first argument."""


@lru_cache(maxsize=4096)
def reverse(program: Program) -> Program:
    """Return the program of the cotangents of a program's inputs.

    Its inputs are every value of the program, then the cotangents of its results.
    """
    count = program.inputs + len(program.operations)
    given = [Term("input") for _ in range(count + len(program.after))]
    terms, constant, parts = _Terms(), set[int](), defaultdict[int, list[Term]](list)
    for k, operation in enumerate(program.operations, program.inputs):
        if constant.issuperset(operation.of):
            constant.add(k)
    for place, result in zip(program.after, given[count:], strict=True):
        parts[place].append(result)
    for k in reversed(range(program.inputs, count)):
        operation = program.operations[k - program.inputs]
        arguments = [given[place] for place in operation.of]
        for number, place in enumerate(operation.of if parts[k] else ()):
            part = None if place in constant else terms.part(operation, number, summed(parts[k]), given[k], arguments)
            if part is not None:
                parts[place].append(part)
    return written(
        given, [summed(parts[k]) if parts[k] else Term("nothing", (given[k],)) for k in range(program.inputs)]
    )


class _Terms(Terms):
    """The primitives of the rules for matrices, as terms."""

    def __init__(self) -> None:
        self._transposed: dict[Term, Term] = {}

    def matmul(self, a: Term, b: Term) -> Term:
        """The product of two matrices."""
        return Term("matmul", (a, b))

    def transpose(self, a: Term) -> Term:
        """The transposed matrix, one term for each matrix."""
        return self._transposed.setdefault(a, a.mT)

    def part(self, operation: Operation, number: int, g: Term, y: Term, arguments: Sequence[Term]) -> Term | None:
        """Return the cotangent of an argument, in its shape; None if it is zero."""
        if operation.primitive == "transpose":
            return self.transpose(g)
        if operation.primitive in _MOVED:
            return Term("moved_back", (g, *arguments), (operation, number))
        part: Term | None = part_of(self, operation, number, g, y, arguments)
        may_be_broadcast = len(arguments) > 1 and operation.primitive not in ("matmul", "outer")
        return Term("summed_to", (part, arguments[number])) if part is not None and may_be_broadcast else part


class BackwardPrimitives(GraphPrimitives):
    """The primitives of a backward pass in NumPy, for types that numbers do not widen."""

    multiply = staticmethod(np.multiply)  # type: ignore[assignment]
    matmul = staticmethod(np.matmul)  # type: ignore[assignment]

    def sigmoid(self, z: Array) -> Array:
        """1 / (1 + e^-z)."""
        sigmoid: Array = 1 / (1 + np.exp(-z))
        return sigmoid

    def nothing(self, like: Array) -> Array:
        """An array of zeros."""
        return np.zeros_like(like)

    def rounded(self, z: Array, precision: str) -> Array:
        """The argument rounded to a precision, in its own type."""
        return np.asarray(PRECISIONS[precision].round(z.astype(np.float64)), z.dtype)

    def summed_to(self, g: Array, like: Array) -> Array:
        """The cotangent g, summed over the axes that were broadcast from the shape of ``like``."""
        if g.shape == like.shape:
            return g
        axes = tuple(axis for axis, size in enumerate(like.shape) if size == 1 and g.shape[axis] > 1)
        return np.asarray(g.sum(axis=axes, keepdims=True) if axes else g, like.dtype)

    def moved_back(self, g: Array, *arguments: Any) -> Array:  # noqa: ANN401 - arrays, an operation, and a number
        """The cotangent g of moved rows, moved back to the rows of one of the arguments of the operation."""
        *arrays, operation, number = arguments
        return np.asarray(part_of(self, operation, number, g, None, arrays))


NUMPY = BackwardPrimitives()


class Computation:
    """Computes the wanted values of a program again and again, and only what they need.

    ``given`` are the inputs of the program that it gets, by their place the index in ``count`` arrays.
    """

    def __init__(self, program: Program, wanted: Sequence[int], given: Mapping[int, int], count: int) -> None:
        self.index, self.wanted = dict(given), wanted
        self._calls: list[tuple[Any, tuple[int, ...], tuple[Any, ...] | None]] = []
        needed = used(program, wanted)
        for k, operation in enumerate(program.operations, program.inputs):
            if k in needed and operation.primitive in _SAME:
                self.index[k] = self.index[operation.of[0]]
            elif k in needed:
                self.index[k] = count + len(self._calls)
                detail = tuple(float(part) if isinstance(part, Fraction) else part for part in operation.detail)
                of = tuple(self.index[place] for place in operation.of)
                is_plain = len(of) == 2 and not detail  # noqa: PLR2004 - two arguments, as most operations have
                self._calls.append((getattr(NUMPY, operation.primitive), of, None if is_plain else detail))
        self.count = count + len(self._calls)

    def values(self, given: Sequence[Array]) -> list[Any]:
        """Return the arrays given, then what is computed from them; ``index`` has the places of the program."""
        values: list[Any] = list(given)
        append = values.append
        for function, of, detail in self._calls:  # the innermost loop
            if detail is None:
                a, b = of
                append(function(values[a], values[b]))
            else:
                append(function(*[values[k] for k in of], *detail))
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
def both_ways(program: Program, states: int) -> tuple[Computation, Computation]:
    """Return the forward pass of a step, as far as the states after it and the backward pass need it, and the latter.

    The backward pass is given the values of the forward pass, then the cotangents of its results.
    """
    back, count = reverse(program), program.inputs + len(program.operations)
    needed = sorted(k for k in used(back, back.after) if k < count)
    inputs = {k: k for k in range(program.inputs)}
    forward = Computation(program, [*program.after[-states:], *needed], inputs, program.inputs)
    given = {k: forward.index[k] for k in needed}
    given |= {count + k: forward.count + k for k in range(len(program.after))}
    return forward, Computation(back, back.after, given, forward.count + len(program.after))
