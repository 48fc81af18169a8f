"""Runs the exhaustive check: certifies thousands of arguments at a time, runs the implementation and compares."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.array_conversion import NotNumbers, read
from rnn_goldens.comparison.returned import by_name
from rnn_goldens.comparison.verdict import compare
from rnn_goldens.errors import ProgramFailed, Unsupported
from rnn_goldens.exhaustive.activations import ACTIVATIONS, PRECISIONS_CHECKED, Activation, Float64, arguments
from rnn_goldens.golden.features import derived_features
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.stored_arrays import GoldenArrays
from rnn_goldens.plugin.implementation import ImplementationFailed

ROWS = 4096
"""The number of arguments per golden, which takes a few tenths of a second, including certification."""


class Measured(NamedTuple):
    """The errors at each of some arguments: in units in the last place, and as a fraction of the tolerance."""

    where: Float64
    ulps: Float64
    fractions: Float64


@dataclass(frozen=True)
class ActivationErrors:
    """The errors at all arguments."""

    visited: int  # the number of arguments
    wrong: int  # the number of arguments with an output outside its tolerance
    ulp: float  # the largest error of the activation's output, in units in the last place of the exact result
    at: float  # the argument with that error
    fraction: float  # the largest error of any output, as a fraction of the tolerance
    fraction_at: float  # the argument with that error

    @classmethod
    def of(cls, measured: Iterable[Measured]) -> "ActivationErrors":
        """Return the errors of some parts of the arguments."""
        where, ulps, fractions = map(np.concatenate, zip(*measured, strict=True))
        ulp, furthest = int(np.argmax(ulps)), int(np.argmax(fractions))
        return cls(
            visited=len(where),
            wrong=int((fractions > 1).sum()),
            ulp=float(ulps[ulp]),
            at=float(where[ulp]),
            fraction=float(fractions[furthest]),
            fraction_at=float(where[furthest]),
        )


def measured(activation: Activation, golden: Golden, outputs: Sequence[object]) -> Measured | None:
    """Compare outputs with a golden row by row; None if they cannot be compared."""
    expected, precision = golden.stored.expected, PRECISIONS[golden.dtype]
    try:
        actual = {name: read(output).values for name, output in by_name(golden.layout, *outputs).items()}
    except (NotNumbers, TypeError):
        return None
    if {name: array.shape for name, array in actual.items()} != {n: want.shape for n, want in expected.items()}:
        return None
    where = golden.stored.c0 if activation.of_state else golden.stored.x
    assert where is not None  # the golden has c0 if c is the argument
    with np.errstate(all="ignore"):
        errors = {n: np.where(actual[n] == want, 0.0, np.abs(actual[n] - want)) for n, want in expected.items()}
        by_output = [error / golden.tolerance.allowed(n, expected[n], precision) for n, error in errors.items()]
        _, exponents = np.frexp(expected[activation.shows])
        unit = np.ldexp(1.0, np.maximum(exponents, precision.min_exponent + 1) - precision.bits)  # or a subnormal's
        ulps = errors[activation.shows] / unit
    fractions = np.max([_nan_as_infinity(one).reshape(where.size) for one in by_output], axis=0)
    return Measured(where.ravel(), _nan_as_infinity(ulps).ravel(), fractions)


def _nan_as_infinity(error: Float64) -> Float64:
    return np.where(np.isnan(error), np.inf, error)


@dataclass(frozen=True)
class SweepResult:
    """The result of the exhaustive check of one activation in one precision."""

    activation: Activation
    precision: str
    errors: ActivationErrors | None  # the errors; None if no outputs could be compared
    refused: int  # the number of arguments that the implementation refused
    failure: str  # the first failure other than wrong values, such as a crash or a wrong shape; "" if there was none

    @property
    def is_right(self) -> bool:
        """True if no argument failed. Refused arguments do not count as failed."""
        return not self.failure and (self.errors is None or not self.errors.wrong)


def exhaustive_check(
    run: Callable[[Any], Sequence[Any]], cells: Iterable[str] = (), precisions: Iterable[str] = ()
) -> Iterator[SweepResult]:
    """Check every argument of each activation in each precision, of some ``cells`` and ``precisions``, or of all."""
    cells, precisions = set(cells), set(precisions)
    for activation in ACTIVATIONS if not cells else [one for one in ACTIVATIONS if one.cell in cells]:
        for precision in PRECISIONS_CHECKED:
            if not precisions or precision in precisions:
                yield _sweep(run, activation, precision)


def _sweep(run: Callable[[Any], Sequence[Any]], activation: Activation, precision: str) -> SweepResult:
    values, parts = arguments(precision), list[Measured]()
    refused, failure = 0, ""
    for begin in range(0, len(values), ROWS):
        golden = certified(activation, precision, values[begin : begin + ROWS])
        try:
            outputs = run(golden.for_implementation())
        except Unsupported:
            refused += len(golden.x)
            continue
        except (ImplementationFailed, ProgramFailed) as error:
            failure = failure or str(error)
            continue
        if (part := measured(activation, golden, outputs)) is not None:
            parts.append(part)
        is_wrong = part is not None and (part.fractions > 1).any()
        if not failure and not is_wrong and not (verdict := compare(golden, *outputs)).passed:
            failure = verdict.message
    return SweepResult(activation, precision, ActivationErrors.of(parts) if parts else None, refused, failure)


def certified(activation: Activation, precision: str, values: Float64) -> Golden:
    """Return a certified golden for arguments of an activation. Needs python-flint."""
    from rnn_goldens.cells.network_graph import recorded
    from rnn_goldens.error_analysis.network_bounds import bounds_of
    from rnn_goldens.generator.ball_evaluation import proven

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
        stored=GoldenArrays(weights=case.weights, inputs={"x": case.x}, states=states, expected=outputs),
    )
    return golden.in_precision(precision)


HEADER = f"{'arguments':>20}{'wrong':>8}{'ulp':>10}  {'at':<16}tolerance  at"

LEGEND = """float16 and bfloat16: every finite number; float32: a sample.
ulp: the largest error of the activation's output, in units in the last place.
tolerance: the largest error of any output, as a fraction of its tolerance"""


def rows(result: SweepResult) -> Iterator[str]:
    """Yield the lines of an activation in a precision, at most 80 columns wide except for failures."""
    errors, total = result.errors, len(arguments(result.precision))
    if errors is not None:
        ulp = f"{errors.ulp:10.3g}  {errors.at:<16.9g}"
        counts = f"  {result.precision:<9}{errors.visited:>9,}{errors.wrong:>8,}"
        yield f"{counts}{ulp}{errors.fraction:>9.2f}  {errors.fraction_at:.9g}"
    elif result.refused == total:
        yield f"  {result.precision:<9}{'refused':>9}"
    else:
        yield f"  {result.precision:<9}{'not compared':>16}"
    if 0 < result.refused < total:
        yield f"{'':11}{result.refused:,} of {total:,} refused"
    yield from (f"  {line}" for line in result.failure.splitlines())
