"""Correct implementations against every golden, in every precision: how many fail, and how close the others come.

    python -m benchmarks.false_alarms            # from the checkout; --write renews docs/results/false-alarms.md,
                                                 # --check fails if it says otherwise

Beside each figure stands what ``torch.testing.assert_close`` says of the same outputs, with its default tolerances.
Where a library is wrong, ``docs/known-failures`` has the golden and the evidence; it is counted apart, and has to fail.
"""

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import page, page_check, page_command
from rnn_goldens.checkable.golden import Golden, Question
from rnn_goldens.corpus import Corpus, find, open_corpus
from rnn_goldens.errors import Unsupported
from rnn_goldens.generator.margin import LARGEST_CORRECT_ERROR
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.implementations import Implementation, outputs_of, resolve
from rnn_goldens.judging.outputs import read, states_apart
from rnn_goldens.judging.verdict import Verdict
from rnn_goldens.plugin.known_failures import read_known_failures

NUMPY = "numpy, "
"""What the names of correct networks in NumPy begin with; the definition is called numpy alone."""

LIBRARIES = (
    "torch, oneDNN on",
    "torch, oneDNN off",
    "torch-cells",
    "onnxruntime",
    "onnx-reference",
    "keras-jax",
    "keras-torch",
    "flax",
)

KNOWN_FAILURES = Path(__file__).parents[1] / "docs" / "known-failures"

PAGE = "false-alarms.md"

COLUMNS: page_check.Columns = {
    **dict.fromkeys(("goldens", "implementations", "failed", "FAILED"), page_check.FIXED),
    **dict.fromkeys(("runs", "passed", "refused", "known wrong"), page_check.LIKE_FOR_LIKE),
    "largest error": page_check.Column(by=0.15),
    "not close": page_check.Column(by=25),
    **dict.fromkeys(("of", "on", "not close for assert_close"), None),
}
"""How the page is held against what was measured. Without AVX-512 and AVX2 errors move by 0.03, not close by 7."""


class Job(NamedTuple):
    """One implementation in one precision."""

    implementation: str
    precision: str


@dataclass
class Tally:
    """What an implementation's outputs were found to be.

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


def main() -> None:
    """Run, print, and exit with 1 if anything correct fails, or if the page is checked and says otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="only implementations whose name contains this")
    parser.add_argument("--corpus", help="a version or a folder; by default the newest version")
    page_command.options(parser, PAGE)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    names = [name for name in implementations() if arguments.only in name]
    if not names:
        parser.error(f"no implementation's name contains {arguments.only!r}: {', '.join(implementations())}")
    if (arguments.write or arguments.check) and (arguments.only or arguments.corpus):
        parser.error("--write and --check are for the whole: without --only and --corpus")
    folder = str(find(arguments.corpus))
    tallies = run(names, folder, arguments.processes)
    text = report(tallies, open_corpus(folder), names)
    print(text)
    near = [t for t in tallies if t.largest[0] > LARGEST_CORRECT_ERROR]
    for t in near:
        print(f"{', '.join(t.job)}: {t.largest[0]:.3f} on {t.largest[1]}, at most {LARGEST_CORRECT_ERROR} is allowed")
    is_wrong = bool(near) or any(t.failed for t in tallies)
    page_command.end(arguments, PAGE, text, COLUMNS, is_wrong=is_wrong)


def implementations() -> list[str]:
    """Every implementation, the definition first."""
    from benchmarks.correct_networks import NETWORKS

    return ["numpy", *(f"{NUMPY}{name}" for name in NETWORKS), *LIBRARIES]


def run(names: Sequence[str], folder: str, processes: int) -> list[Tally]:
    """Every implementation in every precision, in that order; those that compile go first, a process a precision."""
    compiling = ("flax", "keras-jax")
    tasks = [[Job(name, precision)] for name in names if name in compiling for precision in PRECISIONS]
    tasks += [[Job(name, precision) for precision in PRECISIONS] for name in names if name not in compiling]
    results: dict[Job, Tally] = {}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn, max_tasks_per_child=1) as pool:
        futures = [pool.submit(tallies_of, task, folder) for task in tasks]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                found = future.result()
                results |= {t.job: t for t in found}
                seconds = sum(t.seconds for t in found)
                print(f"[{done}/{len(tasks)}] {found[0].job.implementation}: {seconds:.0f} s of CPU", file=sys.stderr)
        finally:
            pool.shutdown(cancel_futures=True)
    return [results[Job(name, precision)] for name in names for precision in PRECISIONS]


def tallies_of(jobs: Sequence[Job], folder: str) -> list[Tally]:
    """Do some jobs of one implementation. Runs in a fresh process, because Keras has one backend a process."""
    import torch

    torch.set_num_threads(1)
    return [tally(job, folder) for job in jobs]


def tally(job: Job, folder: str) -> Tally:
    """Put every golden that has the precision to an implementation."""
    start = time.process_time()
    implementation = find_implementation(job.implementation)
    corpus, found = open_corpus(folder), Tally(job)
    known = known_failures(job, corpus)
    for entry in corpus.entries:
        if job.precision not in entry.precisions:
            continue
        golden = corpus.load(entry.id, job.precision)
        try:
            outputs = tuple(states_apart(golden.layout, *outputs_of(implementation(golden))).values())
        except Unsupported as reason:
            found.refused[_short(reason)] += 1
            continue
        except Exception:
            if entry.id not in known:
                raise
            found.known[known[entry.id]] += 1
            continue
        _judge(golden, outputs, known.get(entry.id), found)
    found.seconds = time.process_time() - start
    return found


def known_failures(job: Job, corpus: Corpus) -> dict[str, str]:
    """The goldens that an implementation is known to fail in a precision, and why."""
    path = KNOWN_FAILURES / f"{job.implementation}.txt"
    entries = read_known_failures(path, corpus.ids) if path.is_file() else []
    return {i: e.reason for i in corpus.ids for e in entries if e.matches(i, job.precision)}


def _judge(golden: Golden, outputs: Sequence[Any], known: str | None, found: Tally) -> None:
    """Count what became of one golden."""
    verdict = golden.compare(*outputs)
    if known is not None:
        if verdict.passed:
            found.failed[golden.id] = "passes, and docs/known-failures says that it does not"
        else:
            found.known[known] += 1
        return
    found.not_close += not is_close(golden, outputs)
    if verdict.passed:
        found.passed += 1
        found.largest = max(found.largest, (verdict.largest_error, golden.id))
    else:
        found.failed[golden.id] = _first_failure(verdict)


def find_implementation(name: str) -> Implementation:
    """An implementation by its name in this report."""
    if name.startswith(NUMPY):
        return _in_numpy(name.removeprefix(NUMPY))
    library, _, variant = name.partition(", ")
    implementation = resolve(library)
    return _with_onednn(implementation, on=variant.endswith("on")) if "oneDNN" in variant else implementation


def _in_numpy(name: str) -> Implementation:
    from benchmarks.correct_networks import NETWORKS
    from rnn_goldens.cells import case_of
    from rnn_goldens.implementations.numpy_cells import arithmetic

    return lambda golden: NETWORKS[name].run(case_of(golden, arithmetic(golden.dtype)))


def _with_onednn(implementation: Implementation, *, on: bool) -> Implementation:
    import torch

    flags: Callable[..., Any] = torch.backends.mkldnn.flags

    def run(golden: Question) -> tuple[Any, ...]:
        with nullcontext() if on else flags(enabled=False, allow_tf32=False):
            return implementation(golden)

    return run


def is_close(golden: Golden, outputs: Sequence[Any]) -> bool:
    """What ``torch.testing.assert_close`` says: the certified answer in the golden's precision, default tolerances."""
    import torch

    dtype = getattr(torch, golden.dtype)
    try:
        for name, output in zip(("out", "h_n", "c_n"), outputs, strict=False):
            got = torch.tensor(read(output).values).to(dtype)
            torch.testing.assert_close(got, torch.tensor(getattr(golden, name)).to(dtype))
    except AssertionError:
        return False
    return True


def _first_failure(verdict: Verdict) -> str:
    """What failed, element by element: the furthest off of each output."""
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


def _short(reason: Exception) -> str:
    """A reason's first line, without what changes from run to run."""
    text = str(reason).splitlines()[0]
    return text if len(text) <= 120 else f"{text[:119]}…"  # noqa: PLR2004 - a line


def report(tallies: Sequence[Tally], corpus: Corpus, names: Sequence[str]) -> str:
    """The page."""
    packages = ["numpy", "ml_dtypes", "torch", "onnx", "onnxruntime", "keras", "flax", "jax"]
    ran = sum(t.passed + len(t.failed) for t in tallies)
    refused, known = sum(t.refused.total() for t in tallies), sum(t.known.total() for t in tallies)
    failed = sum(len(t.failed) for t in tallies)
    parts = [
        "# False alarms\n\n"
        "Correct implementations against every golden of the corpus, in every precision it can be checked in. "
        f"Written by `python -m benchmarks.false_alarms --write`.\n\n"
        f"{page.versions(*packages)}.\n",
        page.table(
            ("checked against", "goldens", "implementations", "runs", "refused", "known wrong", "failed"),
            [(f"corpus {corpus.version}", len(corpus.entries), len(names), ran, refused, known, failed)],
        ),
        _overview(tallies),
        "“Refused” is what an implementation says it can not do (`Unsupported`); what it is “known wrong” at "
        "is listed in [known-failures](../known-failures) with the evidence, and does fail. “Largest error” is that of "
        "any element of any golden that passed, as a fraction of what is allowed there; “not close” is on how many "
        "goldens `torch.testing.assert_close`, with its default tolerances, rejects the same outputs against the same "
        "certified answers. Names of NumPy networks say what they do otherwise than the "
        "definition (`benchmarks/correct_networks.py`).\n",
    ]
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


def _overview(tallies: Sequence[Tally]) -> str:
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


if __name__ == "__main__":
    main()
