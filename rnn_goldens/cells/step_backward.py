"""The backward pass of one step of a network, derived from the step's program by reverse mode.

Products and biases are those of a network: all gates share them, and each uses a block of their rows.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import add
from typing import NamedTuple

from rnn_goldens.cells.derivatives import Symbols, part_of
from rnn_goldens.cells.notation import Term
from rnn_goldens.cells.step_program import Operation, Program, written
from rnn_goldens.golden.shapes import Block


class Share(NamedTuple):
    """A step's contribution to the gradient of a block of a weight: g vᵀ for a matrix, g for a vector.

    Attributes:
        block: the block.
        g: index of the cotangent in the values of the reverse program.
        v: index of the vector that the matrix was multiplied with; None if the weight is a vector.
    """

    block: Block
    g: int
    v: int | None


@dataclass(frozen=True, eq=False)
class Reverse:
    """The backward pass of a step.

    Attributes:
        program: its inputs are every value of the step, then the cotangent of each state after it; its first results
            are the cotangents of x and of the states before the step.
        shares: the contributions to the gradients of weights.
    """

    program: Program
    shares: tuple[Share, ...]


@lru_cache(maxsize=4096)
def reverse(program: Program) -> Reverse:
    """Return the backward pass of a step.

    If the program fuses products and biases of all gates, the backward pass has one product for all of them; otherwise
    one for each gate.
    """
    back = _Differentiation(program)
    sides = [side for _, g, v in back.shares for side in ((g,) if v is None else (g, v))]
    found = written(back.inputs, [*back.before, *sides])
    place = dict(zip(sides, found.after[program.inputs :], strict=True))
    shares = (Share(block, place[g], None if v is None else place[v]) for block, g, v in back.shares)
    return Reverse(found, tuple(shares))


class _Differentiation:
    """Passes the cotangent of each value to its arguments, from the last value to the first."""

    def __init__(self, program: Program) -> None:
        self.program, self._narrow, self._symbols = program, _narrow(program), Symbols(Term, Term)
        self._at_once = any(operation.primitive == "affine" for operation in program.operations)
        values = program.inputs + len(program.operations)
        self.inputs = [Term("input") for _ in range(values + len(program.after))]
        self.shares: list[tuple[Block, Term, Term | None]] = []
        self._parts: defaultdict[int, list[Term]] = defaultdict(list)
        self._blocks: defaultdict[int, dict[int, list[Term]]] = defaultdict(lambda: defaultdict(list))
        for k, g in zip(program.after, self.inputs[values:], strict=True):
            self._parts[k].append(g)
        for k in range(values - 1, program.inputs - 1, -1):
            self._through(k, program.operations[k - program.inputs])
        self.before = [
            _summed(self._parts[k]) if self._parts[k] else Term("nothing", (self.inputs[k],))
            for k in range(program.inputs)
        ]

    def _through(self, k: int, operation: Operation) -> None:
        if self._blocks[k]:
            self._through_blocks(k, operation)
        elif self._parts[k]:
            g = _summed(self._parts[k])
            if operation.primitive in ("product", "affine"):
                self._through_product(operation, g, 0, 1)
            elif operation.primitive == "vector":
                self.shares.append((Block(operation.weights[0], *operation.detail), g, None))
            elif operation.primitive == "block":
                self._blocks[operation.of[0]][operation.detail[0]].append(g)
            else:
                self._through_units(k, operation, g)

    def _through_blocks(self, k: int, operation: Operation) -> None:
        """Differentiate a product used in blocks: all blocks at once if a fused program uses all, else one by one."""
        blocks = {index: _summed(parts) for index, parts in sorted(self._blocks[k].items())}
        count = next(o.detail[1] for o in self.program.operations if o.primitive == "block" and o.of == (k,))
        if self._at_once and len(blocks) == count:
            self._through_product(operation, Term("joined", tuple(blocks.values())), 0, 1)
        else:
            for index, g in blocks.items():
                self._through_product(operation, g, index, count)

    def _through_product(self, operation: Operation, g: Term, index: int, blocks: int) -> None:
        (of,), (matrix, *biases) = operation.of, operation.weights
        self.shares.append((Block(matrix, index, blocks), g, self._value(of)))
        self.shares += [(Block(bias, index, blocks), g, None) for bias in biases]
        self._parts[of].append(Term("transposed", (g,), (matrix, index, blocks)))

    def _through_units(self, k: int, operation: Operation, g: Term) -> None:
        arguments = [self._value(of) for of in operation.of]
        for number, of in enumerate(operation.of):
            if _is_constant(self.program, of):
                continue
            part = part_of(self._symbols, operation, number, g, self._value(k), arguments)
            if part is not None:
                narrower = of in self._narrow and k not in self._narrow
                self._parts[of].append(Term("total", (part,)) if narrower else part)

    def _value(self, k: int) -> Term:
        """Return a value of the step as a term; a constant value is a constant term."""
        is_constant = _is_constant(self.program, k)
        return (
            Term("constant", (), self.program.operations[k - self.program.inputs].detail)
            if is_constant
            else self.inputs[k]
        )


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


def _summed(parts: Sequence[Term]) -> Term:
    return reduce(add, parts)
