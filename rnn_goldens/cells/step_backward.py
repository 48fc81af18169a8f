"""Derives the backward pass of a time step from its program, by reverse mode differentiation."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from rnn_goldens.cells.derivatives import RULES
from rnn_goldens.cells.notation import Operand, Term
from rnn_goldens.cells.program import Operation, Program, written


@dataclass(frozen=True)
class Share:
    """A step's contribution to the gradient of a weight: g vᵀ for a matrix, g for a vector.

    Attributes:
        weight: name of the weight.
        index, blocks: which block of its rows, and the number of blocks.
        g: index of the cotangent in the values of the reverse program.
        v: index of the vector that the matrix was multiplied with; None if the weight is a vector.
    """

    weight: str
    index: int
    blocks: int
    g: int
    v: int | None


@dataclass(frozen=True, eq=False)
class Reverse:
    """The backward pass of a step.

    Attributes:
        program: its inputs are every value of the step, then the cotangent of each state after it.
        before: indices of the cotangents of x and of the states before the step; None for one that is not used.
        shares: the contributions to the gradients of weights.
    """

    program: Program
    before: tuple[int | None, ...]
    shares: tuple[Share, ...]


@lru_cache(maxsize=4096)
def reverse(program: Program) -> Reverse:
    """Return the backward pass of a step.

    If the program fuses products and biases of all gates, the backward pass has one product for all of them; otherwise
    one for each gate.
    """
    back = _Differentiation(program)
    results = [term for term in back.before if term is not None]
    results += [term for share in back.shares for term in (share.g, share.v) if term is not None]
    found = written(back.inputs, results)
    places = dict(zip(map(id, results), found.after, strict=True))
    return Reverse(
        found,
        tuple(None if term is None else places[id(term)] for term in back.before),
        tuple(
            Share(s.weight, s.index, s.blocks, places[id(s.g)], None if s.v is None else places[id(s.v)])
            for s in back.shares
        ),
    )


@dataclass(frozen=True, eq=False)
class _Share:
    """A ``Share`` as terms."""

    weight: str
    index: int
    blocks: int
    g: Term
    v: Term | None


class Terms:
    """The primitives of the rules, as terms."""

    def scaled(self, g: Term, factor: Fraction) -> Term:
        """The product with a number."""
        return g * factor

    def sigmoid(self, z: Term) -> Term:
        """The sigmoid."""
        return Term("sigmoid", (z,))

    def sigmoid_slope(self, y: Term, z: Term) -> Term:
        """The derivative of y = sigmoid(z)."""
        return Term("sigmoid_slope", (y, z))

    def tanh_slope(self, y: Term, z: Term) -> Term:
        """The derivative of y = tanh(z)."""
        return Term("tanh_slope", (y, z))

    def difference(self, g: Term, a: Term, b: Term) -> Term:
        """The product g (a - b)."""
        return Term("difference", (g, a, b))

    def where_larger(self, g: Term, a: Term, b: Operand) -> Term:
        """The cotangent g where a is larger than b, zero elsewhere."""
        limit = b if isinstance(b, Term) else Term("constant", (), (Fraction(b),))
        return Term("where_larger", (g, a, limit))

    def where_within(self, g: Term, z: Term, low: Fraction, high: Fraction) -> Term:
        """The cotangent g where z is between the limits, zero elsewhere."""
        return Term("where_within", (g, z), (low, high))


class _Differentiation:
    """Passes the cotangent of each value to its arguments, from the last value to the first."""

    def __init__(self, program: Program) -> None:
        self.program, self._narrow, self._terms = program, _narrow(program), Terms()
        self._at_once = any(operation.primitive == "affine" for operation in program.operations)
        values = program.inputs + len(program.operations)
        self.inputs = [Term("input") for _ in range(values + len(program.after))]
        self.shares: list[_Share] = []
        self._parts: defaultdict[int, list[Term]] = defaultdict(list)
        self._blocks: defaultdict[int, dict[int, list[Term]]] = defaultdict(lambda: defaultdict(list))
        for k, g in zip(program.after, self.inputs[values:], strict=True):
            self._parts[k].append(g)
        for k in range(values - 1, program.inputs - 1, -1):
            self._through(k, program.operations[k - program.inputs])
        self.before = [summed(self._parts[k]) if self._parts[k] else None for k in range(program.inputs)]

    def _through(self, k: int, operation: Operation) -> None:
        if self._blocks[k]:
            self._through_blocks(k, operation)
        elif self._parts[k]:
            g = summed(self._parts[k])
            if operation.primitive in ("product", "affine"):
                self._through_product(operation, g, 0, 1)
            elif operation.primitive == "vector":
                index, blocks = operation.detail
                self.shares.append(_Share(operation.weights[0], index, blocks, g, None))
            elif operation.primitive == "block":
                self._blocks[operation.of[0]][operation.detail[0]].append(g)
            elif operation.primitive == "mean":
                self._parts[operation.of[0]].append(Term("spread", (g, self._value(operation.of[0]))))
            elif operation.primitive != "constant":
                self._through_units(k, operation, g)

    def _through_blocks(self, k: int, operation: Operation) -> None:
        """Differentiate a product used in blocks: all blocks at once if a fused program uses all, else one by one."""
        blocks = {index: summed(parts) for index, parts in sorted(self._blocks[k].items())}
        count = next(o.detail[1] for o in self.program.operations if o.primitive == "block" and o.of == (k,))
        if self._at_once and len(blocks) == count:
            self._through_product(operation, Term("joined", tuple(blocks.values())), 0, 1)
        else:
            for index, g in blocks.items():
                self._through_product(operation, g, index, count)

    def _through_product(self, operation: Operation, g: Term, index: int, blocks: int) -> None:
        (of,), (matrix, *biases) = operation.of, operation.weights
        self.shares.append(_Share(matrix, index, blocks, g, self._value(of)))
        self.shares += [_Share(bias, index, blocks, g, None) for bias in biases]
        self._parts[of].append(Term("transposed", (g,), (matrix, index, blocks)))

    def _through_units(self, k: int, operation: Operation, g: Term) -> None:
        arguments = [self._value(of) for of in operation.of]
        for number, of in enumerate(operation.of):
            if arguments[number].primitive == "constant":
                continue
            if operation.primitive == "sum":
                part = g
            elif (rule := RULES[operation.primitive][number]) is None:
                continue
            else:
                part = rule(self._terms, g, self._value(k), *arguments, *operation.detail)
            narrower = of in self._narrow and k not in self._narrow
            self._parts[of].append(Term("total", (part,)) if narrower else part)

    def _value(self, k: int) -> Term:
        """Return a value of the step as a term; a constant value is a constant term."""
        operation = self.program.operations[k - self.program.inputs] if k >= self.program.inputs else None
        if operation is not None and operation.primitive == "constant":
            return Term("constant", (), operation.detail)
        return self.inputs[k]


def _narrow(program: Program) -> set[int]:
    """Return the values that are the same for all units: means, and values computed only from them."""
    found: set[int] = set()
    for k, operation in enumerate(program.operations, program.inputs):
        wide = [of for of in operation.of if of not in found and not _is_constant(program, of)]
        if operation.primitive == "mean" or (operation.of and not wide):
            found.add(k)
    return found


def _is_constant(program: Program, k: int) -> bool:
    return k >= program.inputs and program.operations[k - program.inputs].primitive == "constant"


def summed(parts: Sequence[Term]) -> Term:
    """Return the sum of terms."""
    first, *rest = parts
    for part in rest:
        first = first + part
    return first
