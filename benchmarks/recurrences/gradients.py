"""Runs the automatic differentiation of torch and JAX on goldens with gradients."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from benchmarks import page
from benchmarks.recurrences.goldens import ALGORITHMS, CONDITIONS, Condition, contracts_of, goldens, under
from benchmarks.recurrences.kernels import IMPLEMENTATIONS, Forms
from benchmarks.recurrences.kernels.contracts import HALF
from rnn_goldens import Golden, Unsupported
from rnn_goldens.cells.recurrence import recurrence_case
from rnn_goldens.diagnosis.match import off_by
from rnn_goldens.golden.expected import GRADIENTS
from rnn_goldens.golden.precision import PRECISIONS

FORMS: Mapping[str, str] = {
    "torch, step by step": "torch_step",
    "torch, all in the half precision": "torch_native_step",
    "torch, chunks of 16": "torch_chunk_16",
    "torch, chunks of 64": "torch_chunk_64",
    "JAX, scans": "jax_scan",
}
"""Names of implementations."""

COMPILED = "JAX, scans"
"""It runs in float32 only, because it compiles each golden in each precision."""

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


def measured(ids: Iterable[str] = (), forms: Iterable[str] = tuple(FORMS)) -> list[Comparison]:
    """Run forms on goldens with gradients; all of them if no ids are given."""
    ids, forms = tuple(ids), tuple(forms)
    return [one for p in PRECISIONS for golden in goldens(p, ids, gradients=True) for one in _of_golden(golden, forms)]


def _of_golden(golden: Golden, forms: Iterable[str]) -> Iterator[Comparison]:
    case, gradients = recurrence_case(golden, np.float64), golden.gradients
    assert gradients is not None
    for contract, form in product(contracts_of(golden.dtype), forms):
        kernel = IMPLEMENTATIONS[FORMS[form]]
        assert isinstance(kernel, Forms)
        if form == COMPILED and golden.dtype != "float32":
            continue
        try:
            found = kernel.gradients(case, gradients.cotangents, golden.dtype, contract)
        except Unsupported:
            continue
        expected, of_step = (under(golden, a, contract).expected_of(GRADIENTS) for a in ALGORITHMS)
        fractions = {name: off_by(expected, {name: found[name]}) for name in expected.values}
        exceeding = tuple(name for name, fraction in fractions.items() if fraction > 1)
        steps = off_by(of_step, {name: found[name] for name in expected.values})
        yield Comparison(form, golden.id, Condition(golden.dtype, contract), max(fractions.values()), steps, exceeding)


def failures(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """Return the gradients outside the tolerance for any algorithm, without those that are known to be wrong."""
    return [one for one in comparisons if one.exceeding and not one.why]


def report(comparisons: Sequence[Comparison]) -> str:
    """Return the section of the page."""
    wrong = [one for one in comparisons if one.exceeding]
    failed = failures(comparisons)
    return "\n".join(
        [
            "## Gradients\n\n"
            f"The automatic differentiation of correct forms ran on {len({one.golden for one in comparisons})} goldens "
            f"with gradients: of {len(comparisons)} comparisons {len(failed)} failed with the tolerance for any "
            f"algorithm, and {len(wrong) - len(failed)} was outside it for a known reason.\n\n"
            "*Largest* is the largest error as a fraction of the tolerance, of the comparisons that did not fail. "
            "*Exceed `step`* counts the comparisons outside the tolerance for steps and scans. JAX ran in float32 "
            "only, because it compiles each golden in each precision.\n",
            page.table(
                ("precision", "contract", "form", "comparisons", "failed", "largest", "golden", "exceed `step`"),
                _rows(comparisons),
            ),
            *(
                f"- {one.form} on {one.golden} in {one.condition}, {', '.join(one.exceeding)}: {one.why or 'FAILED'}.\n"
                for one in wrong
            ),
        ]
    )


def _rows(comparisons: Sequence[Comparison]) -> Iterator[tuple[object, ...]]:
    for condition, form in product(CONDITIONS, FORMS):
        these = [one for one in comparisons if (one.form, one.condition) == (form, condition) and not one.why]
        if these:
            passed = [one for one in these if not one.exceeding]
            most = max(passed, key=lambda one: one.of_any, default=None)
            largest = ("", "") if most is None else (f"{most.of_any:.2f}", most.golden)
            counts = len(these), len(these) - len(passed), *largest, sum(one.of_step > 1 for one in these)
            yield condition.precision, condition.contract if condition.precision in HALF else "", form, *counts
