"""Runs correct implementations on every golden, its gradients, and random goldens: none may fail.

Goldens that libraries are known to fail are listed in ``docs/known-failures``, counted separately, and must fail. The
outputs and gradients that ``torch.testing.assert_close`` rejects with its default tolerances are counted, too.
"""

import multiprocessing
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from benchmarks import page
from benchmarks.benchmark import PROCESSES, Measured
from benchmarks.correct_backward import BACKWARD
from benchmarks.correct_networks import NETWORKS
from rnn_goldens.cells import Backward, case_of
from rnn_goldens.checkable_golden import Golden, Inputs
from rnn_goldens.comparison.array_conversion import read
from rnn_goldens.comparison.returned import by_name, outputs_of
from rnn_goldens.comparison.verdict import compare, compare_gradients
from rnn_goldens.corpus import Corpus, open_corpus
from rnn_goldens.errors import Unsupported
from rnn_goldens.generator.confirmation import LARGEST_CORRECT_ERROR
from rnn_goldens.golden.built_in_cells import CELLS, LAYOUTS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.implementations import Implementation, resolve
from rnn_goldens.implementations.numpy_cells import arithmetic
from rnn_goldens.implementations.resolution import backward_of
from rnn_goldens.plugin.known_failures import read_list

Function = Callable[[Inputs], Mapping[str, Any]]
"""Returns outputs, or gradients, by name."""

NUMPY = "numpy, "
"""Prefix of the names of correct networks in NumPy; the definition itself is called numpy."""

OUTPUTS, GRADIENTS, DRAWN = "outputs", "gradients", "random goldens"

_FORWARD = ("numpy", *(f"{NUMPY}{name}" for name in NETWORKS), "torch", "torch-cells")
_BACK = ("numpy", *(f"{NUMPY}{name}" for name in BACKWARD), "torch", "torch-cells")

IMPLEMENTATIONS: Mapping[str, Sequence[str]] = {
    OUTPUTS: (*_FORWARD, "onnxruntime", "onnx-reference", "keras-jax", "keras-torch", "flax"),
    GRADIENTS: (*_BACK, "keras-jax", "keras-torch", "flax"),
    DRAWN: (*_FORWARD, "onnxruntime", "flax"),
}
"""The definition first. Random goldens do not run in libraries with known defects, which they would find again."""

COMPILING = ("keras-jax", "flax")
"""Implementations of which compiling takes most of the time."""

SEED = 1
"""Of random goldens."""


class Job(NamedTuple):
    """One implementation in one precision, on the goldens' outputs or gradients, or on random goldens.

    ``amount``: every Nth golden, or the number of random goldens.
    """

    implementation: str
    precision: str
    of: str = OUTPUTS
    amount: int = 1


@dataclass
class Results:
    """The outcomes of a job.

    Attributes:
        passed: number of goldens that passed.
        refused, known: number of goldens that were refused, or are known to fail, by the reason.
        failed: message of the failure by golden id; known failures are not included.
        largest: the largest error of the passed goldens, as a fraction of the tolerance, and its golden.
        not_close: the number of goldens that ``assert_close`` rejects; known failures are not counted.
    """

    job: Job
    passed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    failed: dict[str, str] = field(default_factory=dict)
    largest: tuple[float, str] = (0.0, "")
    not_close: int = 0

    @property
    def goldens(self) -> int:
        """The number of goldens."""
        return self.passed + self.refused.total() + self.known.total() + len(self.failed)

    def add(self, golden: Golden, run: Function, known: str | None) -> None:
        """Run a function on a golden, and count the outcome; ``known`` is the reason of its known failure."""
        try:
            actual = run(golden.for_implementation())
        except Unsupported as reason:
            self.refused[str(reason).splitlines()[0]] += 1
            return
        except Exception as error:
            message, largest = repr(error), 0.0
        else:
            back = self.job.of == GRADIENTS
            verdict = compare_gradients(golden, actual) if back else compare(golden, *actual.values())
            if back and verdict.not_checked:
                raise ValueError(f"{self.job.implementation} returns no {verdict.not_checked} of {golden.id}")
            largest = verdict.largest_error
            what_is_wrong = verdict.message.partition("\n")[0].partition(": ")[2]
            message = "" if verdict.passed else f"{what_is_wrong}; {largest:.3g} times the tolerance"
            self.not_close += (verdict.passed or known is None) and not is_close(golden, actual)
        if known is not None:
            if message:
                self.known[known] += 1
            else:
                self.failed[golden.id] = "passes, but docs/known-failures lists it as a failure"
        elif message:
            self.failed[golden.id] = message
        else:
            self.passed += 1
            self.largest = max(self.largest, (largest, golden.id))


def find_implementation(name: str) -> Implementation:
    """Return an implementation by its name in this report."""
    if not name.startswith(NUMPY):
        return resolve(name)
    network = NETWORKS[name.removeprefix(NUMPY)]
    return lambda golden: network.run(case_of(golden, arithmetic(golden.dtype)))


def in_numpy(network: Backward) -> Function:
    """Return the backward pass of a network in NumPy."""

    def backward(golden: Inputs) -> Mapping[str, Any]:
        dtype = arithmetic(golden.dtype)
        cotangents = {name: np.asarray(array).astype(dtype) for name, array in golden.cotangents.items()}
        with np.errstate(all="ignore"):  # some goldens saturate on purpose
            return network.gradients(case_of(golden, dtype), cotangents)

    return backward


def function(job: Job) -> Function:
    """Return the function that a job runs."""
    name = job.implementation
    if job.of == GRADIENTS:
        in_library = not name.startswith(NUMPY)
        return backward_of(name, resolve(name)) if in_library else in_numpy(BACKWARD[name.removeprefix(NUMPY)])
    implementation = find_implementation(name)
    return lambda golden: by_name(golden.layout, *outputs_of(implementation(golden)))


def results_of(job: Job) -> Results:
    """Run a job."""
    results, run, corpus, back = Results(job), function(job), open_corpus(), job.of == GRADIENTS
    known = known_failures(job, corpus)
    if job.of == DRAWN:
        goldens: Iterator[Golden] = iter(drawn_goldens(job.precision, job.amount))
    else:
        precisions = {e.id: e.gradient_precisions if back else e.precisions for e in corpus.select(cell=LAYOUTS)}
        ids = [golden_id for golden_id, of in precisions.items() if job.precision in of][:: job.amount]
        goldens = (corpus.load(golden_id, job.precision, gradients=back) for golden_id in ids)
    for golden in goldens:
        results.add(golden, run, known.get(golden.id))
    return results


def known_failures(job: Job, corpus: Corpus) -> dict[str, str]:
    """Return the goldens that a file of known failures lists for an implementation in a precision, with the reasons."""
    suffix = ".gradients.txt" if job.of == GRADIENTS else ".txt"
    path = page.ROOT / "docs" / "known-failures" / f"{job.implementation}{suffix}"
    entries = read_list(path, corpus.entries) if path.is_file() else []
    return {i.id: e.reason for i in corpus.entries for e in entries if e.matches(i, job.precision)}


def is_close(golden: Golden, actual: Mapping[str, Any]) -> bool:
    """Return whether ``torch.testing.assert_close`` accepts arrays in the golden's precision, with its defaults."""
    import torch

    of = golden.checkable_gradients() if golden.gradients is not None and "out" not in actual else golden.stored
    dtype = getattr(torch, golden.dtype)
    try:
        for name, expected in of.expected.items():
            got = torch.tensor(read(actual[name]).values).to(dtype)
            torch.testing.assert_close(got, torch.tensor(expected).to(dtype))
    except AssertionError:
        return False
    return True


@cache
def drawn_goldens(precision: str, examples: int) -> Sequence[Golden]:
    """Return the goldens that the seed generates; each process generates them once."""
    from hypothesis import HealthCheck, Phase, given, seed, settings

    from rnn_goldens.fuzz.bounds import Sizes, bounds
    from rnn_goldens.fuzz.strategy import drawn

    goldens: list[Golden] = []
    checks = list(HealthCheck)

    @seed(SEED)
    @settings(
        max_examples=examples, phases=[Phase.generate], database=None, deadline=None, suppress_health_check=checks
    )
    @given(drawn(bounds(CELLS, Sizes(), (), (), precision)))
    def draw(golden: Golden) -> None:
        goldens.append(golden)

    draw()
    return goldens


def measured(only: str = "", every: int = 1) -> Measured:
    """Return the section on outputs, and the correct implementations that fail."""
    return _measured(OUTPUTS, only, 1, every)


def measured_gradients(only: str = "", every: int = 1) -> Measured:
    """Return the section on gradients, and the correct backward passes that fail."""
    return _measured(GRADIENTS, only, 1, every)


def measured_drawn(examples: int = 200, only: str = "") -> Measured:
    """Return the section on random goldens, and the correct implementations that fail."""
    each = examples // len(PRECISIONS)
    return _measured(DRAWN, only, each, each)


def _measured(of: str, only: str, amount: int, amount_compiled: int) -> Measured:
    names = [name for name in IMPLEMENTATIONS[of] if only in name]
    if not names:
        sys.exit("no implementation has such a name")
    amounts = {name: amount_compiled if name in COMPILING else amount for name in names}
    results = run([Job(name, precision, of, amounts[name]) for name in names for precision in PRECISIONS])
    return Measured(report(results), list(problems(results)))


def run(jobs: Sequence[Job]) -> list[Results]:
    """Run jobs. Keras has one backend in a process, so each implementation has a process of its own.

    Those that compile go first, with one process for each precision. Networks in NumPy, which start fast, share them.
    """
    tasks: dict[tuple[str, str], list[Job]] = {}
    for job in jobs:
        name = _group(job)
        tasks.setdefault((name, job.precision if name in ("NumPy", *COMPILING) else ""), []).append(job)
    results: dict[Job, Results] = {}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn, max_tasks_per_child=1) as pool:
        futures = {pool.submit(_in_process, tasks[of]): of for of in sorted(tasks, key=lambda of: not of[1])}
        try:
            for done, future in enumerate(as_completed(futures), 1):
                results |= {one.job: one for one in future.result()}
                print(f"[{done}/{len(tasks)}] {' '.join(futures[future])}", file=sys.stderr)
        finally:
            pool.shutdown(cancel_futures=True)
    return [results[job] for job in jobs]


def _group(job: Job) -> str:
    return "NumPy" if job.implementation.startswith("numpy") else job.implementation


def _in_process(jobs: Sequence[Job]) -> list[Results]:
    import torch

    torch.set_num_threads(1)
    return [results_of(job) for job in jobs]


def problems(results: Sequence[Results]) -> Iterator[str]:
    """Yield the failures, and the results that come too near the tolerance."""
    for one in results:
        where = ", ".join(one.job[:2])
        yield from (f"{where}, {golden}: {how}" for golden, how in one.failed.items())
        if one.largest[0] > LARGEST_CORRECT_ERROR:
            yield f"{where}: {one.largest[0]:.3f} on {one.largest[1]}, at most {LARGEST_CORRECT_ERROR} is allowed"


TEXTS = {
    OUTPUTS: """## Outputs

{count} correct implementations ran every golden of a network in every precision that it can be checked in.

“Refused”: the implementation has no such network ([reasons](../conformance.md#what-was-refused)). “Known wrong”: a
defect of the library, with evidence in [known-failures](../known-failures). “Largest error” is a fraction of the
tolerance. “Not close”: how many of the same outputs `torch.testing.assert_close` rejects with its default tolerances.
In the second table each entry is the number of passed runs and, in brackets, the largest error.""",
    GRADIENTS: """## Gradients

{count} correct backward passes ran every golden of a network that has gradients, in every precision that they can be
checked in; those that compile ran one golden in 7. A golden passes if all its gradients are right.

`torch` differentiates `nn.RNN`, `nn.LSTM` and `nn.GRU`, `torch-cells` its cells unrolled, both by autograd;
`keras-torch`, `keras-jax` and `flax` differentiate their own layers. Backward passes in NumPy accumulate half
precisions in float32 and store them in their own type.""",
    DRAWN: f"""## Random goldens

{{count}} correct implementations ran {{goldens}} goldens each that [`fuzz`](../fuzzing.md) draws with seed {SEED}, a
quarter in each precision; libraries with known defects were left out. `python -m benchmarks hypothesis-versions` shows
that `fuzz` finds five wrong networks and a crash, with the lowest and the newest supported Hypothesis.""",
}


def report(results: Sequence[Results]) -> str:
    """Return a section."""
    of = results[0].job.of
    by_precision = {p: [one for one in results if one.job.precision == p] for p in PRECISIONS}
    most = [max((one.goldens for one in members), default=0) for members in by_precision.values()]
    goldens = sum(most) if of == DRAWN else max(most)
    everything = "together" if of == DRAWN else f"corpus {open_corpus().version}"
    rows = [_totals(*row) for row in zip(by_precision, by_precision.values(), most, strict=True) if row[1]]
    rows.append(_totals(everything, results, goldens))
    header = ("precision", "goldens", "implementations", "runs", "refused", "known wrong", "failed", "not close")
    text = TEXTS[of].format(count=_count(results), goldens=goldens)
    return f"{text}\n\n{page.table((*header, 'largest error', 'of'), rows)}\n{_in_full(results, by_precision)}"


def _count(results: Sequence[Results]) -> int:
    return len({one.job.implementation for one in results})


def _totals(name: str, results: Sequence[Results], goldens: int) -> tuple[object, ...]:
    """Return the row of the first table for some results."""
    failed = sum(len(one.failed) for one in results)
    ran = sum(one.passed for one in results) + failed
    not_close = f"{100 * sum(one.not_close for one in results) / max(ran, 1):.1f} %"
    stopped = [sum(getattr(one, what).total() for one in results) for what in ("refused", "known")]
    largest, golden, by = max((*one.largest, one.job.implementation) for one in results)
    return name, goldens, _count(results), ran, *stopped, failed, not_close, f"{largest:.3f}", f"{by} on {golden}"


def _in_full(results: Sequence[Results], by_precision: Mapping[str, Sequence[Results]]) -> str:
    """Return a table with one row for each implementation, and lists of failures and known failures."""
    in_numpy = dict.fromkeys(
        one.job.implementation.removeprefix(NUMPY) for one in results if _group(one.job) == "NumPy"
    )
    rows = []
    for group, amount in {_group(one.job): one.job.amount for one in results}.items():
        name = f"NumPy, {len(in_numpy)} networks" if group == "NumPy" else group
        sample = f", one golden in {amount}" if amount > 1 and results[0].job.of != DRAWN else ""
        entries = (_entry([one for one in these if _group(one.job) == group]) for these in by_precision.values())
        rows.append((f"{name}{sample}", *entries))
    parts = [page.table(("implementation", *by_precision), rows)]
    if in_numpy:
        parts.append(f"The networks in NumPy: {'; '.join(name.replace('; ', ' and ') for name in in_numpy)}.\n")
    if failed := list(problems(results)):
        parts.append(f"### Failed\n\n{''.join(f'- {line}.{chr(10)}' for line in failed)}")
    known: dict[tuple[str, str], list[str]] = {}
    for one in results:
        for reason, count in sorted(one.known.items()):
            known.setdefault((one.job.implementation, reason), []).append(f"{one.job.precision}: {count}")
    if known:
        lines = (f"- {name} ({', '.join(counts)}): {reason}\n" for (name, reason), counts in known.items())
        parts.append(f"### Known wrong\n\n{''.join(lines)}")
    return "\n".join(parts)


def _entry(members: Sequence[Results]) -> str:
    """Return the text of a cell: how many runs passed, their largest error, and how many did not pass."""
    passed, largest = sum(one.passed for one in members), max((one.largest[0] for one in members), default=0.0)
    counts = {f"passed ({largest:.2f})": passed}
    counts |= {what: sum(getattr(one, what).total() for one in members) for what in ("refused", "known")}
    counts["FAILED"] = sum(len(one.failed) for one in members)
    return ", ".join(f"{count} {what.replace('known', 'known wrong')}" for what, count in counts.items() if count)
