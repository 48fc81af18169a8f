"""Results of correct implementations, golden by golden, and their tables."""

import multiprocessing
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import page
from benchmarks.benchmark import PROCESSES, Measured
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.outputs import read
from rnn_goldens.comparison.verdict import Verdict
from rnn_goldens.corpus import Corpus
from rnn_goldens.generator.confirmation import LARGEST_CORRECT_ERROR
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.plugin.known_failures import read_list

KNOWN_FAILURES = Path(__file__).parents[1] / "docs" / "known-failures"


class Job(NamedTuple):
    """One implementation in one precision."""

    implementation: str
    precision: str


@dataclass
class ImplementationResults:
    """The outcomes of an implementation's outputs, or gradients, in one precision.

    Attributes:
        passed: number of goldens that passed.
        refused: number of goldens by the reason of the refusal.
        known: number of goldens by the reason of the known failure.
        failed: message of the first failure by golden id; known failures are not included.
        largest: the largest error of the passed goldens, as a fraction of the tolerance, and its golden.
        not_close: the number of goldens that ``assert_close`` rejects; known failures are not counted.
        seconds: CPU time.
    """

    job: Job
    passed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    failed: dict[str, str] = field(default_factory=dict)
    largest: tuple[float, str] = (0.0, "")
    not_close: int = 0
    seconds: float = 0.0

    def add(self, golden: Golden, verdict: Verdict, known: str | None, *, close: bool) -> None:
        """Count the outcome of one golden; ``known`` is the reason of its known failure, if it has one."""
        if known is not None:
            if verdict.passed:
                self.failed[golden.id] = "passes, but docs/known-failures lists it as a failure"
            else:
                self.known[known] += 1
            return
        self.not_close += not close
        if verdict.passed:
            self.passed += 1
            self.largest = max(self.largest, (verdict.largest_error, golden.id))
        else:
            self.failed[golden.id] = _first_failure(verdict)

    def refuse(self, reason: Exception) -> None:
        """Count a refusal by the first line of its reason."""
        text = str(reason).splitlines()[0]
        self.refused[text if len(text) <= 120 else f"{text[:119]}…"] += 1  # noqa: PLR2004 - a line


RunJob = Callable[[Job, int], ImplementationResults]
"""Runs a job on every Nth golden that has the precision."""


def known_failures(job: Job, corpus: Corpus, suffix: str = ".txt") -> dict[str, str]:
    """Return the goldens that a file of known failures lists for an implementation in a precision, with the reasons."""
    path = KNOWN_FAILURES / f"{job.implementation}{suffix}"
    entries = read_list(path, corpus.entries) if path.is_file() else []
    return {i.id: e.reason for i in corpus.entries for e in entries if e.matches(i, job.precision)}


def measured(
    implementations: Sequence[str],
    compiling: Sequence[str],
    results_of: RunJob,
    report: Callable[[Sequence[ImplementationResults], Sequence[str]], str],
    only: str,
    every: int,
) -> Measured:
    """Return the section, and the correct implementations that fail or come too near the tolerance.

    Args:
        implementations: names of all implementations.
        compiling: names of the implementations that compile, which takes most of the time.
        results_of: runs one implementation in one precision.
        report: returns the section for the results of the implementations with these names.
        only: text that the names of the implementations contain.
        every: implementations that compile run every Nth golden.
    """
    names = [one for one in implementations if only in one]
    if not names:
        sys.exit(f"no implementation's name contains {only!r}: {', '.join(implementations)}")
    # Implementations that compile go first, with one process for each precision.
    tasks = [([Job(n, p)], every) for n in names if n in compiling for p in PRECISIONS]
    tasks += [([Job(n, p) for p in PRECISIONS], 1) for n in names if n not in compiling]
    by_job = run(results_of, tasks)
    all_results = [by_job[Job(n, p)] for n in names for p in PRECISIONS]
    return Measured(report(all_results, names), list(problems(all_results)))


def run(results_of: RunJob, tasks: Sequence[tuple[Sequence[Job], int]]) -> dict[Job, ImplementationResults]:
    """Run all jobs, with one process for each task, because Keras has one backend in a process."""
    results: dict[Job, ImplementationResults] = {}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn, max_tasks_per_child=1) as pool:
        futures = [pool.submit(_in_process, results_of, *task) for task in tasks]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                finished = future.result()
                results |= {t.job: t for t in finished}
                seconds = sum(t.seconds for t in finished)
                print(
                    f"[{done}/{len(tasks)}] {finished[0].job.implementation}: {seconds:.0f} s of CPU", file=sys.stderr
                )
        finally:
            pool.shutdown(cancel_futures=True)
    return results


def _in_process(results_of: RunJob, jobs: Sequence[Job], every: int) -> list[ImplementationResults]:
    import torch

    torch.set_num_threads(1)
    return [results_of(job, every) for job in jobs]


def problems(all_results: Iterable[ImplementationResults]) -> Iterator[str]:
    """Yield the failures, and the results that come too near the tolerance."""
    for one in all_results:
        where = ", ".join(one.job)
        yield from (f"{where}, {golden}: {how}" for golden, how in one.failed.items())
        if one.largest[0] > LARGEST_CORRECT_ERROR:
            yield f"{where}: {one.largest[0]:.3f} on {one.largest[1]}, at most {LARGEST_CORRECT_ERROR} is allowed"


def onednn(*, on: bool) -> AbstractContextManager[Any]:
    """Return a context in which torch uses oneDNN (its default) or does not."""
    import torch

    flags: Callable[..., AbstractContextManager[Any]] = torch.backends.mkldnn.flags
    return nullcontext() if on else flags(enabled=False, allow_tf32=False)


def are_close(golden: Golden, actual: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    """Return whether ``torch.testing.assert_close`` accepts arrays in the golden's precision, with its defaults."""
    import torch

    dtype = getattr(torch, golden.dtype)
    try:
        for name, array in actual.items():
            got = torch.tensor(read(array).values).to(dtype)
            torch.testing.assert_close(got, torch.tensor(expected[name]).to(dtype))
    except AssertionError:
        return False
    return True


def totals(all_results: Sequence[ImplementationResults], corpus: Corpus, goldens: int, implementations: int) -> str:
    """Return a table with one row: the totals of all runs."""
    ran = sum(t.passed + len(t.failed) for t in all_results)
    refused, known = sum(t.refused.total() for t in all_results), sum(t.known.total() for t in all_results)
    failed = sum(len(t.failed) for t in all_results)
    return page.table(
        ("checked against", "goldens", "implementations", "runs", "refused", "known wrong", "failed"),
        [(f"corpus {corpus.version}", goldens, implementations, ran, refused, known, failed)],
    )


def overview(all_results: Sequence[ImplementationResults]) -> str:
    """Return a table with one row for each precision."""
    rows = []
    for precision in PRECISIONS:
        if not (members := [t for t in all_results if t.job.precision == precision]):
            continue
        ran = sum(t.passed + len(t.failed) for t in members)
        largest, golden, by = max((*t.largest, t.job.implementation) for t in members)
        not_close = sum(t.not_close for t in members)
        share = f"{100 * not_close / max(ran, 1):.1f} %"
        failed = sum(len(t.failed) for t in members)
        rows.append((precision, ran, failed, f"{largest:.3f}", f"{by} on {golden}", f"{not_close} ({share})"))
    header = ("precision", "runs", "failed", "largest error", "of", "not close for assert_close")
    return page.table(header, rows)


def in_full(all_results: Sequence[ImplementationResults]) -> str:
    """Return a table with one row for each implementation, and lists of failures, known failures and refusals."""
    groups: dict[str, list[ImplementationResults]] = {}
    for t in all_results:
        groups.setdefault(IN_NUMPY if t.job.implementation.startswith("numpy") else t.job.implementation, []).append(t)
    rows = [
        (
            _named(group, members),
            *(_entry([t for t in members if t.job.precision == precision]) for precision in PRECISIONS),
        )
        for group, members in groups.items()
    ]
    table = page.table(("implementation", *PRECISIONS), rows)
    variants = list(dict.fromkeys(t.job.implementation.removeprefix("numpy, ") for t in groups.get(IN_NUMPY, [])))
    in_numpy = f"The networks in NumPy: {'; '.join(v.replace('; ', ' and ') for v in variants)}.\n" if variants else ""
    refusals = _reasons("Refused", [(t.job, t.refused) for t in all_results])
    known_wrong = _reasons("Known wrong", [(t.job, t.known) for t in all_results])
    return "\n".join(part for part in (table, in_numpy, _failures(all_results), known_wrong, refusals) if part)


IN_NUMPY = "NumPy"
"""Common name of all networks in NumPy, which differ only in how they compute."""


def _named(group: str, members: Sequence[ImplementationResults]) -> str:
    return f"{group}, {len({t.job.implementation for t in members})} networks" if group == IN_NUMPY else group


def _entry(members: Sequence[ImplementationResults]) -> str:
    """Return the text of a cell: how many runs passed, their largest error, and how many did not pass."""
    counts = {
        "passed": sum(t.passed for t in members),
        "refused": sum(t.refused.total() for t in members),
        "known wrong": sum(t.known.total() for t in members),
        "FAILED": sum(len(t.failed) for t in members),
    }
    largest = max((t.largest[0] for t in members), default=0.0)
    parts = [
        f"{count} {what}" + (f" ({largest:.2f})" if what == "passed" else "") for what, count in counts.items() if count
    ]
    return ", ".join(parts)


def _first_failure(verdict: Verdict) -> str:
    """Return the element with the largest error of each array that failed."""
    parts = []
    for name, found in verdict.differences.items():
        if found.problem:
            parts.append(f"{name} {found.problem}")
        elif found.largest:
            e = found.largest
            at = ", ".join(map(str, e.index))
            error = abs(e.got - e.want)
            parts.append(f"{name}[{at}] is {e.got:.9g}, not {e.want:.9g}: off by {error:.3g}, allowed {e.allowed:.3g}")
    return "; ".join(parts)


def _failures(all_results: Sequence[ImplementationResults]) -> str:
    lines = [f"- {', '.join(t.job)}, `{golden}`: {how}.\n" for t in all_results for golden, how in t.failed.items()]
    return f"### Failed\n\n{''.join(lines)}" if lines else ""


def _reasons(title: str, counted: Sequence[tuple[Job, Counter[str]]]) -> str:
    together: dict[tuple[str, str], dict[str, int]] = {}
    for job, reasons in counted:
        for reason, count in sorted(reasons.items()):
            together.setdefault((job.implementation, reason), {})[job.precision] = count
    lines = [
        f"- {name} ({', '.join(f'{precision}: {count}' for precision, count in counts.items())}): {reason}\n"
        for (name, reason), counts in together.items()
    ]
    return f"### {title}\n\n{''.join(lines)}" if lines else ""
