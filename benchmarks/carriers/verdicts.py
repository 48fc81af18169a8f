"""Compares the verdicts of each carrier with Python's, for right and wrong implementations.

A carrier is a form in which goldens reach a project: ONNX folders, files of arrays, the npm package, the C header. It
is wrong if a verdict differs from Python's, or if Python's verdict on an implementation is not the known one. ONNX
folders have expected values in the model's type and tolerances that include the rounding, so that every output that
Python accepts passes; an output that Python rejects may pass only if the rounding explains it.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks import page
from benchmarks.benchmark import Measured
from benchmarks.carriers.carriers import Array, Result, Verdicts, carriers
from rnn_goldens import Unsupported
from rnn_goldens.cells import golden_case
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.array_conversion import read
from rnn_goldens.comparison.returned import compared_outputs, outputs_of
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import DEVIATIONS, Deviation
from rnn_goldens.deviations.recurrences import RECURRENCE_DEVIATIONS
from rnn_goldens.export.exported_golden import allowed, expected
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.implementations import resolve
from vectors.archive import FORMATS, contents, is_in_archive

RIGHT = ("numpy", "torch")
EVERY = 5
"""Every Nth deviation is a wrong implementation."""

ROUNDED = "ONNX folders"
"""The carrier with expected values in the model's type."""


def measured() -> Measured:
    """Return the section, and the verdicts that differ; writes the data of the npm package first."""
    subprocess.run([sys.executable, str(page.ROOT / "javascript" / "build.py")], check=True)
    entries = [entry for entry in open_corpus().entries if is_in_archive(entry)]
    ids = [(entry.id, dtype) for entry in entries for dtype in entry.precisions]
    found = list(results(RIGHT, (*DEVIATIONS[::EVERY], *RECURRENCE_DEVIATIONS[::EVERY]), ids))
    with tempfile.TemporaryDirectory() as scratch:
        vectors = Path(scratch) / "vectors"
        for path, content in contents("0").items():
            (vectors / path).parent.mkdir(parents=True, exist_ok=True)
            (vectors / path).write_bytes(content)
        verdicts = {name: check(found) for name, check in carriers(vectors, Path(scratch)).items()}
    return Measured(report(found, verdicts), [*unexpected(found, verdicts["Python"]), *differing(found, verdicts)])


def results(right: Sequence[str], wrong: Sequence[Deviation], ids: Iterable[tuple[str, str]]) -> Iterator[Result]:
    """Yield the results of built-in implementations, and of deviations, on goldens that they apply to."""
    corpus, built_in = open_corpus(), {name: resolve(name) for name in right}
    for golden in (corpus.load(*one) for one in ids):
        for name, implementation in built_in.items():
            try:
                given = compared_outputs(golden, *outputs_of(implementation(golden), golden))
            except Unsupported:
                continue
            outputs = {output: read(array).values for output, array in given.items()}
            yield Result(name, True, golden, _rounded(golden, outputs))
        for deviation in wrong:
            if found := _wrong_outputs(deviation, golden):
                yield Result(deviation.name, False, golden, _rounded(golden, found))


def _wrong_outputs(deviation: Deviation, golden: Golden) -> Mapping[str, Array] | None:
    """Return the outputs of a deviation; None if it does not apply to the golden."""
    case = golden_case(golden, np.float64)
    if golden.cell not in deviation.cells or not deviation.has_needs(case, golden.features):
        return None
    return deviation.outputs(case)


def _rounded(golden: Golden, outputs: Mapping[str, Array]) -> dict[str, Array]:
    precision = PRECISIONS[golden.dtype]
    carrier = np.float64 if precision.name == "float64" else np.float32
    return {
        name: precision.round(np.asarray(outputs[name], np.float64)).astype(carrier) for name in golden.stored.expected
    }


def unexpected(found: Sequence[Result], verdicts: Verdicts) -> list[str]:
    """Return the right implementations that fail a golden in Python, and the wrong ones that pass all."""
    failed = {result.implementation for result, passed in zip(found, verdicts, strict=True) if not passed}
    ran = {result.implementation: result.is_right for result in found}
    return [f"{name} in Python" for name, is_right in ran.items() if is_right == (name in failed)]


def differing(found: Sequence[Result], by_carrier: Mapping[str, Verdicts]) -> list[str]:
    """Return each verdict of a carrier that is not Python's."""
    return [
        f"{result.implementation} on {result.golden.id} in {result.golden.dtype}: {name}"
        for name, verdicts in by_carrier.items()
        for result, want, got in zip(found, by_carrier["Python"], verdicts, strict=True)
        if got not in (None, want) and not (name == ROUNDED and got and beyond_by_rounding(result))
    ]


def beyond_by_rounding(result: Result) -> bool:
    """Return whether the rounding of expected values to the precision explains that outputs beyond tolerance pass."""
    golden = result.golden
    limits, certified = allowed(golden), expected(golden)
    rounding = {name: np.abs(PRECISIONS[golden.dtype].round(array) - array) for name, array in certified.items()}
    return all(
        (np.abs(result.outputs[name] - certified[name]) <= limits[name] + 2 * rounding[name]).all() for name in limits
    )


def report(found: Sequence[Result], by_carrier: Mapping[str, Verdicts]) -> str:
    """Return the section of the page."""
    counts = [len({one.implementation for one in found if one.is_right == right}) for right in (True, False)]
    wrong = differing(found, by_carrier)
    rounded = sum(
        got is True and not want for want, got in zip(by_carrier["Python"], by_carrier.get(ROUNDED, ()), strict=False)
    )
    rows = [
        (name, len(given := [one for one in verdicts if one is not None]), given.count(True), given.count(False),
         sum(one.endswith(f": {name}") for one in wrong))
        for name, verdicts in by_carrier.items()
    ]  # fmt: skip
    return "\n".join(
        [
            "## The same verdicts in every carrier\n\n"
            f"{counts[0]} right implementations ({', '.join(RIGHT)}) and {counts[1]} wrong ones, every {EVERY}th "
            f"[deviation](../deviations.md), ran the goldens of the archive in {_joined(PRECISIONS)}: {len(found):,} "
            "results. Each carrier checked the same outputs. "
            f"{'All verdicts are equal.' if not wrong else f'Verdicts that differ: {len(wrong)}.'}\n",
            page.table(("carrier", "results", "passed", "failed", "other than Python's"), rows),
            f"The archive has ONNX folders in {_joined(FORMATS['onnx'])}, and not for cells without an ONNX operator, "
            f"and C headers in {_joined(FORMATS['c'])}. C has no shapes: outputs of a wrong shape are not compared. "
            f"{ROUNDED} have expected values in the model's type, and tolerances that include the rounding: "
            f"{rounded} outputs beyond their tolerance pass there, none by more than twice the rounding. "
            "The npm package has the JSON files and their rule for tolerances, which the archive's README states.\n",
            *(f"- {one}" for one in wrong),
        ]
    )


def _joined(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}"
