"""Runs correct implementations on every golden, its gradients, and random goldens: none may fail.

Goldens that libraries are known to fail are listed in ``docs/known-failures``, counted separately, and must fail. The
outputs and gradients that ``torch.testing.assert_close`` rejects with its default tolerances are counted, too.
"""

import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from benchmarks import page
from benchmarks.benchmark import PROCESSES, Measured
from rnn_goldens.cells import Backward, case_of
from rnn_goldens.checkable_golden import Golden, Inputs
from rnn_goldens.comparison.outputs import outputs_of, read, states_apart
from rnn_goldens.comparison.verdict import Verdict, compare, compare_gradients
from rnn_goldens.corpus import Corpus, open_corpus
from rnn_goldens.errors import Unsupported
from rnn_goldens.generator.confirmation import LARGEST_CORRECT_ERROR
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import Exact
from rnn_goldens.implementations import Implementation, resolve
from rnn_goldens.implementations.backward import backward_of
from rnn_goldens.implementations.numpy_cells import arithmetic
from rnn_goldens.plugin.known_failures import read_list

Function = Callable[[Inputs], Mapping[str, Any]]
"""Returns outputs, or gradients, by name."""

NUMPY = "numpy, "
"""Prefix of the names of correct networks in NumPy; the definition itself is called numpy."""

SCAN = "jax scan"
TORCH = ("torch, oneDNN on", "torch, oneDNN off", "torch-cells")
LIBRARIES = (*TORCH, "onnxruntime", "onnx-reference", "keras-jax", "keras-torch", "flax")
DIFFERENTIABLE = (*TORCH, "keras-torch", "keras-jax", "flax", SCAN)
COMPILING = ("flax", "keras-jax", SCAN)
"""Implementations of which compiling takes most of the time."""

OUTPUTS, GRADIENTS, DRAWN = "outputs", "gradients", "random goldens"
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

    def add(self, golden: Golden, run: Function, known: str | None) -> None:
        """Run a function on a golden, and count the outcome; ``known`` is the reason of its known failure."""
        try:
            actual = run(golden.for_implementation())
        except Unsupported as reason:
            self.refused[str(reason).splitlines()[0]] += 1
            return
        except Exception as error:
            if known is None:
                self.failed[golden.id] = repr(error)
            else:
                self.known[known] += 1
            return
        verdict = self._verdict(golden, actual)
        if known is not None and not verdict.passed:
            self.known[known] += 1
            return
        if known is not None and self.job.of != DRAWN:
            self.failed[golden.id] = "passes, but docs/known-failures lists it as a failure"
            return
        self.not_close += self.job.of != DRAWN and not is_close(golden, actual)
        if verdict.passed:
            self.passed += 1
            self.largest = max(self.largest, (verdict.largest_error, golden.id))
        else:
            self.failed[golden.id] = _first_failure(verdict)

    def _verdict(self, golden: Golden, actual: Mapping[str, Any]) -> Verdict:
        if self.job.of != GRADIENTS:
            return compare(golden, *actual.values())
        verdict = compare_gradients(golden, actual)
        if verdict.not_checked:
            left_out = ", ".join(verdict.not_checked)
            raise ValueError(f"{self.job.implementation} does not return {left_out} of {golden.id}")
        return verdict


def implementations() -> list[str]:
    """Return the names of all implementations, the definition first."""
    from benchmarks.correct_networks import NETWORKS

    return ["numpy", *(f"{NUMPY}{name}" for name in NETWORKS), *LIBRARIES]


def differentiable() -> list[str]:
    """Return the names of all implementations with gradients, the definition first."""
    from benchmarks.correct_backward import BACKWARD

    return ["numpy", *(f"{NUMPY}{name}" for name in BACKWARD), *DIFFERENTIABLE]


def find_implementation(name: str) -> Implementation:
    """Return an implementation by its name in this report."""
    from benchmarks.correct_networks import NETWORKS

    if name.startswith(NUMPY):
        network = NETWORKS[name.removeprefix(NUMPY)]
        return lambda golden: network.run(case_of(golden, arithmetic(golden.dtype)))
    library, _, variant = name.partition(", ")
    implementation = resolve(library)
    if not variant.endswith("off"):
        return implementation

    def without(golden: Inputs) -> tuple[Any, ...]:
        with _onednn_off():
            return implementation(golden)

    return without


def find_backward(name: str) -> Function:
    """Return the backward pass of an implementation by its name in this report."""
    from benchmarks.correct_backward import BACKWARD

    if name == "numpy" or name.startswith(NUMPY):
        return in_numpy(BACKWARD[name.removeprefix(NUMPY)] if name != "numpy" else Backward())
    if name == SCAN:
        from benchmarks import jax_scan

        return jax_scan.gradients
    library, _, variant = name.partition(", ")
    backward = backward_of(library, resolve(library))

    def switched(golden: Inputs) -> Mapping[str, Any]:
        with _onednn_off() if variant.endswith("off") else nullcontext():
            return backward(golden)

    return switched


def in_numpy(network: Backward) -> Function:
    """Return the backward pass of a network in NumPy."""

    def backward(golden: Inputs) -> Mapping[str, Any]:
        dtype = arithmetic(golden.dtype)
        cotangents = {name: np.asarray(array).astype(dtype) for name, array in golden.cotangents.items()}
        with np.errstate(all="ignore"):  # some goldens saturate on purpose
            return network.gradients(case_of(golden, dtype), cotangents)

    return backward


def _onednn_off() -> AbstractContextManager[Any]:
    import torch

    flags: Callable[..., AbstractContextManager[Any]] = torch.backends.mkldnn.flags
    return flags(enabled=False, allow_tf32=False)


def _function(job: Job) -> Function:
    if job.of == GRADIENTS:
        return find_backward(job.implementation)
    implementation = find_implementation(job.implementation)

    def run(golden: Inputs) -> Mapping[str, Any]:
        return states_apart(golden.layout, *outputs_of(implementation(golden)))

    return run


def results_of(job: Job) -> Results:
    """Run a job."""
    start, results, run = time.process_time(), Results(job), _function(job)
    if job.of == DRAWN:
        for golden in drawn_goldens(job.precision, job.amount):
            known_wrong = KNOWN_WRONG.get(job.implementation)
            results.add(golden, run, "known" if known_wrong and known_wrong(golden) else None)
    else:
        corpus, back = open_corpus(), job.of == GRADIENTS
        known = known_failures(job, corpus)
        precisions = [(e.id, e.gradient_precisions if back else e.precisions) for e in corpus.networks]
        for golden_id in [golden_id for golden_id, of in precisions if job.precision in of][:: job.amount]:
            results.add(corpus.load(golden_id, job.precision, gradients=back), run, known.get(golden_id))
    results.seconds = time.process_time() - start
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


def _is_ragged(golden: Golden) -> bool:
    return golden.lengths is not None and bool((golden.lengths < golden.x.shape[-2]).any())


def _is_half_gru_without_bias(golden: Golden) -> bool:
    is_half = golden.dtype in ("bfloat16", "float16")
    return is_half and golden.cell == "gru" and not golden.network.bias and golden.lengths is None


def _is_product_in_float64(golden: Golden) -> bool:
    return golden.dtype == "float64" and (golden.cell.startswith("rnn") or golden.lengths is not None)


KNOWN_WRONG: dict[str, Callable[[Golden], bool]] = {
    "onnx-reference": _is_ragged,
    "keras-jax": _is_half_gru_without_bias,
    "keras-torch": _is_product_in_float64,
}
"""Random goldens that libraries are known to fail: ``docs/known-failures`` has the evidence."""


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
    names = [one for one in implementations() if only in one]
    results = run(names, lambda name, p: Job(name, p, OUTPUTS, every if name in COMPILING else 1))
    return Measured(report(results), list(problems(results)))


def measured_gradients(only: str = "", every: int = 1) -> Measured:
    """Return the section on gradients, and the correct backward passes that fail."""
    names = [one for one in differentiable() if only in one]
    results = run(names, lambda name, p: Job(name, p, GRADIENTS, every if name in COMPILING else 1))
    return Measured(report_gradients(results), list(problems(results)))


def measured_drawn(examples: int = 200, only: str = "") -> Measured:
    """Return the section on random goldens, and the correct implementations that fail."""
    names = [one for one in implementations() if only in one]
    results = run(names, lambda name, p: Job(name, p, DRAWN, examples // len(PRECISIONS)))
    return Measured(report_drawn(results, examples), list(problems(results)))


def run(names: Sequence[str], job: Callable[[str, str], Job]) -> list[Results]:
    """Run implementations in each precision; Keras has one backend in a process, so each has a process of its own.

    Those that compile go first, with one process for each precision. Networks in NumPy, which start fast, share one.
    """
    if not names:
        sys.exit("no implementation has such a name")
    jobs = {name: [job(name, precision) for precision in PRECISIONS] for name in names}
    tasks = [[one] for name in names if name in COMPILING for one in jobs[name]]
    tasks += [jobs[name] for name in names if name not in COMPILING and not name.startswith("numpy")]
    in_numpy = [one for name in names if name.startswith("numpy") for one in jobs[name]]
    tasks += filter(None, (in_numpy[part::PROCESSES] for part in range(PROCESSES)))
    results: dict[Job, Results] = {}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn, max_tasks_per_child=1) as pool:
        futures = [pool.submit(_in_process, task) for task in tasks]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                finished = future.result()
                results |= {one.job: one for one in finished}
                name, seconds = finished[0].job.implementation, sum(one.seconds for one in finished)
                print(f"[{done}/{len(tasks)}] {name}: {seconds:.0f} s of CPU", file=sys.stderr)
        finally:
            pool.shutdown(cancel_futures=True)
    return [results[one] for name in names for one in jobs[name]]


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


def report(results: Sequence[Results]) -> str:
    """Return the section on outputs."""
    corpus, count = open_corpus(), len({one.job.implementation for one in results})
    return "\n".join(
        [
            f"## Outputs\n\n{count} correct implementations ran every golden in every precision that it can be checked "
            f"in.{_sample(results)}\n",
            _totals(results, corpus, len(corpus.networks), count),
            _overview(results),
            "“Refused”: the implementation has no such network ([reasons](../conformance.md#what-was-refused)). “Known "
            "wrong”: a defect of the library, with evidence in [known-failures](../known-failures). “Largest error” is "
            "a fraction of the tolerance. “Not close”: how many of the same outputs `torch.testing.assert_close` "
            "rejects with its default tolerances. In the next table each entry is the number of passed runs and, in "
            "brackets, the largest error.\n",
            _in_full(results),
        ]
    )


def report_gradients(results: Sequence[Results]) -> str:
    """Return the section on gradients."""
    corpus, count = open_corpus(), len({one.job.implementation for one in results})
    return "\n".join(
        [
            f"## Gradients\n\n{count} correct backward passes ran every golden that has gradients, in every precision "
            f"that they can be checked in. A golden passes if all its gradients are right.{_sample(results)}\n",
            _totals(results, corpus, sum(bool(entry.gradients) for entry in corpus.networks), count),
            _overview(results),
            "`torch` differentiates `nn.RNN`, `nn.LSTM` and `nn.GRU`, `torch-cells` its cells unrolled, both by "
            "autograd; `keras-torch`, `keras-jax` and `flax` differentiate their own layers; `jax scan` is a "
            "hand-written scan under `jax.vjp`. Backward passes in NumPy accumulate half precisions in float32 and "
            "store them in their own type.\n",
            "The number of goldens with gradients that can be checked in a precision, and of goldens of which only "
            "outputs can be checked in it:\n",
            page.table(("precision", "with gradients", "exact", "with a bound", "outputs only"), _kept(corpus)),
            _in_full(results),
        ]
    )


def report_drawn(results: Sequence[Results], examples: int) -> str:
    """Return the section on random goldens."""
    return (
        f"## Random goldens\n\n{len({one.job.implementation for one in results})} correct implementations ran "
        f"{examples:,} goldens each that [`fuzz`](../fuzzing.md) draws with seed {SEED}, a quarter in each of "
        f"{', '.join(PRECISIONS)}. `python -m benchmarks hypothesis-versions` shows that `fuzz` finds five wrong "
        f"networks and a crash, with the lowest and the newest supported Hypothesis.\n\n{_in_full(results)}"
    )


def _sample(results: Sequence[Results]) -> str:
    sampled = {one.job.implementation: one.job.amount for one in results if one.job.amount > 1}
    if not sampled:
        return ""
    return f" {', '.join(sampled)} compile, which takes most of the time: every {max(sampled.values())}th golden ran."


def _kept(corpus: Corpus) -> Iterator[tuple[str, int, int, int, int]]:
    """For each precision, count goldens with checkable gradients (all, exact, with a bound) and goldens without."""
    goldens = [corpus.load(e.id, "float64", gradients=True) for e in corpus.networks if e.gradients]
    for precision in PRECISIONS:
        listed = [golden.checkable_gradients() for golden in goldens if precision in golden.precisions]
        kept = [gradients for gradients in listed if precision in gradients.precisions]
        exact = sum(isinstance(gradients.tolerance, Exact) for gradients in kept)
        yield precision, len(kept), exact, len(kept) - exact, len(listed) - len(kept)


def _totals(results: Sequence[Results], corpus: Corpus, goldens: int, implementations: int) -> str:
    """Return a table with one row: the totals of all runs."""
    failed = sum(len(one.failed) for one in results)
    refused, known = (sum(getattr(one, what).total() for one in results) for what in ("refused", "known"))
    ran = sum(one.passed for one in results) + failed
    return page.table(
        ("checked against", "goldens", "implementations", "runs", "refused", "known wrong", "failed"),
        [(f"corpus {corpus.version}", goldens, implementations, ran, refused, known, failed)],
    )


def _overview(results: Sequence[Results]) -> str:
    """Return a table with one row for each precision."""
    rows = []
    for precision in PRECISIONS:
        members = [one for one in results if one.job.precision == precision]
        if not members:
            continue
        failed = sum(len(one.failed) for one in members)
        ran = sum(one.passed for one in members) + failed
        largest, golden, by = max((*one.largest, one.job.implementation) for one in members)
        not_close = sum(one.not_close for one in members)
        share = f"{not_close} ({100 * not_close / max(ran, 1):.1f} %)"
        rows.append((precision, ran, failed, f"{largest:.3f}", f"{by} on {golden}", share))
    return page.table(("precision", "runs", "failed", "largest error", "of", "not close for assert_close"), rows)


def _in_full(results: Sequence[Results]) -> str:
    """Return a table with one row for each implementation, and lists of failures and known failures."""
    groups: dict[str, list[Results]] = {}
    for one in results:
        name = one.job.implementation
        groups.setdefault("NumPy" if name.startswith("numpy") else name, []).append(one)
    in_numpy = list(dict.fromkeys(one.job.implementation.removeprefix(NUMPY) for one in groups.get("NumPy", [])))
    names = {group: f"NumPy, {len(in_numpy)} networks" if group == "NumPy" else group for group in groups}
    rows = [
        (names[group], *(_entry([one for one in members if one.job.precision == p]) for p in PRECISIONS))
        for group, members in groups.items()
    ]
    parts = [page.table(("implementation", *PRECISIONS), rows)]
    if in_numpy:
        parts.append(f"The networks in NumPy: {'; '.join(name.replace('; ', ' and ') for name in in_numpy)}.\n")
    failed = [f"- {', '.join(r.job[:2])}, `{golden}`: {how}.\n" for r in results for golden, how in r.failed.items()]
    if failed:
        parts.append(f"### Failed\n\n{''.join(failed)}")
    known: dict[tuple[str, str], list[str]] = {}
    for one in results if results[0].job.of != DRAWN else ():
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


def _first_failure(verdict: Verdict) -> str:
    """Return the element with the largest error of each array that failed."""
    parts = []
    for name, found in verdict.differences.items():
        if found.problem:
            parts.append(f"{name} {found.problem}")
        elif e := found.largest:
            at, error = ", ".join(map(str, e.index)), abs(e.got - e.want)
            parts.append(f"{name}[{at}] is {e.got:.9g}, not {e.want:.9g}: off by {error:.3g}, allowed {e.allowed:.3g}")
    return "; ".join(parts)
