"""Derives tolerances: first-order worst-case bounds on the rounding errors of any correct implementation.

The error of an output is at most a sum over all operations before it: the rounding error of an operation times the
absolute value of the exact derivative of the output by the operation's result. The sum is linear in two roundoffs, of
accumulation and of storage, so the bound is two numbers per element. See docs/numerics.md for the derivation.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnn_goldens.cells import Case
from rnn_goldens.cells.derivatives import derivative
from rnn_goldens.cells.program import Operation
from rnn_goldens.error_analysis.forward import Forward, Step, traced
from rnn_goldens.error_analysis.graph import Graph, arguments
from rnn_goldens.error_analysis.rounding_model import ACCUMULATION, FLUSHING, STORAGE
from rnn_goldens.error_analysis.sensitivities import Sensitivities, Units
from rnn_goldens.golden.arrays import Float64
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.profile import IEEE
from rnn_goldens.golden.tolerance import Bound, roundoff_sum

KINKED = ("relu", "clip", "maximum", "thresholded_relu")


@dataclass(frozen=True, eq=False)
class ErrorBound:
    """The error bound of a case.

    Attributes:
        tolerance: the bound.
        flattest: the smallest derivative of any sigmoid or tanh; small if one is saturated.
        undecided: precisions in which rounding may decide the side of a kink, so that no first-order bound holds.
    """

    tolerance: Bound
    flattest: float
    undecided: frozenset[str]


def error_bound(case: Case, arithmetic: str = IEEE) -> ErrorBound:
    """Return a bound on the errors of any correct implementation of a case with float64 arrays.

    Under an arithmetic other than ieee, it holds in float32.
    """
    return bound_of(traced(case), arithmetic)


def bound_of(found: Forward, arithmetic: str = IEEE) -> ErrorBound:
    """Return the error bound of a recorded forward pass."""
    errors, case = _errors(found, arithmetic), found.case
    out = np.concatenate([_of_out(steps, errors) for steps in found.layers[-1]], axis=-1)
    ends = [steps[-1].state for layer in found.layers for steps in layer]
    last = [np.stack([errors[place] for place in state], axis=1) for state in zip(*ends, strict=True)]
    if not case.batched:
        out, last = out[:, 0], [part[:, :, 0] for part in last]
    names = ("out", *(f"{name}_n" for name in case.cell.states))
    rounded = {name: round_up(error) for name, error in zip(names, (out, *last), strict=True)}
    tolerance = Bound(*({name: error[kind] for name, error in rounded.items()} for kind in (ACCUMULATION, STORAGE)))
    return ErrorBound(tolerance, _flattest(found), frozenset(_undecided(found, errors)))


def _errors(found: Forward, arithmetic: str) -> dict[int, Float64]:
    """Return the errors of outputs, last states and arguments of kinks by position: (2, batch, units) each."""
    parts = [(steps, layer is found.layers[-1]) for layer in found.layers for steps in layer]
    targets = [[Units(found.graph, k) for k in _targets(found.graph, steps, on_top=on_top)] for steps, on_top in parts]
    sensitivities = Sensitivities(found.graph, [one for ones in targets for one in ones], [FLUSHING], arithmetic)
    errors: dict[int, Float64] = {}
    for number, ones in enumerate(targets, 1):
        of_ones = sensitivities.of(ones, f"tolerance, part {number} of {len(targets)}")
        errors |= {one.place: np.moveaxis(error, -1, 0) for one, error in zip(ones, of_ones, strict=True)}
    return errors


def _targets(graph: Graph, steps: Sequence[Step], *, on_top: bool) -> set[int]:
    """Return the positions of the last states, arguments of kinks and, in the last layer, outputs of a direction."""
    kinks = {of for step in steps for _, operation in step.operations(graph, KINKED) for of in operation.of}
    return {*steps[-1].state, *((step.state[0] for step in steps) if on_top else ()), *kinks}


def _of_out(steps: Sequence[Step], errors: Mapping[int, Float64]) -> Float64:
    """Return the errors of the outputs of a direction, (2, batch, time, hidden)."""
    in_time = sorted(steps, key=lambda step: step.t)
    return np.stack([np.where(step.within[:, None], errors[step.state[0]], 0) for step in in_time], axis=2)


def _undecided(found: Forward, errors: Mapping[int, Float64]) -> Iterator[str]:
    """Yield the precisions in which a value may be rounded to the wrong side of a kink."""
    for step in found.steps:
        for k, operation in step.operations(found.graph, KINKED):
            error = np.sum([errors[of] for of in operation.of], axis=0)
            for distance in _distances(operation, arguments(found.graph, k)):
                for precision in PRECISIONS.values():
                    wrong_side = np.abs(distance) <= roundoff_sum(error[ACCUMULATION], error[STORAGE], precision)
                    if (wrong_side & step.within[:, None]).any():
                        yield precision.name


def _distances(operation: Operation, operands: Sequence[Float64]) -> Iterator[Float64]:
    """Yield the distances of the argument of a primitive from its kinks."""
    if operation.primitive in ("clip", "thresholded_relu"):
        yield from (operands[0] - float(limit) for limit in operation.detail)
    else:
        yield operands[0] - operands[1] if operation.primitive == "maximum" else operands[0]


def _flattest(found: Forward) -> float:
    """Return the smallest derivative of any sigmoid or tanh."""
    smallest, graph = 1.0, found.graph
    for step in found.steps:
        for k, operation in step.operations(graph, ("sigmoid", "tanh")):
            slope = derivative(operation.primitive, 0, graph.values[k], arguments(graph, k), ())
            smallest = min(smallest, float(np.where(step.within[:, None], slope, 1.0).min()))
    return smallest


def round_up(error: Float64, bits: int = 8) -> Float64:
    """Round up to a few significant bits, which are enough for a bound and keep files small."""
    mantissas, exponents = np.frexp(error)
    rounded: Float64 = np.ldexp(np.ceil(mantissas * 2**bits), exponents - bits)
    return rounded
