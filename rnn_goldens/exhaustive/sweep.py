"""The exhaustive check: each activation of a cell at every argument.

A network of one unit and one step isolates an activation. The argument is an input of the network, or its cell state;
the result is an output. The arguments are all numbers of a half precision, and a fixed sample of float32. Thousands of
them are certified at a time, the implementation runs, and its results are compared.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells import BUILT_IN_CELLS, Case
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.array_conversion import NotNumbers, read
from rnn_goldens.comparison.returned import by_name
from rnn_goldens.comparison.verdict import compare
from rnn_goldens.errors import ProgramFailed, Unsupported
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.features import derived_features
from rnn_goldens.golden.precision import PRECISIONS, Precision
from rnn_goldens.golden.shapes import Config
from rnn_goldens.golden.stored_arrays import GoldenArrays
from rnn_goldens.plugin.implementation import ImplementationFailed

Float64 = NDArray[np.float64]

OPEN, CLOSED = 32.0, -32.0
"""Biases that open a gate (1) or close it (almost 0) in any precision."""

HALF = ("float16", "bfloat16")
PRECISIONS_CHECKED = (*HALF, "float32")
"""The precisions that are checked. float64 has too many numbers, and its sample would find no more than float32's."""

BREAKPOINTS = (
    *(2.0**-12, 4e-4, 0.5, 0.55, 0.625, 1.0, 2.0, 4.0, 5.0),
    *(7.90531, 7.9988117, 8.0, 9.0, 9.010913, 10.0, 16.635532, 17.328680, 18.0),
    *(18.714973, 20.0, 22.0, 44.361420, 64.0, 87.336546, 88.722839, 103.97208),
)
"""Arguments at which kernels change formula, clamp or overflow, such as 7.905 and 7.999 (tanh of Eigen and XLA), 0.625
(Cephes), 9 and 18 (ONNX Runtime), 9.01 (tanh rounds to 1), 16.6 and 17.3 (sigmoid rounds to 1), 44.4 (e^2z overflows),
88.7 (e^z overflows)."""

AROUND = 16
"""The number of neighbours on each side of a breakpoint or a worst case."""

WORST = (
    *(0.33507019, 0.50254840, 0.87415415, 1.0336618, 1.1050731, 1.7361994, 2.3842077, 2.3953626),
    *(4.8046331, 5.1260390, 7.8592100, 7.9272556, 8.4755402, 8.6627216, 15.934788, 15.995908),
    *(16.457834, 16.635704, 16.660343, 17.691364, 33.271065, 66.542130),
)
"""Arguments with the largest errors of tanh and sigmoid in NumPy, torch and ONNX Runtime, among all of ``CURVED``."""

IN_A_BINADE = 1024
"""The number of samples per binade within ``CURVED``, one drawn from each of this many equal parts."""

CURVED = (-14, 7)
"""Exponents of the range 2^-14 to 2^7. Below this range tanh(z) = z; above it the activations saturate."""

ROWS = 4096
"""The number of arguments per golden, which takes a few tenths of a second, including certification."""

HEADER = f"{'arguments':>20}{'wrong':>8}{'ulp':>10}  {'at':<16}tolerance  at"

LEGEND = """float16 and bfloat16: every finite number; float32: a sample.
ulp: the largest error of the activation's output, in units in the last place.
tolerance: the largest error of any output, as a fraction of its tolerance"""


@dataclass(frozen=True)
class Activation:
    """An activation of a cell, and the network that isolates it."""

    cell: str
    name: str  # the activation in words
    shows: str  # the output that is the activation's result, or depends on it most directly
    weights: dict[str, float]  # those that are not zero, by their names in equations: ``W_ii``, ``b_if``, ``b_hn``
    state: tuple[float, ...] | None = None  # initial: a number for h and one for c; None for none
    of_state: bool = False  # whether the argument is the cell state and the input is zero

    def case(self, arguments: Float64) -> Case:
        """Return the case with one row per argument."""
        rows, cell = len(arguments), BUILT_IN_CELLS[self.cell]
        swept = arguments[:, None, None]
        state = [np.full((1, rows, 1), part) for part in self.state or (0.0,) * len(cell.states)]
        if self.of_state:
            state[-1] = arguments[None, :, None]
        x = np.zeros_like(swept) if self.of_state else swept
        return Case(cell, Config(1, 1), self._stacked(), x, tuple(state), None, self.state is not None)

    def _stacked(self) -> dict[str, Float64]:
        gates = LAYOUTS[self.cell].gates
        weights = {f"{kind}_{side}_l0": np.zeros(len(gates)) for kind in ("weight", "bias") for side in ("ih", "hh")}
        for name, value in self.weights.items():
            kind, side, gate = {"W": "weight", "b": "bias"}[name[0]], f"{name[2]}h", name[3]
            weights[f"{kind}_{side}_l0"][gates.index(gate)] = value
        return {name: array[:, None] if name.startswith("weight") else array for name, array in weights.items()}


ACTIVATIONS = (
    Activation("rnn_tanh", "tanh", "out", {"W_ih": 1}),
    Activation("lstm", "sigmoid of i", "c_n", {"W_ii": 1, "b_ig": OPEN}),
    Activation("lstm", "sigmoid of f", "c_n", {"W_if": 1}, state=(0, 1)),
    Activation("lstm", "tanh of g", "c_n", {"W_ig": 1, "b_ii": OPEN}),
    Activation("lstm", "sigmoid of o", "out", {"W_io": 1, "b_if": OPEN}, state=(0, OPEN)),
    Activation("lstm", "tanh of c", "out", {"b_if": OPEN, "b_io": OPEN}, state=(0, 0), of_state=True),
    Activation("gru", "sigmoid of r", "out", {"W_ir": 1, "b_iz": CLOSED, "b_hn": 1}),
    Activation("gru", "sigmoid of z", "out", {"W_iz": 1}, state=(1,)),
    Activation("gru", "tanh of n", "out", {"W_in": 1, "b_iz": CLOSED}),
)
"""All activations except relu, which is exact. The gate r is visible only through a tanh: the output is tanh(r)."""


@cache
def arguments(precision: str) -> Float64:
    """Return the arguments of a precision in ascending order, including both zeros."""
    values = _every(PRECISIONS[precision]) if precision in HALF else _sample_of_float32()
    values.flags.writeable = False
    return values


def _every(precision: Precision) -> Float64:
    """Return all finite numbers of a half precision, fewer than 2^16."""
    exponents = range(precision.min_exponent, precision.max_exponent + 1)
    fractions = np.arange(2 ** (precision.bits - 1), 2**precision.bits) * 2.0 ** (1 - precision.bits)
    subnormal = np.arange(2 ** (precision.bits - 1)) * precision.smallest
    return _both_signs(np.concatenate([subnormal, *(fractions * 2.0**e for e in exponents)]))


def _sample_of_float32() -> Float64:
    """Return the ends and middle of every binade, samples within ``CURVED``, and neighbours of critical arguments."""
    smallest = PRECISIONS["float32"].smallest
    binades = [np.array([1, 1 + 2**-23, 1.5, 2 - 2**-23]) * 2.0**e for e in range(-126, 128)]
    subnormal = np.array([0, *(2.0**k for k in range(23)), 2**23 - 1]) * smallest
    drawn = np.random.default_rng(20).random((CURVED[1] - CURVED[0], IN_A_BINADE))
    parts = 1 + (np.arange(IN_A_BINADE) + drawn) / IN_A_BINADE
    curved = (parts * 2.0 ** np.arange(*CURVED)[:, None]).ravel()
    points = np.abs(np.array([*BREAKPOINTS, *WORST], np.float32)).view(np.int32)
    near = (points[:, None] + np.arange(-AROUND, AROUND + 1, dtype=np.int32)).view(np.float32).ravel()
    sample = np.concatenate([subnormal, *binades, curved.astype(np.float32), near]).astype(np.float64)
    return _both_signs(np.unique(sample))


def _both_signs(values: Float64) -> Float64:
    return np.concatenate([-values[::-1], values])


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
    where = golden.stored.states["c0"] if activation.of_state else golden.stored.x
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
    from rnn_goldens.cells.network import recorded
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
