"""Runs the exhaustive check: certifies thousands of arguments at a time, runs the implementation and compares."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.verdict import compare
from rnn_goldens.errors import ProgramFailed, Unsupported
from rnn_goldens.exhaustive.activation_errors import ActivationErrors
from rnn_goldens.exhaustive.arguments import PRECISIONS_CHECKED, Float64, arguments
from rnn_goldens.exhaustive.networks import ACTIVATIONS, Activation
from rnn_goldens.golden.arrays import GoldenArrays
from rnn_goldens.golden.features import derived_features
from rnn_goldens.plugin.guard import ImplementationFailed

ROWS = 4096
"""The number of arguments per golden, which takes a few tenths of a second, including certification."""


@dataclass(frozen=True)
class SweepResult:
    """The result of the exhaustive check of one activation in one precision.

    Attributes:
        activation: the activation.
        precision: the precision.
        errors: the errors; None if no outputs could be compared.
        refused: the number of arguments that the implementation refused.
        failure: the first failure other than wrong values, such as a crash or a wrong shape; "" if there was none.
    """

    activation: Activation
    precision: str
    errors: ActivationErrors | None
    refused: int
    failure: str

    @property
    def is_right(self) -> bool:
        """True if no argument failed. Refused arguments do not count as failed."""
        return not self.failure and (self.errors is None or not self.errors.wrong)


def exhaustive_check(
    run: Callable[[Any], Sequence[Any]], cells: Iterable[str] = (), precisions: Iterable[str] = ()
) -> Iterator[SweepResult]:
    """Check every argument of each activation in each precision.

    Args:
        run: the implementation, a function that takes the inputs of a golden and returns outputs.
        cells: the cells to check; all if empty.
        precisions: the precisions to check, of ``PRECISIONS_CHECKED``; all if empty.
    """
    selected_cells, selected_precisions = set(cells), set(precisions)
    for activation in ACTIVATIONS:
        for precision in PRECISIONS_CHECKED:
            if (not selected_cells or activation.cell in selected_cells) and (
                not selected_precisions or precision in selected_precisions
            ):
                yield _sweep(run, activation, precision)


def _sweep(run: Callable[[Any], Sequence[Any]], activation: Activation, precision: str) -> SweepResult:
    values = arguments(precision)
    errors: ActivationErrors | None = None
    refused, failure = 0, ""
    for begin in range(0, len(values), ROWS):
        chunk = values[begin : begin + ROWS]
        golden = certified(activation, precision, chunk)
        try:
            outputs = run(golden.for_implementation())
        except Unsupported:
            refused += len(chunk)
            continue
        except (ImplementationFailed, ProgramFailed) as error:
            failure = failure or str(error)
            continue
        in_chunk = ActivationErrors.of(activation, golden, outputs)
        if in_chunk is not None:
            errors = in_chunk if errors is None else errors & in_chunk
        if not failure and not (verdict := compare(golden, *outputs)).passed and not (in_chunk and in_chunk.wrong):
            failure = verdict.message
    return SweepResult(activation, precision, errors, refused, failure)


def certified(activation: Activation, precision: str, values: Float64) -> Golden:
    """Return a certified golden for arguments of an activation. Needs python-flint."""
    from rnn_goldens.cells.composition import recorded
    from rnn_goldens.error_analysis.error_bound import bounds_of
    from rnn_goldens.generator.exact import proven

    case = activation.case(values)
    forward, layout = recorded(case), case.cell.layout
    outputs, bits = proven(forward)
    states = dict(zip(layout.initial, case.state, strict=True)) if case.state_given else {}
    derived = derived_features(case.config, state=case.state_given, exact=False)
    golden = Golden(
        id=f"exhaustive/{activation.cell} {activation.name} from {values[0]:.9g}".replace("_", "-").replace(" ", "-"),
        title=f"{activation.cell}: {activation.name}",
        purpose=f"The {activation.name} at arguments in {precision}: detects an error at any of them.",
        documented_in="rnn-goldens, exhaustive",
        cell=activation.cell,
        config=case.config,
        features=(*derived, "saturated", "degenerate"),
        tolerance=bounds_of(forward).tolerance,
        precisions=(precision,),
        provenance={"answer": f"ball arithmetic with {bits} bits, correctly rounded"},
        stored=GoldenArrays(
            weights=case.weights,
            inputs={"x": case.x},
            states=states,
            expected=outputs,
        ),
    )
    return golden.in_precision(precision)
