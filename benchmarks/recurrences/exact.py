"""Compares all forms of attention with exact goldens by ``==``: step by step, as a whole, in chunks, and in ONNX."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks import page
from benchmarks.recurrences.goldens import Condition, contracts_of, goldens
from benchmarks.recurrences.kernels import IMPLEMENTATIONS, SIZES, numpy_attention
from benchmarks.recurrences.kernels.frame import ATTENTION, NUMPY, Kernel, kernel
from rnn_goldens import Golden, Unsupported
from rnn_goldens.cells.recurrence import recurrence_case
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import Exact

FEW_STEPS = 6
"""Up to this many steps, every size of a chunk is tried."""


@dataclass(frozen=True)
class Comparison:
    """One form on one golden.

    Attributes:
        golden: its id.
        steps: its time steps.
        bits: significant bits that its sums need.
        condition: precision and contract.
        form: the name of the form.
        is_equal: whether every output is equal.
    """

    golden: str
    steps: int
    bits: int
    condition: Condition
    form: str
    is_equal: bool


def measured(ids: Iterable[str] = ()) -> list[Comparison]:
    """Run all forms on exact goldens; all of them if no ids are given."""
    found = list[Comparison]()
    for precision in PRECISIONS:
        for golden in goldens(precision, ids):
            if isinstance(golden.tolerance, Exact):
                found += _of_golden(golden, golden.tolerance.bits)
    return found


def _of_golden(golden: Golden, bits: int) -> Iterator[Comparison]:
    case = recurrence_case(golden, np.float64)
    for contract in contracts_of(golden.dtype):
        for form, function in _forms(golden):
            try:
                outputs = function(case, golden.dtype, contract)
            except Unsupported:
                continue
            equal = all(np.array_equal(outputs[name], want) for name, want in golden.stored.expected.items())
            yield Comparison(golden.id, golden.time, bits, Condition(golden.dtype, contract), form, equal)


def _forms(golden: Golden) -> Iterator[tuple[str, Kernel]]:
    names = ["numpy_step", "numpy_other_step", "torch_step", "onnx_reference", "onnxruntime", "onnxruntime_kernel"]
    for name in names:
        yield name, IMPLEMENTATIONS[name].function
    if golden.cell in ATTENTION:
        for size in sorted({*(range(1, golden.time) if golden.time <= FEW_STEPS else SIZES), golden.time}):
            for direct in (False, True):
                form = partial(numpy_attention.chunks, size=size, direct=direct)
                yield f"chunks of {size}", kernel(dict.fromkeys(ATTENTION, form), NUMPY)


def failures(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """Return the comparisons with a difference."""
    return [one for one in comparisons if not one.is_equal]


def report(comparisons: Sequence[Comparison]) -> str:
    """Return the section of the page."""
    failed = failures(comparisons)
    return "\n".join(
        [
            "## Exact goldens\n\n"
            f"Nothing rounds on {len({one.golden for one in comparisons})} goldens: step by step, as a whole and in "
            f"chunks, in ONNX's reference and in ONNX Runtime, {len(comparisons) - len(failed)} of {len(comparisons)} "
            "results are equal to the expected values with `==`, in each precision and by each contract.\n\n"
            f"Up to {FEW_STEPS} steps, every size of a chunk was tried; with more, {', '.join(map(str, SIZES))} and "
            "the whole sequence, each with the inverse of the triangular matrix and by solving with it. *Bits*: the "
            "most significant bits that a sum needs, in the step form or in chunks.\n",
            page.table(("golden", "steps", "bits", "forms", *PRECISIONS, "ONNX"), _rows(comparisons)),
            "An entry is the number of equal results, of forms and contracts.\n",
        ]
    )


def _rows(comparisons: Sequence[Comparison]) -> Iterator[tuple[object, ...]]:
    for golden in dict.fromkeys(one.golden for one in comparisons):
        of_golden = [one for one in comparisons if one.golden == golden]
        forms, onnx = {one.form for one in of_golden}, [one for one in of_golden if one.form.startswith("onnx")]
        by_precision = [_equal([one for one in of_golden if one.condition.precision == p]) for p in PRECISIONS]
        yield golden, of_golden[0].steps, of_golden[0].bits, len(forms), *by_precision, _equal(onnx)


def _equal(comparisons: Sequence[Comparison]) -> str:
    return f"{len(comparisons) - len(failures(comparisons))} of {len(comparisons)}"
