"""Runs the automatic differentiation of torch and JAX on goldens with gradients."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np

from benchmarks import page
from benchmarks.recurrences.goldens import ALGORITHMS, CONDITIONS, Condition, contracts_of, goldens, under
from benchmarks.recurrences.jax_gradients import jax_gradients
from benchmarks.recurrences.kernels import CONTRACTS, torch_gradients
from benchmarks.recurrences.kernels.contracts import HALF
from benchmarks.recurrences.kernels.frame import Float64
from rnn_goldens import Golden, Unsupported
from rnn_goldens.cells.recurrence import RecurrenceCase, recurrence_case
from rnn_goldens.diagnosis.match import off_by
from rnn_goldens.golden.expected import GRADIENTS
from rnn_goldens.golden.precision import PRECISIONS

Arrays = Mapping[str, Float64]
Backward = Callable[[RecurrenceCase, Arrays, str, str], Arrays]


def _native(case: RecurrenceCase, cotangents: Arrays, precision: str, contract: str) -> Arrays:
    if contract != CONTRACTS[-1]:
        raise Unsupported("stores all")
    return torch_gradients(case, cotangents, precision, "native")


def _chunks(case: RecurrenceCase, cotangents: Arrays, precision: str, contract: str, *, size: int) -> Arrays:
    return torch_gradients(case, cotangents, precision, "chunk", contract, size)


def _in_jax(case: RecurrenceCase, cotangents: Arrays, precision: str, contract: str) -> Arrays:
    if precision != "float32":
        raise Unsupported("compiles each golden in each precision, which takes long")
    return jax_gradients(case, cotangents, precision, contract)


FORMS: Mapping[str, Backward] = {
    "torch, step by step": lambda case, d, precision, contract: torch_gradients(case, d, precision, "step", contract),
    "torch, all in the half precision": _native,
    "torch, chunks of 16": partial(_chunks, size=16),
    "torch, chunks of 64": partial(_chunks, size=64),
    "JAX, scans": _in_jax,
}


KNOWN = {
    ("torch, all in the half precision", "rg-lru/slow-decay", "bfloat16"): "1 - a² rounds to zero in bfloat16, and the "
    "derivative of its root is infinite",
}
"""Forms that compute a golden wrongly in a precision, and why."""


@dataclass(frozen=True)
class Comparison:
    """One form on one golden.

    Attributes:
        form, golden, condition: what was compared.
        of_any, of_step: the largest error as a fraction of the tolerance for any algorithm, and for steps.
        exceeding: the arrays whose gradient is outside the tolerance for any algorithm.
    """

    form: str
    golden: str
    condition: Condition
    of_any: float
    of_step: float
    exceeding: tuple[str, ...]

    @property
    def why(self) -> str:
        """Why the form is known to be wrong; empty if it is right."""
        return KNOWN.get((self.form, self.golden, self.condition.precision), "")


@dataclass(frozen=True)
class Results:
    """What was measured.

    Attributes:
        comparisons: of correct implementations.
        numbers: certified gradients of each golden.
    """

    comparisons: Sequence[Comparison]
    numbers: Mapping[str, int]

    @property
    def failures(self) -> list[Comparison]:
        """Correct gradients outside the tolerance for any algorithm."""
        return [one for one in self.comparisons if one.exceeding and not one.why]


def measured(ids: Iterable[str] = (), forms: Iterable[str] = tuple(FORMS)) -> Results:
    """Run forms on goldens with gradients; all of them if no ids are given."""
    ids, forms = tuple(ids), tuple(forms)
    comparisons, numbers = list[Comparison](), dict[str, int]()
    for precision in PRECISIONS:
        for golden in goldens(precision, ids, gradients=True):
            comparisons += _of_golden(golden, forms)
            numbers[golden.id] = sum(array.size for array in _expected(golden).values())
    return Results(comparisons, numbers)


def _expected(golden: Golden) -> Arrays:
    assert golden.gradients is not None
    return golden.gradients.expected


def _cotangents(golden: Golden) -> Arrays:
    assert golden.gradients is not None
    return golden.gradients.cotangents


def _of_golden(golden: Golden, forms: Iterable[str]) -> Iterator[Comparison]:
    case = recurrence_case(golden, np.float64)
    for contract in contracts_of(golden.dtype):
        expected, of_step = (under(golden, a, contract).expected_of(GRADIENTS) for a in ALGORITHMS)
        for form in forms:
            try:
                found = FORMS[form](case, _cotangents(golden), golden.dtype, contract)
            except Unsupported:
                continue
            fractions = {name: off_by(expected, {name: found[name]}) for name in expected.values}
            exceeding = tuple(name for name, fraction in fractions.items() if fraction > 1)
            steps = off_by(of_step, {name: found[name] for name in expected.values})
            condition = Condition(golden.dtype, contract)
            yield Comparison(form, golden.id, condition, max(fractions.values()), steps, exceeding)


def report(results: Results) -> str:
    """Return the section of the page."""
    wrong = [one for one in results.comparisons if one.exceeding]
    return "\n".join(
        [
            "## Gradients\n\n"
            f"{sum(results.numbers.values())} gradients of {len(results.numbers)} goldens are certified. The automatic "
            f"differentiation of correct forms ran on them: of {len(results.comparisons)} comparisons "
            f"{len(results.failures)} failed with the tolerance for any algorithm, and "
            f"{len(wrong) - len(results.failures)} was outside it for a known reason.\n\n"
            "*Largest* is the largest error as a fraction of the tolerance, of the comparisons that did not fail. "
            "*Exceed `step`* counts the comparisons outside the tolerance for steps and scans. JAX ran in float32 "
            "only, because it compiles each golden in each precision.\n",
            page.table(
                ("precision", "contract", "form", "comparisons", "failed", "largest", "golden", "exceed `step`"),
                _rows(results),
            ),
            *_wrong(wrong),
        ]
    )


def _rows(results: Results) -> Iterator[tuple[object, ...]]:
    for condition, form in product(CONDITIONS, FORMS):
        these = [one for one in results.comparisons if (one.form, one.condition) == (form, condition) and not one.why]
        if not these:
            continue
        passed = [one for one in these if not one.exceeding]
        most = max(passed, key=lambda one: one.of_any, default=None)
        contract = condition.contract if condition.precision in HALF else ""
        largest = ("", "") if most is None else (f"{most.of_any:.2f}", most.golden)
        counts = len(these), len(these) - len(passed), *largest
        yield condition.precision, contract, form, *counts, sum(one.of_step > 1 for one in these)


def _wrong(wrong: Sequence[Comparison]) -> Iterator[str]:
    """Yield the table of comparisons outside the tolerance, by form and golden."""
    if not wrong:
        return
    yield "Outside the tolerance for any algorithm, with the arrays; one with a reason is left out above:\n"
    by_golden: dict[tuple[str, str, str], list[Comparison]] = {}
    for one in wrong:
        by_golden.setdefault((one.form, one.golden, one.why), []).append(one)
    rows = []
    for (form, golden, why), of in by_golden.items():
        arrays = dict.fromkeys(name for one in of for name in one.exceeding)
        rows.append((form, golden, ", ".join(arrays), "; ".join(str(one.condition) for one in of), why))
    yield page.table(("form", "golden", "arrays", "in", "reason"), rows)
