"""Runs correct implementations on every golden of a recurrence, and judges each by its own contract."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks import page
from benchmarks.recurrences.goldens import CONDITIONS, Condition, contracts_of, goldens, under
from benchmarks.recurrences.kernels import CONTRACTS, IMPLEMENTATIONS
from rnn_goldens import Unsupported
from rnn_goldens.cells.recurrence import recurrence_case
from rnn_goldens.diagnosis.match import off_by
from rnn_goldens.golden.precision import PRECISIONS

GROUPS: Mapping[str, tuple[str, ...]] = {
    "NumPy, step by step": ("numpy_step", "numpy_other_step"),
    **{f"NumPy, chunks of {n}": (f"numpy_chunk_{n}", f"numpy_chunk_{n}_direct") for n in (1, 7, 16, 64)},
    "NumPy, scans": ("numpy_cumulated", "numpy_cumulated_16", "numpy_associative"),
    "torch, step by step": ("torch_step",),
    "torch, all in the half precision": ("torch_native_step",),
    **{f"torch, chunks of {n}": (f"torch_chunk_{n}",) for n in (16, 64)},
    "JAX, scans": ("jax_scan",),
    "ONNX's reference": ("onnx_reference",),
    "ONNX Runtime, function": ("onnxruntime",),
    "ONNX Runtime, kernel": ("onnxruntime_kernel",),
}
"""The rows of the tables, and the names of their implementations."""


@dataclass(frozen=True)
class Comparison:
    """One implementation on one golden.

    Attributes:
        group: the row of the table.
        implementation: its name.
        golden: the id of the golden.
        condition: precision and contract.
        of_any, of_step: the largest error as a fraction of the tolerance for any algorithm, and for steps.
    """

    group: str
    implementation: str
    golden: str
    condition: Condition
    of_any: float
    of_step: float

    def __str__(self) -> str:
        return f"{self.implementation} on {self.golden}"


def measured(ids: Iterable[str] = (), names: Iterable[str] = tuple(IMPLEMENTATIONS)) -> list[Comparison]:
    """Run implementations on goldens; all of them if no ids are given."""
    group_of = {name: group for group, members in GROUPS.items() for name in members}
    found, wanted = [], [IMPLEMENTATIONS[name] for name in names]
    for precision in PRECISIONS:
        for golden in goldens(precision, ids):
            case = recurrence_case(golden, np.float64)
            for implementation in wanted:
                for contract in contracts_of(precision) if golden.cell in implementation.cells else ():
                    try:
                        outputs = implementation.function(case, precision, contract)
                    except Unsupported:
                        continue
                    fractions = [off_by(under(golden, a, contract).expected_of(), outputs) for a in ("any", "step")]
                    condition, name = Condition(precision, contract), implementation.name
                    found.append(Comparison(group_of[name], name, golden.id, condition, *fractions))
    return found


def failures(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """Return the comparisons outside the tolerance for any algorithm."""
    return [one for one in comparisons if one.of_any > 1]


def report(comparisons: Sequence[Comparison]) -> str:
    """Return the section of the page."""
    return "\n".join(
        [
            "## Correct implementations\n\n"
            f"{len({one.implementation for one in comparisons})} correct implementations ran "
            f"{len({one.golden for one in comparisons})} goldens, {len(comparisons)} comparisons, each judged by the "
            f"contract that it rounds by: {_count(failures(comparisons))} failed with the tolerance for any "
            "algorithm.\n\n"
            "*Largest* is the largest error of any element as a fraction of its tolerance. With float32 inside, the "
            "last rounding alone takes almost all of the tolerance of a half precision.\n",
            page.table(("precision", "contract", "comparisons", "failed", "largest", "of"), _by_condition(comparisons)),
            "The largest fraction of each implementation, by precision and contract (i: float32-inside, o: "
            "operands-stored, a: all-stored); an empty entry is a contract that it does not have:\n",
            page.table(
                (
                    "implementation",
                    "comparisons",
                    "failed",
                    *map(_short, CONDITIONS),
                    "largest of float64, float32",
                    "largest of o, a",
                ),
                _by_group(comparisons),
            ),
            *_failed(comparisons),
            "The same outputs with the tolerance for steps and scans only (`step`), which does not promise to allow "
            "chunks; how often an implementation exceeds it:\n",
            page.table(("implementation", "comparisons", "exceed", "largest", "of", "in"), _of_steps(comparisons)),
            "The two tolerances differ for attention rules only; other recurrences have one.\n",
        ]
    )


def _count(found: Sequence[object]) -> str:
    return str(len(found)) if found else "none"


def _short(condition: Condition) -> str:
    contracts = contracts_of(condition.precision)
    return (
        condition.precision
        if len(contracts) == 1
        else f"{condition.precision} {condition.contract[:1].replace('f', 'i')}"
    )


def _largest(comparisons: Iterable[Comparison]) -> Comparison:
    return max(comparisons, key=lambda one: one.of_any)


def _by_condition(comparisons: Sequence[Comparison]) -> Iterator[tuple[object, ...]]:
    for condition in CONDITIONS:
        if these := [one for one in comparisons if one.condition == condition]:
            most = _largest(these)
            contract = condition.contract if len(contracts_of(condition.precision)) > 1 else ""
            failed = len(failures(these))
            yield condition.precision, contract, len(these), failed, f"{most.of_any:.2f}", most


def _by_group(comparisons: Sequence[Comparison]) -> Iterator[tuple[object, ...]]:
    for group in GROUPS:
        if not (of_group := [one for one in comparisons if one.group == group]):
            continue
        by_condition = {c: [one for one in of_group if one.condition == c] for c in CONDITIONS}
        largest = [f"{_largest(these).of_any:.2f}" if these else "" for these in by_condition.values()]
        wide = [one for one in of_group if len(contracts_of(one.condition.precision)) == 1]
        stored = [one for one in of_group if one.condition.contract != CONTRACTS[0]]
        where = (_largest(these).golden if these else "" for these in (wide, stored))
        yield group, len(of_group), len(failures(of_group)), *largest, *where


def _failed(comparisons: Sequence[Comparison]) -> Iterator[str]:
    if failed := failures(comparisons):
        yield "Failed with the tolerance for any algorithm:\n"
        yield page.table(
            ("implementation", "golden", "in", "fraction"),
            [(one.implementation, one.golden, one.condition, f"{one.of_any:.2f}") for one in failed],
        )


def _of_steps(comparisons: Sequence[Comparison]) -> Iterator[tuple[object, ...]]:
    for group in GROUPS:
        of_group = [one for one in comparisons if one.group == group]
        if over := [one for one in of_group if one.of_step > 1]:
            most = max(over, key=lambda one: one.of_step)
            yield group, len(of_group), len(over), f"{most.of_step:.2f}", most, most.condition
