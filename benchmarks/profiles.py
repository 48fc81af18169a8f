"""Simulates the profiles tf32 and wgsl in NumPy, and counts what goldens detect under each profile.

Runs every golden of the four standard cells in float32. It is wrong if a simulated implementation fails under its own
profile, or if a tanh that is off by 1e-4 passes under wgsl.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks import page
from benchmarks.benchmark import Measured
from rnn_goldens.cells import Array, Backward, Network, case_of
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import DEVIATIONS, deviation
from rnn_goldens.deviations.alteration import in_steps
from rnn_goldens.deviations.low_precision import to_tf32
from rnn_goldens.deviations.margins import ENOUGH, gradient_margin, margin
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.built_in_cells import CELLS, LAYOUTS
from rnn_goldens.golden.rounding_profile import FLOAT32, IEEE, TF32, WGSL
from rnn_goldens.golden.tolerance import Exact

PROFILES = (IEEE, TF32, WGSL)

Sign = Callable[[Array], Array]
"""Returns the sign and size of an error as a fraction of the allowed one, for each number."""


_NUMBERS = np.random.default_rng(1)
SIGNS: Mapping[str, Sign] = {"random": lambda array: _NUMBERS.uniform(-1, 1, array.shape), "all up": np.ones_like}
"""The errors of a simulation: random parts of the allowed errors, or all of the largest size."""

OVERFLOW = 88.0
"""From here on, e^z with its error may overflow in float32."""


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
        by = np.where(to_tf32(array) == array, 0, 2.0**-11 * self.sign(array))
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


INACCURATE_TANH = in_steps(tanh=lambda right, z: right.tanh(z) + 1e-4)
"""A tanh that is off by 1e-4, as MindSpore's was (issue 348 of mindspore's mirror)."""


def simulations(profile: str) -> dict[str, Network]:
    """Return the simulated implementations of a profile, by name; those with a backward pass also give gradients."""
    if profile == TF32:
        changed = {f"operands changed by 2^-11, {name}": ChangedOperands(sign) for name, sign in SIGNS.items()}
        return {"operands rounded to 11 bits": deviation("tf32_products").alteration.network(), **changed}
    return {
        **{f"sigmoid by exp, errors {name}": WebGpu(sign) for name, sign in SIGNS.items()},
        "sigmoid by tanh, errors all up": WebGpuByTanh(np.ones_like),
    }


@dataclass
class Results:
    """What was measured.

    Attributes:
        fractions: the largest errors of a simulation as fractions of the tolerance, by simulation and cell.
        failures: by simulation and profile, the goldens that fail.
        goldens: by profile and kind, the number of goldens; one kind is those that a wrong tanh fails.
        detected: by profile, the pairs of a deviation and a cell that some golden detects; by "", all pairs.
        reasons: why goldens are refused.
    """

    fractions: dict[tuple[str, str], float] = field(default_factory=dict)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    goldens: Counter[tuple[str, str]] = field(default_factory=Counter)
    detected: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    reasons: list[str] = field(default_factory=list)

    def add(self, profile: str, name: str, cell: str, fractions: Mapping[str, float]) -> None:
        """Add the largest errors of a simulation on a golden, as fractions of the tolerances under profiles."""
        of = f"{profile}: {name}"
        self.fractions[of, cell] = max(fractions[profile], self.fractions.get((of, cell), 0.0))
        self.failures.update({(of, profile): fraction > 1 for profile, fraction in fractions.items()})


def measured(every: int = 1) -> Measured:
    """Return the section, and the simulations that fail under their profile, or that no wrong tanh does."""
    results = run(every)
    wrong = [f"{name} fails" for (name, profile), n in results.failures.items() if n and name.startswith(profile)]
    if not results.goldens[WGSL, WRONG_TANH]:
        wrong.append("a tanh that is off by 1e-4 passes under wgsl")
    return Measured(report(results), wrong)


def run(every: int = 1) -> Results:
    """Run every Nth golden of the standard cells that has float32."""
    results, corpus = Results(), open_corpus()
    entries = [entry for entry in corpus.select(cell=LAYOUTS) if entry.cell in CELLS and FLOAT32 in entry.precisions]
    for entry in entries[::every]:
        golden = corpus.load(entry.id, FLOAT32, gradients=FLOAT32 in entry.gradient_precisions)
        under = _under_profiles(golden, results)
        _simulate(golden, under, results)
        _detect(golden, under, results)
    return results


EXACT, BOUNDED, REFUSED, WRONG_TANH = "exact", "bounded", "refused", "fail with a tanh off by 1e-4"


def _under_profiles(golden: Golden, results: Results) -> dict[str, Golden]:
    """Return the golden under each profile that a tolerance can be derived for."""
    found = {}
    for profile in PROFILES:
        try:
            found[profile] = golden.in_profile(profile)
        except Unsupported as reason:
            results.goldens[profile, REFUSED] += 1
            results.reasons.append(str(reason))
        else:
            is_exact = isinstance(found[profile].expected_of().tolerance, Exact)
            results.goldens[profile, EXACT if is_exact else BOUNDED] += 1
    return found


def _simulate(golden: Golden, under: Mapping[str, Golden], results: Results) -> None:
    case = case_of(golden, np.float32)
    for profile in (name for name in (TF32, WGSL) if name in under):
        both = {profile: under[profile], IEEE: golden}
        for name, network in simulations(profile).items():
            outputs = network.run(case)
            fractions = {of: margin(one, outputs, FLOAT32) for of, one in both.items()}
            results.add(profile, name, golden.cell, fractions)
            if isinstance(network, Backward) and golden.gradients is not None:
                found = network.gradients(case, dict(golden.cotangents))
                allowed = {of: one.gradients for of, one in both.items() if one.gradients is not None}
                fractions = {of: gradient_margin(one, found, FLOAT32) for of, one in allowed.items()}
                results.add(profile, f"{name}, gradients", golden.cell, fractions)
    outputs = INACCURATE_TANH.network().run(case)
    for profile, one_golden in under.items():
        results.goldens[profile, WRONG_TANH] += margin(one_golden, outputs, FLOAT32) > 1


def _detect(golden: Golden, under: Mapping[str, Golden], results: Results) -> None:
    case = case_of(golden.in_precision("float64"), np.float64)
    for one in DEVIATIONS:
        if golden.cell in one.cells and set(one.needs) <= set(golden.features):
            pair = one.name, golden.cell
            results.detected[""].add(pair)
            if missing := [profile for profile in under if pair not in results.detected[profile]]:
                outputs = one.alteration(case)
                for profile in missing:
                    if margin(under[profile], outputs, FLOAT32) >= ENOUGH:
                        results.detected[profile].add(pair)


def report(results: Results) -> str:
    """Return the section of the page."""
    names = dict.fromkeys(name for name, _ in results.fractions)
    fractions = [
        (
            name,
            *(f"{results.fractions[name, cell]:.3f}" if (name, cell) in results.fractions else "" for cell in CELLS),
            results.failures[name, name.partition(":")[0]],
            results.failures[name, IEEE],
        )
        for name in names
    ]
    kinds = (EXACT, BOUNDED, REFUSED, WRONG_TANH)
    counts = [
        (
            name,
            *(results.goldens[name, kind] for kind in kinds),
            f"{len(results.detected[name])} of {len(results.detected[''])}",
        )
        for name in PROFILES
    ]
    return "\n".join(
        [
            "## Simulated implementations\n\nNetworks in NumPy made the errors that a profile allows, on every golden "
            "of the standard cells in float32. An entry is the largest error as a fraction of the tolerance under the "
            "profile; then the number of goldens that fail under it, and under ieee.\n",
            page.table(["implementation", *CELLS, "fail", "fail under ieee"], fractions),
            "## What a profile costs\n\nGoldens by profile: “exact” ones are compared with `==`; for “refused” ones no "
            "tolerance can be derived. MindSpore's tanh was off by 1e-4; WGSL allows 1e-5. The bugs are pairs of a "
            "[deviation](../deviations.md) and a cell that some golden detects, of all pairs that apply.\n",
            page.table(["profile", *kinds, "bugs detected"], counts),
            *(f"- {reason}" for reason in results.reasons),
            "",
            *_lost(results),
        ]
    )


def _lost(results: Results) -> Iterable[str]:
    """Yield the deviations that a profile no longer detects, with their cells."""
    for profile in (TF32, WGSL):
        lost: dict[str, list[str]] = {}
        for name, cell in sorted(results.detected[IEEE] - results.detected[profile]):
            lost.setdefault(name, []).append(cell)
        listed = ", ".join(f"`{name}` ({', '.join(cells)})" for name, cells in lost.items())
        yield f"Detected under ieee, but not under {profile}: {listed or 'none'}.\n"
