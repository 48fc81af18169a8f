"""Runs correct implementations on every golden of a recurrence, and judges each by its own contract."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks import page
from benchmarks.recurrences.goldens import CONDITIONS, Condition, contracts_of, goldens, under
from benchmarks.recurrences.kernels import IMPLEMENTATIONS, SIZES, Kernel, cells_of, numpy_chunks
from benchmarks.recurrences.kernels.contracts import CONTRACTS, HALF
from benchmarks.recurrences.kernels.forms import ATTENTION
from rnn_goldens import Golden, Unsupported
from rnn_goldens.cells.recurrence import recurrence_case
from rnn_goldens.diagnosis.match import off_by
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import Exact

GROUPS: Mapping[str, tuple[str, ...]] = {
    "NumPy, step by step": ("numpy_step", "numpy_other_step"),
    **{f"NumPy, chunks of {n}": (f"numpy_chunk_{n}", f"numpy_chunk_{n}_direct") for n in SIZES},
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

FEW_STEPS = 6
"""Up to this many steps, every size of a chunk is tried on an exact golden."""


@dataclass(frozen=True)
class Comparison:
    """One implementation on one golden.

    Attributes:
        implementation, golden: the name and the id.
        condition: precision and contract.
        of_any, of_step: the largest error as a fraction of the tolerance for any algorithm, and for steps.
    """

    implementation: str
    golden: str
    condition: Condition
    of_any: float
    of_step: float

    def __str__(self) -> str:
        return f"{self.implementation} on {self.golden}"


def measured(ids: Iterable[str] = (), names: Iterable[str] = tuple(IMPLEMENTATIONS)) -> list[Comparison]:
    """Run implementations on goldens; all of them if no ids are given."""
    wanted = {name: IMPLEMENTATIONS[name] for name in names}
    return [one for p in PRECISIONS for golden in goldens(p, ids) for one in _compared(golden, wanted)]


def exact(ids: Iterable[str] = ()) -> list[Comparison]:
    """Run all forms of chunks as well on exact goldens; all of them if no ids are given."""
    found = list[Comparison]()
    for golden in (golden for p in PRECISIONS for golden in goldens(p, ids)):
        if isinstance(golden.tolerance, Exact):
            names = (
                "numpy_step",
                "numpy_other_step",
                "torch_step",
                "onnx_reference",
                "onnxruntime",
                "onnxruntime_kernel",
            )
            forms: dict[str, Kernel] = {name: IMPLEMENTATIONS[name] for name in names}
            sizes = range(1, golden.time) if golden.time <= FEW_STEPS else SIZES
            for size in sorted({*sizes, golden.time}) if golden.cell in ATTENTION else ():
                forms |= {f"chunks of {size}{', solved' * d}": numpy_chunks(size, direct=d) for d in (False, True)}
            found += _compared(golden, forms)
    return found


def _compared(golden: Golden, implementations: Mapping[str, Kernel]) -> Iterator[Comparison]:
    case = recurrence_case(golden, np.float64)
    for name, implementation in implementations.items():
        for contract in contracts_of(golden.dtype) if golden.cell in cells_of(implementation) else ():
            try:
                outputs = implementation(case, golden.dtype, contract)
            except Unsupported:
                continue
            fractions = [off_by(under(golden, a, contract).expected_of(), outputs) for a in ("any", "step")]
            yield Comparison(name, golden.id, Condition(golden.dtype, contract), *fractions)


def failures(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """Return the comparisons outside the tolerance for any algorithm; of an exact golden, those that are not equal."""
    return [one for one in comparisons if one.of_any > 1]


def report(comparisons: Sequence[Comparison]) -> str:
    """Return the section of the page."""
    failed = failures(comparisons)
    by_group = ("comparisons", "failed", *map(_short, CONDITIONS), "largest of float64, float32", "largest of o, a")
    return "\n".join(
        [
            "## Correct implementations\n\n"
            f"{len({one.implementation for one in comparisons})} correct implementations ran "
            f"{len({one.golden for one in comparisons})} goldens, {len(comparisons)} comparisons, each judged by the "
            f"contract that it rounds by: {len(failed) or 'none'} failed with the tolerance for any algorithm.\n\n"
            "*Largest* is the largest error of any element as a fraction of its tolerance. With float32 inside, the "
            "last rounding alone takes almost all of the tolerance of a half precision.\n",
            page.table(("precision", "contract", "comparisons", "failed", "largest", "of"), _by_condition(comparisons)),
            "The largest fraction of each implementation, by precision and contract (i: float32-inside, o: "
            "operands-stored, a: all-stored); an empty entry is a contract that it does not have:\n",
            page.table(("implementation", *by_group), _by_group(comparisons)),
            *(f"- FAILED: {one} in {one.condition}: {one.of_any:.2f}\n" for one in failed),
            "The same outputs with the tolerance for steps and scans only (`step`), which does not promise to allow "
            "chunks; how often an implementation exceeds it:\n",
            page.table(("implementation", "comparisons", "exceed", "largest", "of", "in"), _of_steps(comparisons)),
            "The two tolerances differ for attention rules only; other recurrences have one.\n",
        ]
    )


def _short(condition: Condition) -> str:
    letter = condition.contract[0].replace("f", "i")
    return f"{condition.precision} {letter}" if condition.precision in HALF else condition.precision


def _largest(comparisons: Iterable[Comparison]) -> Comparison:
    return max(comparisons, key=lambda one: one.of_any)


def _by_condition(comparisons: Sequence[Comparison]) -> Iterator[tuple[object, ...]]:
    for condition in CONDITIONS:
        if these := [one for one in comparisons if one.condition == condition]:
            most, contract = _largest(these), condition.contract if condition.precision in HALF else ""
            yield condition.precision, contract, len(these), len(failures(these)), f"{most.of_any:.2f}", most


def _groups(comparisons: Sequence[Comparison]) -> Iterator[tuple[str, list[Comparison]]]:
    for group, names in GROUPS.items():
        if found := [one for one in comparisons if one.implementation in names]:
            yield group, found


def _by_group(comparisons: Sequence[Comparison]) -> Iterator[tuple[object, ...]]:
    for group, members in _groups(comparisons):
        by_condition = ([one for one in members if one.condition == condition] for condition in CONDITIONS)
        largest = [f"{_largest(these).of_any:.2f}" if these else "" for these in by_condition]
        wide = [one for one in members if one.condition.precision not in HALF]
        stored = [one for one in members if one.condition.contract != CONTRACTS[0]]
        where = (_largest(these).golden if these else "" for these in (wide, stored))
        yield group, len(members), len(failures(members)), *largest, *where


def _of_steps(comparisons: Sequence[Comparison]) -> Iterator[tuple[object, ...]]:
    for group, members in _groups(comparisons):
        if over := [one for one in members if one.of_step > 1]:
            most = max(over, key=lambda one: one.of_step)
            yield group, len(members), len(over), f"{most.of_step:.2f}", most, most.condition


def report_exact(comparisons: Sequence[Comparison]) -> str:
    """Return the section on exact goldens."""
    return "\n".join(
        [
            "## Exact goldens\n\n"
            f"Nothing rounds on {len({one.golden for one in comparisons})} goldens: step by step, as a whole and in "
            f"chunks, in ONNX's reference and in ONNX Runtime, {_equal(comparisons)} results are equal to the expected "
            "values with `==`, in each precision and by each contract.\n\n"
            f"Up to {FEW_STEPS} steps, every size of a chunk was tried; with more, {', '.join(map(str, SIZES))} and "
            "the whole sequence, each with the inverse of the triangular matrix and by solving with it. An entry is "
            "the number of equal results, of forms and contracts.\n",
            page.table(("golden", *PRECISIONS, "ONNX"), _exact_rows(comparisons)),
        ]
    )


def _exact_rows(comparisons: Sequence[Comparison]) -> Iterator[tuple[object, ...]]:
    for golden in dict.fromkeys(one.golden for one in comparisons):
        these = [one for one in comparisons if one.golden == golden]
        by_precision = [_equal([one for one in these if one.condition.precision == p]) for p in PRECISIONS]
        yield golden, *by_precision, _equal([one for one in these if one.implementation.startswith("onnx")])


def _equal(comparisons: Sequence[Comparison]) -> str:
    return f"{len(comparisons) - len(failures(comparisons))} of {len(comparisons)}"
