"""Runs correct implementations on goldens in larger sizes: none may fail, but for what they are known to fail."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from benchmarks import false_alarms, page
from benchmarks.benchmark import PROCESSES, Measured
from rnn_goldens.comparison.returned import by_name, outputs_of
from rnn_goldens.comparison.verdict import compare as compare_outputs
from rnn_goldens.comparison.verdict import compare_gradients
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.built_in_cells import CELLS, DIALECTS
from rnn_goldens.golden.larger_golden import having
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.implementations.resolution import backward_of, resolve

IMPLEMENTATIONS = ("numpy", "torch", "onnxruntime")
"""Those of the page."""

SIZES = (
    {"hidden_size": 64, "input_size": 64, "batch": 16, "d_k": 64, "d_v": 64, "heads": 4, "d": 64, "channels": 64},
    {"hidden_size": 128, "input_size": 64, "batch": 16, "d_k": 128, "d_v": 128, "d": 128, "channels": 128, "n": 16},
    {"hidden_size": 129, "input_size": 65, "batch": 33, "d_k": 129, "d_v": 100, "sequences": 5, "d": 65, "n": 17},
)
"""Larger sizes. A golden has those of them that exist in its cell."""

GROUPS: Mapping[str, Sequence[str]] = {
    **{cell: (cell,) for cell in CELLS},
    "dialects": tuple(DIALECTS),
    **{cell: (cell,) for cell in RECURRENCES},
}
"""The cells of each row."""


class Job(NamedTuple):
    """One implementation on the goldens of a group, in larger sizes and one precision."""

    implementation: str
    group: str
    sizes: int
    precision: str
    gradients: bool


class Found(NamedTuple):
    """How many goldens passed, what is wrong, how many known failures failed, and the largest error of the others.

    Errors are fractions of the tolerance.
    """

    passed: int
    wrong: Sequence[str]
    known: int
    largest: float


def measured(implementations: Sequence[str] = (), only: str = "") -> Measured:
    """Return the section, and the goldens that a correct implementation fails."""
    jobs = [
        Job(name, group, number, precision, gradients)
        for name in implementations or IMPLEMENTATIONS
        for group in GROUPS
        if only in group
        for number in range(len(SIZES))
        for precision in PRECISIONS
        for gradients in (False, True)
    ]
    with ProcessPoolExecutor(PROCESSES) as pool:
        found = dict(zip(jobs, pool.map(results_of, jobs, chunksize=8), strict=True))
    return Measured(_text(found), [line for of in found.values() for line in of.wrong])


def results_of(job: Job) -> Found:
    """Run a job. Goldens that are larger, or that the implementation refuses, are left out."""
    corpus, run, errors, wrong, known = open_corpus(), resolve(job.implementation), list[float](), list[str](), 0
    back = backward_of(job.implementation, run)
    of = false_alarms.GRADIENTS if job.gradients else false_alarms.OUTPUTS
    listed = false_alarms.known_failures(false_alarms.Job(job.implementation, job.precision, of), corpus)
    for entry in corpus.select(cell=GROUPS[job.group], gradients=job.gradients):
        if job.precision not in (entry.gradient_precisions if job.gradients else entry.precisions):
            continue
        golden = corpus.load(entry.id, job.precision, gradients=job.gradients)
        try:
            larger = golden.embedded(**having(golden, SIZES[job.sizes].items()))
            inputs = larger.for_implementation()
            if job.gradients:
                verdict = compare_gradients(larger, back(inputs))
            else:
                verdict = compare_outputs(larger, *by_name(larger.layout, *outputs_of(run(inputs))).values())
        except Unsupported:
            continue
        if verdict.passed == (golden.id in listed):
            what = "passes, but is listed as known to fail" if verdict.passed else "fails"
            wrong.append(f"{job.implementation}: {golden.id} in {job.precision} with {larger.embedding} {what}")
        elif verdict.passed:
            errors.append(verdict.largest_error)
        else:
            known += 1
    return Found(len(errors), wrong, known, max(errors, default=0.0))


def _text(found: Mapping[Job, Found]) -> str:
    of_cells: dict[tuple[str, str], dict[str, list[Found]]] = {}
    for job, of in found.items():
        column = f"gradients, {job.precision}" if job.gradients else job.precision
        of_cells.setdefault((job.implementation, job.group), {}).setdefault(column, []).append(of)
    rows = [[", ".join(key), *map(_cell, columns.values())] for key, columns in of_cells.items()]
    header = ["implementation, cell", *next(iter(of_cells.values()))]
    of_sizes = "; ".join(", ".join(f"{name} {size}" for name, size in sizes.items()) for sizes in SIZES)
    return (
        "## Correct implementations in larger sizes\n\n"
        f"Every golden that fits was [embedded](../kernel-sizes.md) three times, in those of these sizes that it has: "
        f"{of_sizes}. How many passed, none failed, and the largest error as a fraction of the tolerance. "
        f"{sum(of.known for of in found.values())} known failures fail in larger sizes, too, and are not counted.\n\n"
        + page.table(header, [row for row in rows if any(row[1:])])
    )


def _cell(parts: Sequence[Found]) -> str:
    passed = sum(of.passed for of in parts)
    return f"{passed}, {max(of.largest for of in parts):.2f}" if passed else ""
