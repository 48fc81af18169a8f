"""Runs correct implementations on goldens in larger sizes: none may fail, but for what they are known to fail."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from benchmarks import false_alarms, page
from benchmarks.benchmark import PROCESSES, Measured
from benchmarks.false_alarms import GRADIENTS, OUTPUTS
from rnn_goldens.comparison.verdict import compare, compare_gradients
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.built_in_cells import CELLS, DIALECTS
from rnn_goldens.golden.larger_golden import having
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrences import RECURRENCES

IMPLEMENTATIONS = ("numpy", "torch", "onnxruntime")
"""Those of the page."""

SIZES = (
    {"hidden_size": 64, "input_size": 64, "batch": 16, "d_k": 64, "d_v": 64, "heads": 4, "d": 64, "channels": 64},
    {"hidden_size": 128, "input_size": 64, "batch": 16, "d_k": 128, "d_v": 128, "d": 128, "channels": 128, "n": 16},
    {"hidden_size": 129, "input_size": 65, "batch": 33, "d_k": 129, "d_v": 100, "sequences": 5, "d": 65, "n": 17},
)
"""Sets of larger sizes. A golden has those of a set that exist in its cell."""

GROUPS: Mapping[str, Sequence[str]] = {
    **{cell: (cell,) for cell in CELLS},
    "dialects": tuple(DIALECTS),
    **{cell: (cell,) for cell in RECURRENCES},
}
"""The cells of each row."""


class Job(NamedTuple):
    """One implementation on the outputs or gradients of a group's goldens, in a set of sizes and one precision."""

    implementation: str
    group: str
    sizes: int
    precision: str
    of: str


class Found(NamedTuple):
    """How many goldens passed, which failed and how, how many known failures failed, and the largest passed error.

    Errors are fractions of the tolerance.
    """

    passed: int
    failed: Sequence[str] = ()
    known: int = 0
    largest: float = 0.0


def measured(implementations: Sequence[str] = (), only: str = "") -> Measured:
    """Return the section, and the goldens that a correct implementation fails."""
    names = tuple(implementations) or IMPLEMENTATIONS
    jobs = [
        Job(name, group, number, precision, of)
        for name in names
        for group in GROUPS
        if only in group
        for number in range(len(SIZES))
        for precision in PRECISIONS
        for of in (OUTPUTS, GRADIENTS)
    ]
    with ProcessPoolExecutor(PROCESSES) as pool:
        found = dict(zip(jobs, pool.map(results_of, jobs, chunksize=8), strict=True))
    return Measured(_text(names, found), [line for of in found.values() for line in of.failed])


def results_of(job: Job) -> Found:
    """Run a job. Goldens that are larger, or that the implementation refuses, are left out."""
    as_stored = false_alarms.Job(job.implementation, job.precision, job.of)
    run, corpus, errors, failed, known = false_alarms.function(as_stored), open_corpus(), list[float](), list[str](), 0
    listed, back = false_alarms.known_failures(as_stored, corpus), job.of == GRADIENTS
    for entry in corpus.select(cell=GROUPS[job.group], gradients=back):
        if job.precision not in (entry.gradient_precisions if back else entry.precisions):
            continue
        golden = corpus.load(entry.id, job.precision, gradients=back)
        try:
            larger = golden.embedded(**having(golden, SIZES[job.sizes].items()))
            found = run(larger.for_implementation())
        except Unsupported:
            continue
        verdict = compare_gradients(larger, found) if back else compare(larger, *found.values())
        if verdict.passed == (golden.id in listed):
            what = "passes, but is listed as known to fail" if verdict.passed else "fails"
            failed.append(f"{job.implementation}: {golden.id} in {job.precision} with {larger.embedding} {what}")
        elif verdict.passed:
            errors.append(verdict.largest_error)
        else:
            known += 1
    return Found(len(errors), failed, known, max(errors, default=0.0))


def _text(implementations: Sequence[str], found: Mapping[Job, Found]) -> str:
    of_rows: dict[tuple[str, int], list[tuple[Job, Found]]] = {}
    for job, results in found.items():
        of_rows.setdefault((job.group, job.sizes), []).append((job, results))
    rows = [
        [
            f"{group}, {number + 1}",
            _pair(of, lambda those: sum(one.passed for one in those)),
            _pair(of, lambda those: sum(len(one.failed) for one in those)),
            *(_pair([one for one in of if one[0].precision == name], _largest) for name in PRECISIONS),
        ]
        for (group, number), of in of_rows.items()
    ]
    sets = [", ".join(f"{name} {size}" for name, size in sizes.items()) for sizes in SIZES]
    text = TEXT.format(
        implementations=", ".join(implementations),
        sizes="\n".join(f"{number}. {names}" for number, names in enumerate(sets, start=1)),
        known=sum(one.known for one in found.values()),
    )
    return text + page.table(["cell, sizes", "passed", "failed", *PRECISIONS], rows)


TEXT = """## Correct implementations in larger sizes

Implementations: {implementations}. Every golden that fits was [embedded](../kernel-sizes.md) in each of these sets of
sizes, in those that its cell has:

{sizes}

Each entry is of outputs, then of gradients: how many runs passed and failed, and the largest error in each precision
as a fraction of the tolerance. {known} known failures fail in larger sizes, too, and are not counted.

"""


def _pair(found: Sequence[tuple[Job, Found]], text: Callable[[Sequence[Found]], object]) -> str:
    """Return what is said of outputs, and of gradients."""
    return ", ".join(str(text([one for job, one in found if job.of == of])) for of in (OUTPUTS, GRADIENTS))


def _largest(found: Sequence[Found]) -> str:
    passed = [one.largest for one in found if one.passed]
    return f"{max(passed):.2f}" if passed else "none"
