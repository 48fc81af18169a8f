"""Certifies gradients of recurrences: proven values, and a tolerance over the graph of both passes."""

from collections.abc import Callable, Sequence
from functools import reduce
from operator import add

import numpy as np

from rnn_goldens.cells.recurrence import RecurrenceCase, from_lanes, lanes_of_cotangents
from rnn_goldens.cells.recurrence_backward import by_sequence, gradients_from_lanes, joined
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.error_analysis.error_bound import round_up
from rnn_goldens.generator.balls import Undecided, rounded
from rnn_goldens.generator.exact import LAST_BITS, with_enough_bits
from rnn_goldens.generator.exact_array import Refused
from rnn_goldens.generator.recurrences.balls import in_balls
from rnn_goldens.generator.recurrences.bound import BITS, KINDS, STORAGE, Bounds
from rnn_goldens.generator.recurrences.chunked import chunked
from rnn_goldens.generator.recurrences.forms import chunk_sizes, largest, needs_of_all
from rnn_goldens.generator.recurrences.graph import Node
from rnn_goldens.generator.recurrences.scenario import RecurrenceScenario
from rnn_goldens.generator.recurrences.unrolled import Unrolled, UnrolledGradients, unrolled, unrolled_gradients
from rnn_goldens.golden.arrays import Float64
from rnn_goldens.golden.gradients import Gradients
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import (
    LARGEST_TOLERANCE_OF_GRADIENTS,
    Coefficients,
    Contracts,
    Exact,
    Tolerance,
    loosest_of_gradients,
)

Arrays = dict[str, Float64]


def certify_gradients(scenario: RecurrenceScenario, golden: Golden) -> tuple[Gradients, dict[str, str]]:
    """Compute the gradients for a scenario's cotangents, and derive their tolerance.

    The tolerance is that of reverse mode through the step form, and the largest of step and chunked forms.

    Returns:
        The gradients; and by precision of the golden, why they cannot be checked in it.

    Raises:
        Refused: all gradients are zero or undecided, or the tolerance is too loose in every precision.
    """
    case, cotangents = scenario.case(), scenario.named(scenario.shapes.cotangents)
    graphs = _graphs(case, cotangents)
    expected, bits = _certified(scenario, case, graphs)
    if not any(array.any() for array in expected.values()):
        raise Refused(f"{scenario.id}: every gradient is zero, so these cotangents detect nothing")
    tolerance, precisions, left_out = _tolerance(golden, case, graphs, expected, cotangents)
    gradients = Gradients(
        purpose=scenario.gradient_purpose,
        precisions=precisions,
        cotangents=cotangents,
        expected=expected,
        tolerance=tolerance,
        provenance={"answer": f"reverse mode in ball arithmetic with {bits} bits, correctly rounded"},
    )
    return gradients, left_out


def _graphs(case: RecurrenceCase, cotangents: Arrays, size: int = 0) -> list[UnrolledGradients]:
    """Return the graph of each packed sequence: step by step, or in chunks of a size."""

    def form(one: RecurrenceCase) -> Unrolled:
        return chunked(one, min(size, one.time)) if size else unrolled(one)

    sequences = by_sequence(case, cotangents)
    return [unrolled_gradients(one, lanes_of_cotangents(one, part), form) for one, part in sequences]


def _certified(
    scenario: RecurrenceScenario, case: RecurrenceCase, graphs: Sequence[UnrolledGradients]
) -> tuple[Arrays, int]:
    """Return the gradients, correctly rounded, and the bits that proved them."""

    def run(count: Callable[[int], None]) -> Arrays:
        balls = []
        for of in graphs:
            graph = of.forward.graph
            balls.append(in_balls(graph, graph.needed(of.results)))
            count(len(of.steps))
        others = [
            _collected(of, lambda node, found=found: rounded(_of(found, node)), case)  # type: ignore[misc]
            for of, found in zip(graphs, balls, strict=True)
        ]
        named = {}
        for name, axes in case.config.recurrence.weights.items():
            parts = [_of(found, of.weights[name]) for of, found in zip(graphs, balls, strict=True)]
            named[name] = from_lanes(rounded(np.asarray(reduce(add, parts))), axes)[0]
        return joined(case, others) | named

    try:
        return with_enough_bits(run, "gradients", sum(len(of.steps) for of in graphs))
    except Undecided as undecided:
        raise Refused(f"{scenario.id}: gradients are not decided with {LAST_BITS} bits: {undecided}") from None


def _of(values: dict[int, Float64], node: Node | None) -> Float64:
    assert node is not None, "each input, state and weight has an influence"
    return values[node.place]


def _collected(of: UnrolledGradients, value: Callable[[Node | None], Float64], case: RecurrenceCase) -> Arrays:
    """Return the gradients of one sequence by inputs and given initial states, as the golden stores them."""
    steps = [{name: value(node) for name, node in step.items() if name in case.config.inputs} for step in of.steps]
    states = {name: value(node) for name, node in of.start.items()} if case.state_given else {}
    return gradients_from_lanes(case, steps, states, {})


def _tolerance(
    golden: Golden, case: RecurrenceCase, graphs: Sequence[UnrolledGradients], expected: Arrays, cotangents: Arrays
) -> tuple[Tolerance, tuple[str, ...], dict[str, str]]:
    """Return the tolerance, exact if float32 rounds nothing; the precisions; and why others are left out."""
    sizes = chunk_sizes(case)
    if isinstance(golden.tolerance, Exact):
        forms = [graphs, *(_graphs(case, cotangents, size) for size in sizes)]
        needs = needs_of_all([of.forward.graph for form in forms for of in form])
        if needs is not None and needs.met_by(PRECISIONS["float32"]):
            fit = tuple(p for p in golden.precisions if needs.met_by(PRECISIONS[p]))
            why = f"exact gradients need {needs.bits} significant bits and the range of their sums"
            return Exact(bits=needs.bits), fit, {p: why for p in golden.precisions if p not in fit}
    step = _coefficients(case, graphs)
    chunks = [_coefficients(case, _graphs(case, cotangents, size)) for size in sizes]
    tolerance = Contracts(step, largest([step, *chunks]) if chunks else None)
    loose = {p: loosest_of_gradients(tolerance, expected, PRECISIONS[p]) for p in golden.precisions}
    precisions = tuple(p for p, most in loose.items() if most <= LARGEST_TOLERANCE_OF_GRADIENTS)
    listed = {
        p: f"the tolerance is {most:.2g} of the largest gradient, at most {LARGEST_TOLERANCE_OF_GRADIENTS} is allowed"
        for p, most in loose.items()
        if p not in precisions
    }
    if not precisions:
        reasons = "; ".join(f"in {p} {why}" for p, why in listed.items())
        raise Refused(f"{golden.id}: the tolerance of the gradients is too loose in every precision: {reasons}")
    return tolerance, precisions, listed


def _coefficients(case: RecurrenceCase, graphs: Sequence[UnrolledGradients]) -> Coefficients:
    """Return the coefficients of all gradients. Those of weights add up over sequences, and so does their sum."""
    bounds = []
    for of in graphs:
        found = Bounds(of.forward.graph, of.results).of(of.results)
        bounds.append({node.place: bound for node, bound in zip(of.results, found, strict=True)})
    kinds = []
    for kind in range(KINDS):
        of_kind = [{place: bound[kind] for place, bound in found.items()} for found in bounds]
        others = [
            _collected(of, lambda node, found=found: _of(found, node), case)  # type: ignore[misc]
            for of, found in zip(graphs, of_kind, strict=True)
        ]
        weights = {
            name: from_lanes(_summed(name, graphs, of_kind, is_storage=kind == STORAGE), axes)[0]
            for name, axes in case.config.recurrence.weights.items()
        }
        kinds.append({name: round_up(array, BITS) for name, array in (joined(case, others) | weights).items()})
    return Coefficients(*kinds)


def _summed(
    name: str, graphs: Sequence[UnrolledGradients], bounds: Sequence[dict[int, Float64]], *, is_storage: bool
) -> Float64:
    """Return the coefficients of the gradient of a weight, with the loss of adding up packed sequences."""
    nodes = [of.weights[name] for of in graphs]
    parts = [(node, found[node.place]) for node, found in zip(nodes, bounds, strict=True) if node is not None]
    total: Float64 = np.sum([bound for _, bound in parts], axis=0)
    if is_storage and len(parts) > 1:
        total = total + (len(parts) - 1) * np.sum([np.abs(node.value) for node, _ in parts], axis=0)
    return total
