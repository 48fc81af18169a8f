"""Simulates the profiles tf32 and wgsl in NumPy, and counts what goldens detect under each profile.

Runs every golden of the four standard cells in float32. Exits with 1 if a simulated implementation fails under its own
profile, or if a tanh that is off by 1e-4 passes under wgsl.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks import page
from benchmarks.benchmark import Measured
from rnn_goldens.cells import Array, Backward, Network, case_of
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import DEVIATIONS
from rnn_goldens.deviations.margins import ENOUGH, gradient_margin, margin
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.profile import FLOAT32, IEEE, TF32, WGSL
from rnn_goldens.golden.tolerance import Exact

PROFILES = (IEEE, TF32, WGSL)

Sign = Callable[[Array], Array]
"""Returns the sign and size of an error as a fraction of the allowed one, for each number."""


def _random() -> Sign:
    numbers = np.random.default_rng(1)
    return lambda values: numbers.uniform(-1, 1, values.shape)


def _alternating() -> Sign:
    return lambda values: np.where(np.arange(values.size).reshape(values.shape) % 2, 1.0, -1.0)


SIGNS: Mapping[str, Callable[[], Sign]] = {
    "random": _random,
    "all up": lambda: np.ones_like,
    "all down": lambda: lambda values: -np.ones_like(values),
    "alternating": _alternating,
}
"""The errors of a simulation: random parts of the allowed errors, or all of the largest size."""


OVERFLOW = 88.0
"""From here on, e^z with its error may overflow in float32."""


class RoundedOperands(Network):
    """Rounds both operands of a product to 11 bits, to the nearest, and sums in float32."""

    def product(self, v: Array, matrix: Array) -> Array:
        """Return the matrix times each row of v."""
        return super().product(_to_11_bits(v), _to_11_bits(matrix))


def _to_11_bits(array: Array) -> Array:
    mantissas, exponents = np.frexp(array)
    rounded: Array = np.ldexp(np.rint(np.ldexp(mantissas, 11)), exponents - 11).astype(array.dtype)
    return rounded


class ChangedOperands(Backward):
    """Changes operands of more than 11 bits by up to 2^-11 of their value, in both passes."""

    def __init__(self, sign: Sign) -> None:
        super().__init__()
        self.sign = sign

    def product(self, v: Array, matrix: Array) -> Array:
        """Return the matrix times each row of v."""
        return super().product(self._changed(v), self._changed(matrix))

    def transposed(self, g: Array, matrix: Array, index: int, blocks: int) -> Array:
        """Return the transposed block of the matrix times each row of g."""
        return super().transposed(self._changed(g), self._changed(matrix), index, blocks)

    def outer(self, gs: Sequence[Array], vs: Sequence[Array]) -> Array:
        """Return the sum of the outer products of pairs."""
        return super().outer([self._changed(g) for g in gs], [self._changed(v) for v in vs])

    def _changed(self, array: Array) -> Array:
        by = np.where(_to_11_bits(array) == array, 0, 2.0**-11 * self.sign(array))
        changed: Array = (array * (1 + by)).astype(array.dtype)
        return changed


def _ulp(y: Array) -> Array:
    """Return the unit in the last place of each number in float32."""
    ulp: Array = np.spacing(np.abs(y).astype(np.float32)).astype(np.float64)
    return ulp


class WebGpu(Backward):
    """Computes functions with the errors that WGSL allows, in float64, and rounds; a sigmoid is 1 / (1 + e^-z).

    A part of each allowed error is left for rounding.
    """

    def __init__(self, sign: Sign) -> None:
        super().__init__()
        self.sign = sign

    def tanh(self, z: Array) -> Array:
        """Return the tanh within 1e-5."""
        y = np.tanh(z.astype(np.float64))
        return (y + (1e-5 - _ulp(y)) * self.sign(y)).astype(z.dtype)

    def exp(self, z: Array) -> Array:
        """Return e^z within 3 + 2 |z| ulp; infinity where it overflows."""
        y = np.exp(np.minimum(z, OVERFLOW).astype(np.float64))
        found = (y + (2.5 + 2 * np.abs(z)) * _ulp(y) * self.sign(y)).astype(z.dtype)
        return np.asarray(np.where(z < OVERFLOW, found, np.inf), z.dtype)

    def divide(self, a: Array, b: Array) -> Array:
        """Return the quotient within 2.5 ulp."""
        y = a.astype(np.float64) / b
        return np.asarray(y + 2 * _ulp(y) * self.sign(y), b.dtype)

    def sigmoid(self, z: Array) -> Array:
        """Return 1 / (1 + e^-z)."""
        return self.divide(np.ones_like(z), 1 + self.exp(-z))


class WebGpuByTanh(WebGpu):
    """Computes functions with the errors that WGSL allows; a sigmoid is (1 + tanh(z/2)) / 2."""

    def sigmoid(self, z: Array) -> Array:
        """Return (1 + tanh(z/2)) / 2."""
        return ((1 + self.tanh(z / 2)) / 2).astype(z.dtype)


class InaccurateTanh(Network):
    """Computes a tanh that is off by 1e-4, as MindSpore's was (issue 348 of mindspore's mirror)."""

    def tanh(self, z: Array) -> Array:
        """Return the tanh, increased by 1e-4."""
        return (np.tanh(z) + 1e-4).astype(z.dtype)


def simulations(profile: str) -> dict[str, Network]:
    """Return the simulated implementations of a profile, by name."""
    if profile == TF32:
        changed = {f"operands changed by 2^-11, {name}": ChangedOperands(sign()) for name, sign in SIGNS.items()}
        return {"operands rounded to 11 bits": RoundedOperands(), **changed}
    return {
        f"{how}, errors {name}": kind(sign())
        for how, kind in {"sigmoid by exp": WebGpu, "sigmoid by tanh": WebGpuByTanh}.items()
        for name, sign in SIGNS.items()
    }


@dataclass
class Simulated:
    """The results of one simulated implementation: fractions of tolerances under its profile, and failures."""

    fractions: dict[str, float] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    failures_under_ieee: Counter[str] = field(default_factory=Counter)

    def add(self, cell: str, fraction: float, of_ieee: float) -> None:
        """Add the largest error on a golden, as a fraction of the tolerance under the profile and under ieee."""
        self.fractions[cell] = max(fraction, self.fractions.get(cell, 0.0))
        self.failures[cell] += fraction > 1
        self.failures_under_ieee[cell] += of_ieee > 1


@dataclass
class Results:
    """What was measured.

    Attributes:
        simulated: by name, the simulated implementations.
        goldens: by profile and outcome, the number of goldens.
        wrong_tanh: by profile and cell, the goldens that a tanh with an error of 1e-4 fails.
        detected: by profile, the pairs of a deviation and a cell that some golden detects.
        pairs: pairs of a deviation and a cell.
        reasons: why goldens are refused.
    """

    simulated: dict[str, Simulated] = field(default_factory=dict)
    goldens: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong_tanh: Counter[tuple[str, str]] = field(default_factory=Counter)
    detected: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: {name: set() for name in PROFILES})
    pairs: set[tuple[str, str]] = field(default_factory=set)
    reasons: Counter[str] = field(default_factory=Counter)


def measured(every: int = 1) -> Measured:
    """Return the section, and the simulations that fail, or that no wrong tanh does."""
    results = run(every)
    wrong = [f"{name} fails" for name, one in results.simulated.items() if one.failures.total()]
    if not any(count for (profile, _), count in results.wrong_tanh.items() if profile == WGSL):
        wrong.append("a tanh that is off by 1e-4 passes under wgsl")
    return Measured(report(results), wrong)


def run(every: int = 1) -> Results:
    """Run every Nth golden of the standard cells that has float32."""
    results, corpus = Results(), open_corpus()
    entries = [entry for entry in corpus.networks if entry.cell in CELLS and FLOAT32 in entry.precisions]
    for entry in entries[::every]:
        golden = corpus.load(entry.id, FLOAT32, gradients=FLOAT32 in entry.gradient_precisions)
        under = dict(_under_profiles(golden, results))
        _simulate(golden, under, results)
        _detect(golden, under, results)
    return results


def _under_profiles(golden: Golden, results: Results) -> Iterator[tuple[str, Golden]]:
    """Yield the golden under each profile that a tolerance can be derived for."""
    for profile in PROFILES:
        try:
            under = golden.in_profile(profile)
        except Unsupported as reason:
            results.goldens[profile, "refused"] += 1
            results.reasons[str(reason)] += 1
            continue
        is_exact = isinstance(under.expected_of().tolerance, Exact)
        results.goldens[profile, "exact" if is_exact else "bounded"] += 1
        yield profile, under


def _simulate(golden: Golden, under: Mapping[str, Golden], results: Results) -> None:
    case = case_of(golden, np.float32)
    for profile in (name for name in (TF32, WGSL) if name in under):
        for name, network in simulations(profile).items():
            outputs = network.run(case)
            fractions = (margin(one, outputs, FLOAT32) for one in (under[profile], golden))
            results.simulated.setdefault(f"{profile}: {name}", Simulated()).add(golden.cell, *fractions)
        both = (under[profile].gradients, golden.gradients)
        kind = ChangedOperands if profile == TF32 else WebGpu
        for name, sign in SIGNS.items() if golden.gradients is not None else ():
            found = kind(sign()).gradients(case, dict(golden.cotangents))
            fractions = (gradient_margin(one, found, FLOAT32) for one in both if one is not None)
            one = results.simulated.setdefault(f"{profile}: gradients, errors {name}", Simulated())
            one.add(golden.cell, *fractions)
    outputs = InaccurateTanh().run(case)
    for profile, one_golden in under.items():
        results.wrong_tanh[profile, golden.cell] += margin(one_golden, outputs, FLOAT32) > 1


def _detect(golden: Golden, under: Mapping[str, Golden], results: Results) -> None:
    case = case_of(golden.in_precision("float64"), np.float64)
    for deviation in DEVIATIONS:
        if golden.cell in deviation.cells and set(deviation.needs) <= set(golden.features):
            pair = deviation.name, golden.cell
            results.pairs.add(pair)
            if missing := [profile for profile in under if pair not in results.detected[profile]]:
                outputs = deviation.run(case)
                for profile in missing:
                    if margin(under[profile], outputs, FLOAT32) >= ENOUGH:
                        results.detected[profile].add(pair)


def report(results: Results) -> str:
    """Return the section of the page."""
    counts = {
        profile: [results.goldens[profile, kind] for kind in ("exact", "bounded", "refused")] for profile in PROFILES
    }
    fractions = [
        (
            name,
            *(f"{one.fractions[cell]:.3f}" if cell in one.fractions else "" for cell in CELLS),
            one.failures.total(),
            one.failures_under_ieee.total(),
        )
        for name, one in results.simulated.items()
    ]
    tanh = [cell for cell in CELLS if any(results.wrong_tanh[profile, cell] for profile in PROFILES)]
    return "\n".join(
        [
            "## Simulated implementations\n\nNetworks in NumPy made the errors that a profile allows, on every golden "
            "of the standard cells in float32. An entry is the largest error as a fraction of the tolerance under the "
            f"profile. The roundoff of float32 is {PRECISIONS[FLOAT32].roundoff:.3g}.\n",
            page.table(["implementation", *CELLS, "fail", "fail under ieee"], fractions),
            "Goldens by profile; “exact”: compared with `==`; “refused”: no tolerance can be derived.\n",
            page.table(["profile", "exact", "bounded", "refused"], [(name, *counts[name]) for name in PROFILES]),
            *(f"- {reason}" for reason in results.reasons),
            "\n## A tanh that is off by 1e-4\n\nMindSpore's tanh was; WGSL allows 1e-5. An entry is the number of "
            "goldens that fail.\n",
            page.table(
                ["profile", *tanh], [(name, *(results.wrong_tanh[name, cell] for cell in tanh)) for name in PROFILES]
            ),
            "## What a profile costs\n\nPairs of a [deviation](../deviations.md) and a cell that some golden in "
            "float32 detects, of all pairs that apply.\n",
            page.table(["profile", *CELLS, "together", "of"], _detections(results)),
            *_lost(results),
        ]
    )


def _detections(results: Results) -> Iterator[Sequence[object]]:
    for profile in PROFILES:
        found = results.detected[profile]
        by_cell = [sum(cell == of for _, of in found) for cell in CELLS]
        yield profile, *by_cell, len(found), len(results.pairs)


def _lost(results: Results) -> Iterator[str]:
    """Yield the deviations that a profile no longer detects, with their cells."""
    for profile in (TF32, WGSL):
        lost: dict[str, list[str]] = {}
        for deviation, cell in sorted(results.detected[IEEE] - results.detected[profile]):
            lost.setdefault(deviation, []).append(cell)
        listed = ", ".join(f"`{name}` ({', '.join(cells)})" for name, cells in lost.items())
        yield f"Detected under ieee, but not under {profile}: {listed or 'none'}.\n"
