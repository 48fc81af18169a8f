"""Certifies recurrences: proven outputs, tolerances of each contract, and gradients."""

from collections.abc import Callable, Sequence

from rnn_goldens.cells.recurrence import RecurrenceCase, case_outputs, packed
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.error_analysis.error_bound import round_up
from rnn_goldens.generator.balls import Undecided, rounded
from rnn_goldens.generator.exact import LAST_BITS, with_enough_bits
from rnn_goldens.generator.exact_array import Refused
from rnn_goldens.generator.exactness import Needs
from rnn_goldens.generator.recurrences.balls import in_balls
from rnn_goldens.generator.recurrences.bound import BITS, KINDS, Bounds
from rnn_goldens.generator.recurrences.chunked import chunked
from rnn_goldens.generator.recurrences.forms import chunk_sizes, exact_chunk_sizes, largest, needs_of_all
from rnn_goldens.generator.recurrences.scenario import RecurrenceScenario
from rnn_goldens.generator.recurrences.unrolled import Unrolled, unrolled
from rnn_goldens.generator.scenario_fields import require_precisions
from rnn_goldens.golden.arrays import Float64, GoldenArrays
from rnn_goldens.golden.features import recurrence_features
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import LARGEST_TOLERANCE, Coefficients, Contracts, Exact, Tolerance, loosest

Arrays = dict[str, Float64]


def certified_recurrence(scenario: RecurrenceScenario) -> tuple[Golden, dict[str, str]]:
    """Compute expected outputs, and derive their tolerance for each contract.

    Returns:
        The golden without gradients; and by precision, why it cannot be checked in it.

    Raises:
        Refused: as for ``certify``.
    """
    case, shapes = scenario.case(), scenario.shapes
    graphs = [unrolled(one) for one in case.sequences()]
    values, bits = _certified(scenario, graphs)
    tolerance, precisions, left_out = _tolerance(scenario, case, graphs, values)
    require_precisions(scenario.id, scenario.precisions, scenario.declared, left_out)
    features = recurrence_features(
        case.config, state=scenario.has_state, packed=case.offsets is not None, exact=isinstance(tolerance, Exact)
    )
    golden = Golden(
        id=scenario.id,
        title=scenario.title,
        purpose=scenario.purpose,
        documented_in=scenario.documented_in,
        cell=scenario.cell,
        config=case.config,
        features=(*features, *(scenario.declared or ())),
        tolerance=tolerance,
        precisions=precisions,
        provenance={"answer": f"ball arithmetic with {bits} bits, correctly rounded"},
        stored=GoldenArrays(
            weights=scenario.named(shapes.weights),
            inputs=scenario.named(shapes.inputs),
            states=scenario.named(shapes.initial),
            offsets=case.offsets,
            expected=values,
        ),
    )
    if not any(array.any() for array in values.values()):
        raise Refused(f"{golden.id}: every output is zero, so it detects nothing")
    return golden, left_out


def _certified(scenario: RecurrenceScenario, graphs: Sequence[Unrolled]) -> tuple[Arrays, int]:
    """Return the outputs, correctly rounded, and the bits that proved them."""

    def run(count: Callable[[int], None]) -> Arrays:
        found = []
        for of in graphs:
            balls = in_balls(of.graph, of.graph.needed(of.results))
            count(len(of.steps))
            found.append(_outputs(of, [rounded(balls[node.place]) for node in of.results]))
        return packed(found, graphs[0].case.config)

    try:
        return with_enough_bits(run, "values", sum(len(of.steps) for of in graphs))
    except Undecided as undecided:
        raise Refused(f"{scenario.id}: undecided with {LAST_BITS} bits: {undecided}") from None


def _outputs(of: Unrolled, values: Sequence[Float64]) -> Arrays:
    """Return values of the results of a graph, in lanes, as the golden stores them."""
    recurrence, left = of.case.config.recurrence, iter(values)
    outputs = [{name: next(left) for name in recurrence.outputs} for _ in of.outputs]
    return case_outputs(of.case, outputs, {name: next(left) for name in recurrence.compared})


def _tolerance(
    scenario: RecurrenceScenario, case: RecurrenceCase, graphs: Sequence[Unrolled], values: Arrays
) -> tuple[Tolerance, tuple[str, ...], dict[str, str]]:
    """Return the tolerance, the precisions, and why precisions are left out."""
    needs = _needs(case, graphs)
    if needs is not None and needs.met_by(PRECISIONS["float32"]):
        fit = tuple(p for p in scenario.precisions if needs.met_by(PRECISIONS[p]))
        needed = f"exact outputs need {needs.bits} significant bits and the range of their sums"
        left_out = {p: f"{needed}: too much for {p}" for p in scenario.precisions if p not in fit}
        return Exact(bits=needs.bits), fit, left_out
    step = _coefficients(graphs)
    chunks = [_coefficients(_chunked(case, size)) for size in chunk_sizes(case)]
    tolerance = Contracts(step, largest([step, *chunks]) if chunks else None)
    loose = {p: loosest(tolerance, values, PRECISIONS[p]) for p in scenario.precisions}
    precisions = tuple(p for p, most in loose.items() if most <= LARGEST_TOLERANCE)
    if not precisions:
        listed = ", ".join(f"{most:.2g} in {p}" for p, most in loose.items())
        raise Refused(
            f"{scenario.id}: the tolerance is too loose in every precision: {listed}, at most {LARGEST_TOLERANCE} is "
            "allowed"
        )
    why_not = {p: f"tolerance {most:.2g} in {p}, at most {LARGEST_TOLERANCE} is allowed" for p, most in loose.items()}
    return tolerance, precisions, {p: why for p, why in why_not.items() if p not in precisions}


def _chunked(case: RecurrenceCase, size: int) -> list[Unrolled]:
    return [chunked(one, min(size, one.time)) for one in case.sequences()]


def _needs(case: RecurrenceCase, graphs: Sequence[Unrolled]) -> Needs | None:
    """Return what a precision needs for results without rounding, step by step and in chunks; None if all round."""
    found = needs_of_all([of.graph for of in graphs])
    if found is None or not found.met_by(PRECISIONS["float32"]):
        return found
    forms = [graphs, *(_chunked(case, size) for size in exact_chunk_sizes(case))]
    return needs_of_all([of.graph for form in forms for of in form])


def _coefficients(graphs: Sequence[Unrolled]) -> Coefficients:
    """Return the coefficients of the outputs of one algorithm."""
    by_sequence = [Bounds(of.graph, of.results).of(of.results) for of in graphs]
    kinds = []
    for kind in range(KINDS):
        found = [
            _outputs(of, [bound[kind] for bound in bounds]) for of, bounds in zip(graphs, by_sequence, strict=True)
        ]
        kinds.append({name: round_up(array, BITS) for name, array in packed(found, graphs[0].case.config).items()})
    return Coefficients(*kinds)
