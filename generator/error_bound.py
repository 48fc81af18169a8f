"""The tolerance: a worst-case bound on the rounding errors of any correct implementation, to first order.

The error of an output is at most the sum, over everything that is computed before it, of what may be lost there times
the absolute value of the exact derivative of the output by it. It is linear in two roundoffs, of accumulation and of
storage, so the bound is two numbers an element. Derived in docs/numerics.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnn_goldens.cells import Case
from rnn_goldens.cells.derivatives import derivative
from rnn_goldens.cells.program import Operation
from rnn_goldens.generator.error_analysis.forward import Forward, Step, traced
from rnn_goldens.generator.error_analysis.graph import Graph, arguments
from rnn_goldens.generator.error_analysis.losses import ACCUMULATION, FLUSHING, STORAGE
from rnn_goldens.generator.error_analysis.sensitivities import Sensitivities, Units
from rnn_goldens.golden.arrays import Float64
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import Bound, roundoff_sum

KINKED = ("relu", "clip", "maximum")


@dataclass(frozen=True, eq=False)
class ErrorBound:
    """What is known of the errors of a case.

    Attributes:
        tolerance: the bound itself.
        flattest: the smallest derivative of any activation on the way: small where one is saturated.
        undecided: precisions in which rounding may decide which side of a kink is taken, so that no first-order bound
            holds.
    """

    tolerance: Bound
    flattest: float
    undecided: frozenset[str]


def error_bound(case: Case) -> ErrorBound:
    """Bound the errors of any correct implementation of a case, whose arrays are float64."""
    return bound_of(traced(case))


def bound_of(found: Forward) -> ErrorBound:
    """The same, of what has been written down."""
    errors, case = _errors(found), found.case
    out = np.concatenate([_of_out(steps, errors) for steps in found.layers[-1]], axis=-1)
    ends = [steps[-1].state for layer in found.layers for steps in layer]
    last = [np.stack([errors[place] for place in state], axis=1) for state in zip(*ends, strict=True)]
    if not case.batched:
        out, last = out[:, 0], [part[:, :, 0] for part in last]
    names = ("out", *(f"{name}_n" for name in case.cell.states))
    rounded = {name: round_up(error) for name, error in zip(names, (out, *last), strict=True)}
    tolerance = Bound(*({name: error[kind] for name, error in rounded.items()} for kind in (ACCUMULATION, STORAGE)))
    return ErrorBound(tolerance, _flattest(found), frozenset(_undecided(found, errors)))


def _errors(found: Forward) -> dict[int, Float64]:
    """Of outputs, last states and values at a kink, by where they stand: (2, batch, units) each."""
    ways = [(steps, layer is found.layers[-1]) for layer in found.layers for steps in layer]
    asked = [[Units(found.graph, k) for k in _asked(found.graph, steps, on_top=on_top)] for steps, on_top in ways]
    sensitivities = Sensitivities(found.graph, [one for ones in asked for one in ones], [FLUSHING])
    errors: dict[int, Float64] = {}
    for number, ones in enumerate(asked, 1):
        of_ones = sensitivities.of(ones, f"tolerance, part {number} of {len(asked)}")
        errors |= {one.place: np.moveaxis(error, -1, 0) for one, error in zip(ones, of_ones, strict=True)}
    return errors


def _asked(graph: Graph, steps: Sequence[Step], *, on_top: bool) -> set[int]:
    """What is asked of one layer in one direction; out where it is the network's."""
    kinks = {of for step in steps for _, operation in step.operations(graph, KINKED) for of in operation.of}
    return {*steps[-1].state, *((step.state[0] for step in steps) if on_top else ()), *kinks}


def _of_out(steps: Sequence[Step], errors: Mapping[int, Float64]) -> Float64:
    """Of what a direction puts out, (2, batch, time, hidden)."""
    in_time = sorted(steps, key=lambda step: step.t)
    return np.stack([np.where(step.within[:, None], errors[step.state[0]], 0) for step in in_time], axis=2)


def _undecided(found: Forward, errors: Mapping[int, Float64]) -> Iterator[str]:
    """Precisions in which a value may come out on the wrong side of a kink."""
    for step in found.steps:
        for k, operation in step.operations(found.graph, KINKED):
            off = np.sum([errors[of] for of in operation.of], axis=0)
            for distance in _distances(operation, arguments(found.graph, k)):
                for precision in PRECISIONS.values():
                    wrong_side = np.abs(distance) <= roundoff_sum(off[ACCUMULATION], off[STORAGE], precision)
                    if (wrong_side & step.within[:, None]).any():
                        yield precision.name


def _distances(operation: Operation, given: Sequence[Float64]) -> Iterator[Float64]:
    """How far from each of a primitive's kinks what it is given is."""
    if operation.primitive == "clip":
        yield from (given[0] - float(limit) for limit in operation.detail)
    else:
        yield given[0] - given[1] if operation.primitive == "maximum" else given[0]


def _flattest(found: Forward) -> float:
    """The smallest derivative of any activation."""
    smallest, graph = 1.0, found.graph
    for step in found.steps:
        for k, operation in step.operations(graph, ("sigmoid", "tanh")):
            slope = derivative(operation.primitive, 0, graph.values[k], arguments(graph, k), ())
            smallest = min(smallest, float(np.where(step.within[:, None], slope, 1.0).min()))
    return smallest


def round_up(error: Float64) -> Float64:
    """To eight significant bits, upwards: a bound needs no more, and files stay small."""
    mantissas, exponents = np.frexp(error)
    rounded: Float64 = np.ldexp(np.ceil(mantissas * 256), exponents - 8)
    return rounded
