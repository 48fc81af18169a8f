"""What correct implementations were found to be, golden by golden, and the tables that say so."""

import argparse
import multiprocessing
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import page
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.corpus import Corpus
from rnn_goldens.generator.margin import LARGEST_CORRECT_ERROR
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.judging.outputs import read
from rnn_goldens.judging.verdict import Verdict
from rnn_goldens.plugin.known_failures import read_listed

KNOWN_FAILURES = Path(__file__).parents[1] / "docs" / "known-failures"


class Job(NamedTuple):
    """One implementation in one precision."""

    implementation: str
    precision: str


@dataclass
class Tally:
    """What an implementation's outputs, or gradients, were found to be.

    Attributes:
        passed, refused, known, failed: how many goldens; the reasons of what it refused; those of what it is known to
            be wrong at, and was; the goldens it failed otherwise, and how.
        largest: the largest error among the passed ones as a fraction of what is allowed, and the golden it is on.
        not_close: how many ``assert_close`` fails of those it ran.
        seconds: of CPU.
    """

    job: Job
    passed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    failed: dict[str, str] = field(default_factory=dict)
    largest: tuple[float, str] = (0.0, "")
    not_close: int = 0
    seconds: float = 0.0

    def judge(self, golden: Golden, verdict: Verdict, known: str | None, *, close: bool) -> None:
        """Count what became of one golden, at which the implementation may be known to be wrong."""
        if known is not None:
            if verdict.passed:
                self.failed[golden.id] = "passes, and docs/known-failures says that it does not"
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
        """Count a refusal, by its first line."""
        text = str(reason).splitlines()[0]
        self.refused[text if len(text) <= 120 else f"{text[:119]}…"] += 1  # noqa: PLR2004 - a line


TallyOf = Callable[[Job, int], Tally]
"""Does a job: of every golden that has the precision, or of every so-manieth."""


def known_failures(job: Job, corpus: Corpus, suffix: str = ".txt") -> dict[str, str]:
    """The goldens that an implementation is known to fail in a precision, and why: in files that end so."""
    path = KNOWN_FAILURES / f"{job.implementation}{suffix}"
    entries = read_listed(path, corpus.entries) if path.is_file() else []
    return {i.id: e.reason for i in corpus.entries for e in entries if e.matches(i, job.precision)}


def command(
    name: str,
    implementations: Sequence[str],
    compiling: Sequence[str],
    tally: TallyOf,
    report: Callable[[Sequence[Tally], Sequence[str]], str],
) -> None:
    """Run, print, and exit with 1 if anything correct fails, or comes too near the tolerance.

    Args:
        name: the page, in the folder of results.
        implementations: all there are.
        compiling: those that compile, which is most of what takes time.
        tally: does one of them in one precision.
        report: makes the page of what was found of some implementations.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="only implementations whose name contains this")
    parser.add_argument("--every", type=int, default=1, help="of those that compile, only every so-manieth golden")
    parser.add_argument("--write", action="store_true", help=f"write docs/results/{name}")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    names = [one for one in implementations if arguments.only in one]
    if not names:
        parser.error(f"no implementation's name contains {arguments.only!r}: {', '.join(implementations)}")
    if arguments.write and (arguments.only or arguments.every > 1):
        parser.error("--write is for the whole: without --only and --every")
    # Those that compile go first, a process a precision.
    tasks = [([Job(n, p)], arguments.every) for n in names if n in compiling for p in PRECISIONS]
    tasks += [([Job(n, p) for p in PRECISIONS], 1) for n in names if n not in compiling]
    found = run(tally, tasks, arguments.processes)
    tallies = [found[Job(n, p)] for n in names for p in PRECISIONS]
    text = report(tallies, names)
    print(text)
    if arguments.write:
        page.write(name, text)
    if say_what_is_wrong(tallies):
        sys.exit(1)


def run(tally: TallyOf, tasks: Sequence[tuple[Sequence[Job], int]], processes: int) -> dict[Job, Tally]:
    """Do all jobs, a task a process, because Keras has one backend a process."""
    results: dict[Job, Tally] = {}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn, max_tasks_per_child=1) as pool:
        futures = [pool.submit(_in_process, tally, *task) for task in tasks]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                found = future.result()
                results |= {t.job: t for t in found}
                seconds = sum(t.seconds for t in found)
                print(f"[{done}/{len(tasks)}] {found[0].job.implementation}: {seconds:.0f} s of CPU", file=sys.stderr)
        finally:
            pool.shutdown(cancel_futures=True)
    return results


def _in_process(tally: TallyOf, jobs: Sequence[Job], every: int) -> list[Tally]:
    import torch

    torch.set_num_threads(1)
    return [tally(job, every) for job in jobs]


def say_what_is_wrong(tallies: Iterable[Tally]) -> bool:
    """Print what comes too near the tolerance; whether anything does, or fails."""
    tallies = list(tallies)
    near = [t for t in tallies if t.largest[0] > LARGEST_CORRECT_ERROR]
    for t in near:
        print(f"{', '.join(t.job)}: {t.largest[0]:.3f} on {t.largest[1]}, at most {LARGEST_CORRECT_ERROR} is allowed")
    return bool(near) or any(t.failed for t in tallies)


def onednn(*, on: bool) -> AbstractContextManager[Any]:
    """In which torch uses oneDNN, as it does of itself, or does not."""
    import torch

    flags: Callable[..., AbstractContextManager[Any]] = torch.backends.mkldnn.flags
    return nullcontext() if on else flags(enabled=False, allow_tf32=False)


def are_close(golden: Golden, given: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    """What ``torch.testing.assert_close`` says: the certified answer in the golden's precision, default tolerances."""
    import torch

    dtype = getattr(torch, golden.dtype)
    try:
        for name, array in given.items():
            got = torch.tensor(read(array).values).to(dtype)
            torch.testing.assert_close(got, torch.tensor(expected[name]).to(dtype))
    except AssertionError:
        return False
    return True


def totals(tallies: Sequence[Tally], corpus: Corpus, goldens: int, implementations: int) -> str:
    """What was checked, in one row."""
    ran = sum(t.passed + len(t.failed) for t in tallies)
    refused, known = sum(t.refused.total() for t in tallies), sum(t.known.total() for t in tallies)
    failed = sum(len(t.failed) for t in tallies)
    return page.table(
        ("checked against", "goldens", "implementations", "runs", "refused", "known wrong", "failed"),
        [(f"corpus {corpus.version}", goldens, implementations, ran, refused, known, failed)],
    )


def overview(tallies: Sequence[Tally]) -> str:
    """A row a precision."""
    rows = []
    for precision in PRECISIONS:
        if not (own := [t for t in tallies if t.job.precision == precision]):
            continue
        ran = sum(t.passed + len(t.failed) for t in own)
        largest, golden, by = max((*t.largest, t.job.implementation) for t in own)
        not_close = sum(t.not_close for t in own)
        share = f"{100 * not_close / max(ran, 1):.1f} %"
        failed = sum(len(t.failed) for t in own)
        rows.append((precision, ran, failed, f"{largest:.3f}", f"{by} on {golden}", f"{not_close} ({share})"))
    header = ("precision", "runs", "failed", "largest error", "of", "not close for assert_close")
    return page.table(header, rows)


def in_full(tallies: Sequence[Tally]) -> str:
    """A table a precision, then what failed, what is known to be wrong, and what was refused."""
    parts = []
    for precision in PRECISIONS:
        rows = [
            (
                t.job.implementation,
                t.passed,
                t.refused.total(),
                t.known.total(),
                len(t.failed),
                f"{t.largest[0]:.3f}" if t.passed else "",
                t.largest[1],
                t.not_close if t.passed or t.failed else "",
            )
            for t in tallies
            if t.job.precision == precision
        ]
        header = ("implementation", "passed", "refused", "known wrong", "FAILED", "largest error", "on", "not close")
        parts.append(f"## {precision}\n\n{page.table(header, rows)}")
    refusals = _reasons("What was refused", [(t.job, t.refused) for t in tallies])
    known_wrong = _reasons("What is known to be wrong", [(t.job, t.known) for t in tallies])
    parts += [_failures(tallies), known_wrong, refusals]
    return "\n".join(part for part in parts if part)


def _first_failure(verdict: Verdict) -> str:
    """What failed, element by element: the furthest off of each array."""
    said = []
    for name, found in verdict.differences.items():
        if found.problem:
            said.append(f"{name} {found.problem}")
        elif found.largest:
            e = found.largest
            at = ", ".join(map(str, e.index))
            error = abs(e.got - e.want)
            said.append(f"{name}[{at}] is {e.got:.9g}, not {e.want:.9g}: off by {error:.3g}, allowed {e.allowed:.3g}")
    return "; ".join(said)


def _failures(tallies: Sequence[Tally]) -> str:
    lines = [f"- {', '.join(t.job)}, `{golden}`: {how}.\n" for t in tallies for golden, how in t.failed.items()]
    return f"## What failed\n\n{''.join(lines)}" if lines else ""


def _reasons(title: str, counted: Sequence[tuple[Job, Counter[str]]]) -> str:
    lines = [
        f"- {', '.join(job)}, {count} goldens: {reason}\n"
        for job, reasons in counted
        for reason, count in sorted(reasons.items())
    ]
    return f"## {title}\n\n{''.join(lines)}" if lines else ""
