"""Compares the verdicts of each carrier with Python's, for right and wrong implementations.

A carrier is a form in which goldens reach a project: ONNX folders, files of arrays, JSON, the npm package, the C
header. The exit code is 1 if a verdict differs from Python's, or if Python's verdict on an implementation is not the
known one.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks import page
from benchmarks.benchmark import Measured
from benchmarks.carriers.carriers import JSON_PRECISIONS, Verdicts, carriers, python
from benchmarks.carriers.implementations import Result, chosen, results
from rnn_goldens.corpus import open_corpus
from rnn_goldens.golden.precision import PRECISIONS
from vectors.archive import FORMATS, contents, is_in_archive


def measured() -> Measured:
    """Return the section, and the verdicts that differ; writes the data of the npm package first."""
    subprocess.run([sys.executable, str(page.ROOT / "javascript" / "build.py")], check=True)
    with tempfile.TemporaryDirectory() as scratch:
        return Measured(*compared(Path(scratch)))


def compared(scratch: Path) -> tuple[str, list[str]]:
    """Return the section of the page, and the verdicts that differ."""
    vectors = scratch / "vectors"
    for path, content in contents("0").items():
        (vectors / path).parent.mkdir(parents=True, exist_ok=True)
        (vectors / path).write_bytes(content)
    entries = [entry for entry in open_corpus().entries if is_in_archive(entry)]
    ids = [(entry.id, dtype) for dtype in PRECISIONS for entry in entries if dtype in entry.precisions]
    found = list(results(chosen(), ids))
    reference = python(found)
    others = {name: check(found) for name, check in carriers(vectors, scratch).items()}
    wrong = [*unexpected(found, reference), *differing(found, reference, others)]
    return report(found, reference, others, wrong), wrong


def unexpected(found: Sequence[Result], verdicts: Verdicts) -> list[str]:
    """Return the right implementations that fail a golden in Python, and the wrong ones that pass all."""
    failed = {result.implementation for result, passed in zip(found, verdicts, strict=True) if not passed}
    ran = dict.fromkeys(result.implementation for result in found)
    return [f"{one.kind} {one.name} in Python" for one in ran if one.is_right == (one in failed)]


def differing(found: Sequence[Result], reference: Verdicts, others: Mapping[str, Verdicts]) -> list[str]:
    """Return each verdict of a carrier that is not Python's."""
    return [
        f"{result.implementation.name} on {result.golden.id} in {result.golden.dtype}: {name}"
        for name, verdicts in others.items()
        for result, want, got in zip(found, reference, verdicts, strict=True)
        if got not in (None, want)
    ]


def report(found: Sequence[Result], reference: Verdicts, others: Mapping[str, Verdicts], wrong: Sequence[str]) -> str:
    """Return the section of the page."""
    right, wrong_ones = (
        {result.implementation for result in found if result.implementation.is_right == is_right}
        for is_right in (True, False)
    )
    rows = [_row(name, reference, verdicts) for name, verdicts in {"Python": reference, **others}.items()]
    return "\n".join(
        [
            "## The same verdicts in every carrier\n\n"
            f"{len(right)} right and {len(wrong_ones)} wrong implementations ran goldens of the archive in "
            f"{_joined(PRECISIONS)}: {len(found):,} results. Each carrier checked the same outputs. "
            f"{'All verdicts are equal.' if not wrong else f'Verdicts that differ: {len(wrong)}.'}\n",
            page.table(("carrier", "results", "passed", "failed", "as in Python", "different"), rows),
            f"The archive has ONNX folders in {_joined(FORMATS['onnx'])}, and not for cells without an ONNX operator, "
            f"and C headers in {_joined(FORMATS['c'])}. C has no shapes: outputs of a wrong shape are not compared. "
            f"JSON is compared by the rule of the archive's README, for networks in {_joined(JSON_PRECISIONS)}.\n\n"
            "Right implementations are those of [correctness.md](correctness.md) and [recurrences.md](recurrences.md); "
            "wrong ones are [deviations](../deviations.md), evenly from all.\n",
            *(f"- {one}" for one in wrong),
        ]
    )


def _joined(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}"


def _row(name: str, reference: Verdicts, verdicts: Verdicts) -> tuple[object, ...]:
    pairs = [(want, got) for want, got in zip(reference, verdicts, strict=True) if got is not None]
    equal = sum(want == got for want, got in pairs)
    passed = sum(bool(got) for _, got in pairs)
    return name, len(pairs), passed, len(pairs) - passed, equal, len(pairs) - equal
