"""A step as an error sees it: what each of a few values loses, and how each depends on those before it.

Between these values, the joints, everything is computed unit by unit and used once, so one derivative a unit says it
all: what is lost there is added up at the joint that comes next.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnn_goldens.cells.derivatives import derivative
from rnn_goldens.cells.program import Operation, Program
from rnn_goldens.generator.losses import is_short, loss
from rnn_goldens.generator.recorded import Float64, Unrolled

KINKED = ("relu", "clip", "maximum")


@dataclass(frozen=True, eq=False)
class Link:
    """How a joint depends on an earlier one, or on an input of the step.

    Attributes:
        of: where in the program's values that one stands.
        by: the derivative unit by unit, (visits, batch, units), if it is that.
        products: otherwise the derivative is the sum of these: matrices, (units, units of the other), with their rows
            scaled by (visits, batch, units). Written out for all visits they would take most of the memory.
    """

    of: int
    by: Float64 | None = None
    products: Sequence[tuple[Float64, Float64]] = ()

    def pulled(self, g: Float64, visit: int) -> Float64:
        """What the other gets of derivatives (batch, rows, units) by this joint, at a visit."""
        if self.by is not None:
            return np.asarray(g * self.by[visit][:, None])
        (by, matrix), *more = self.products
        whole = by[visit][..., None] * matrix
        for by, matrix in more:
            whole += by[visit][..., None] * matrix
        return np.asarray(g @ whole)


@dataclass(frozen=True, eq=False)
class Linearized:
    """One layer in one direction, linearized.

    Attributes:
        unrolled: what it did.
        losses: of each joint, in the program's order: (2, visits, batch, units), what was lost since the joints before.
        links: of each joint, those it depends on.
        kinks: joints on whose value it depends which side of a kink is taken.
    """

    unrolled: Unrolled
    losses: dict[int, Float64]
    links: dict[int, list[Link]]
    kinks: tuple[int, ...]


def linearized(unrolled: Unrolled, *, of_input: bool) -> Linearized:
    """Linearize; ``of_input``: whether x itself may be off, because it comes from a layer below."""
    program = unrolled.program
    joints = _joints(unrolled)
    losses, links = {}, {}
    own = {k: lost for k in range(program.inputs, len(unrolled.values)) if (lost := loss(unrolled, k)) is not None}
    sources = {*range(0 if of_input else 1, program.inputs), *joints}
    for joint in sorted(joints):
        descent = _Descent(joint, unrolled, own, sources)
        losses[joint], links[joint] = np.where(unrolled.within[..., None], descent.lost, 0), descent.links
    return Linearized(unrolled, losses, links, _kinks(program))


def _kinks(program: Program) -> tuple[int, ...]:
    kinked = {of for operation in program.operations if operation.primitive in KINKED for of in operation.of}
    return tuple(sorted(kinked))


def _joints(unrolled: Unrolled) -> set[int]:
    """Values that are used more than once, by several units, at a kink, or after the step."""
    program = unrolled.program
    uses: Counter[int] = Counter(program.after)
    apart: defaultdict[int, set[object]] = defaultdict(set)
    found = {*program.after, *_kinks(program)}
    for k, operation in enumerate(program.operations, program.inputs):
        if operation.primitive == "block":  # every unit of a product is used once if every block of it is
            apart[operation.of[0]].add(operation.detail)
        else:
            uses.update(operation.of)
        if operation.primitive in ("product", "mean"):
            found.update(operation.of)
        units = unrolled.values[k].shape[-1]
        found.update(of for of in operation.of if unrolled.values[of].shape[-1] < units)
    found |= {k for k, count in uses.items() if count + bool(apart[k]) > 1}
    return {k for k in found if k >= program.inputs and _varies(program, k)}


def _varies(program: Program, k: int) -> bool:
    """Whether a value can be off: weights can not, nor constants that no precision rounds."""
    operation = program.operations[k - program.inputs]
    exact = operation.primitive == "constant" and is_short(operation.detail[0])
    return operation.primitive != "vector" and not exact


class _Descent:
    """The way down from a joint to those before it."""

    def __init__(self, joint: int, unrolled: Unrolled, own: dict[int, Float64], sources: set[int]) -> None:
        self.unrolled, self.own, self.sources = unrolled, own, sources
        shape = np.broadcast_shapes(unrolled.values[joint].shape, (*unrolled.within.shape, 1))
        self.lost, self.by = np.zeros((2, *shape)), {joint: np.ones(shape)}
        self._unit_by_unit: dict[int, Float64] = {}
        self._products: defaultdict[int, list[tuple[Float64, Float64]]] = defaultdict(list)
        for k in range(joint, -1, -1):
            if k in self.by:
                g = self.by.pop(k)
                if k != joint and k in sources:
                    self._link(k, g)
                elif (operation := unrolled.operation(k)) is not None:
                    self._pass_on(k, operation, g)

    @property
    def links(self) -> list[Link]:
        """How the joint depends on them; beyond its end a sequence has no step, and nothing depends on anything."""
        here = self.unrolled.within[..., None]
        return [
            *(Link(of, np.where(here, by, 0)) for of, by in self._unit_by_unit.items()),
            *(
                Link(of, None, [(np.where(here, by, 0), matrix) for by, matrix in parts])
                for of, parts in self._products.items()
            ),
        ]

    def _link(self, of: int, g: Float64) -> None:
        if self.unrolled.values[of].shape[-1] == g.shape[-1]:
            self._unit_by_unit[of] = self._unit_by_unit.get(of, 0) + g
        else:
            self._product(of, g, np.ones((g.shape[-1], 1)))

    def _product(self, of: int, by: Float64, matrix: Float64) -> None:
        if of in self.sources:
            self._products[of].append((by, matrix))

    def _pass_on(self, k: int, operation: Operation, g: Float64) -> None:
        """Give the arguments of a value their part of its derivative."""
        if k in self.own:
            self.lost += np.abs(g) * self.own[k]
        if operation.primitive == "block":
            product = self.unrolled.operation(operation.of[0])
            assert product is not None
            part = slice(operation.detail[0] * g.shape[-1], (operation.detail[0] + 1) * g.shape[-1])
            self.lost += np.abs(g) * self.own[operation.of[0]][..., part]
            self._product(product.of[0], g, self.unrolled.w[product.weights[0]][part])
        elif operation.primitive == "product":
            self._product(operation.of[0], g, self.unrolled.w[operation.weights[0]])
        elif operation.primitive == "mean":
            units = self.unrolled.values[operation.of[0]].shape[-1]
            self._product(operation.of[0], g, np.full((g.shape[-1], units), 1 / units))
        else:
            arguments = self.unrolled.arguments(k)
            for number, of in enumerate(operation.of):
                if of < self.unrolled.program.inputs or _varies(self.unrolled.program, of):
                    slope = derivative(
                        operation.primitive, number, self.unrolled.values[k], arguments, operation.detail
                    )
                    self.by[of] = self.by.get(of, 0) + g * slope


def flattest(unrolled: Unrolled) -> float:
    """The smallest derivative of any activation on the way: small where one is saturated."""
    smallest, within = 1.0, unrolled.within
    for k, operation in enumerate(unrolled.program.operations, unrolled.program.inputs):
        if operation.primitive in ("sigmoid", "tanh"):
            slope = derivative(operation.primitive, 0, unrolled.values[k], unrolled.arguments(k), ())
            smallest = min(smallest, float(slope[within].min(initial=1.0)))
    return smallest
