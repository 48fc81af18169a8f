"""Runs correct backward passes on every golden with gradients, and reports failures and the largest errors.

Compilation takes most of the time: with ``--every 7``, implementations that compile run only every seventh golden.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks import implementation_results, page
from benchmarks.benchmark import Measured
from benchmarks.implementation_results import ImplementationResults, Job
from rnn_goldens.cells import Backward, case_of
from rnn_goldens.checkable_golden import Golden, Inputs
from rnn_goldens.comparison.calls import Backward as BackwardFunction
from rnn_goldens.comparison.verdict import compare_gradients
from rnn_goldens.corpus import Corpus, open_corpus
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import Exact
from rnn_goldens.implementations import resolve
from rnn_goldens.implementations.backward import backward_of
from rnn_goldens.implementations.numpy_cells import arithmetic

NUMPY = "numpy, "
"""Prefix of the names of backward passes in NumPy; the definition itself is called numpy."""

SCAN = "jax scan"

LIBRARIES = ("torch, oneDNN on", "torch, oneDNN off", "torch-cells", "keras-torch", "keras-jax", "flax", SCAN)

COMPILING = ("flax", "keras-jax", SCAN)


def measured(only: str = "", every: int = 1) -> Measured:
    """Return the section, and the correct backward passes that fail."""
    return implementation_results.measured(implementations(), COMPILING, results_of, report, only, every)


def implementations() -> list[str]:
    """Return the names of all implementations, the definition first."""
    from benchmarks.correct_backward import BACKWARD

    return ["numpy", *(f"{NUMPY}{name}" for name in BACKWARD), *LIBRARIES]


def results_of(job: Job, every: int = 1) -> ImplementationResults:
    """Run an implementation on every Nth golden that has gradients in the precision."""
    start = time.process_time()
    backward = find_backward(job.implementation)
    corpus, results = open_corpus(), ImplementationResults(job)
    known = implementation_results.known_failures(job, corpus, ".gradients.txt")
    ids = [e.id for e in corpus.networks if e.gradients and job.precision in e.gradients.precisions]
    for golden_id in ids[::every]:
        golden = corpus.load(golden_id, job.precision, gradients=True)
        try:
            actual = dict(backward(golden.for_implementation()))
        except Unsupported as reason:
            results.refuse(reason)
            continue
        except Exception:
            if golden_id not in known:
                raise
            results.known[known[golden_id]] += 1
            continue
        verdict = compare_gradients(golden, actual)
        if verdict.not_checked:
            raise ValueError(f"{job.implementation} does not return {', '.join(verdict.not_checked)} of {golden_id}")
        results.add(golden, verdict, known.get(golden_id), close=is_close(golden, actual))
    results.seconds = time.process_time() - start
    return results


def is_close(golden: Golden, actual: Mapping[str, Any]) -> bool:
    """Return whether ``torch.testing.assert_close`` accepts gradients."""
    expected = golden.checkable_gradients().expected
    return implementation_results.are_close(golden, {name: actual[name] for name in expected}, expected)


def find_backward(name: str) -> BackwardFunction:
    """Return the backward pass of an implementation by its name in this report."""
    if name == "numpy":
        return in_numpy(Backward())
    if name.startswith(NUMPY):
        from benchmarks.correct_backward import BACKWARD

        return in_numpy(BACKWARD[name.removeprefix(NUMPY)])
    if name == SCAN:
        from benchmarks import jax_scan

        return jax_scan.gradients
    library, _, variant = name.partition(", ")
    backward = backward_of(library, resolve(library))
    return _with_onednn(backward, on=variant.endswith("on")) if "oneDNN" in variant else backward


def in_numpy(network: Backward) -> BackwardFunction:
    """Return the backward pass of a network in NumPy."""

    def backward(golden: Inputs) -> Mapping[str, Any]:
        dtype = arithmetic(golden.dtype)
        cotangents = {name: np.asarray(array).astype(dtype) for name, array in golden.cotangents.items()}
        with np.errstate(all="ignore"):  # some goldens saturate on purpose
            return network.gradients(case_of(golden, dtype), cotangents)

    return backward


def _with_onednn(backward: BackwardFunction, *, on: bool) -> BackwardFunction:
    def switched(golden: Inputs) -> Mapping[str, Any]:
        with implementation_results.onednn(on=on):
            return backward(golden)

    return switched


def report(results: Sequence[ImplementationResults], names: Sequence[str]) -> str:
    """Return the section of the page."""
    corpus = open_corpus()
    goldens = sum(bool(entry.gradients) for entry in corpus.networks)
    return "\n".join(
        [
            f"## Gradients\n\n{len(names)} correct backward passes ran every golden that has gradients, in every "
            "precision "
            "that they can be checked in. A golden passes if all its gradients are right.\n",
            implementation_results.totals(results, corpus, goldens, len(names)),
            implementation_results.overview(results),
            "`torch` differentiates `nn.RNN`, `nn.LSTM` and `nn.GRU`, `torch-cells` its cells unrolled, both by "
            "autograd; "
            "`keras-torch`, `keras-jax` and `flax` differentiate their own layers; `jax scan` is a hand-written scan "
            "under "
            "`jax.vjp`. Backward passes in NumPy accumulate half precisions in float32 and store them in their own "
            "type.\n",
            "The number of goldens with gradients that can be checked in a precision, and of goldens of which only "
            "outputs can be checked in it:\n",
            page.table(("precision", "with gradients", "exact", "with a bound", "outputs only"), _kept(corpus)),
            implementation_results.in_full(results),
        ]
    )


def _kept(corpus: Corpus) -> list[tuple[str, int, int, int, int]]:
    """For each precision, count goldens with checkable gradients (all, exact, with a bound) and goldens without."""
    rows = []
    goldens = [corpus.load(e.id, "float64", gradients=True) for e in corpus.networks if e.gradients]
    for precision in PRECISIONS:
        listed = [golden for golden in goldens if precision in golden.precisions]
        kept = [gradients for golden in listed if precision in (gradients := golden.checkable_gradients()).precisions]
        exact = sum(isinstance(gradients.tolerance, Exact) for gradients in kept)
        rows.append((precision, len(kept), exact, len(kept) - exact, len(listed) - len(kept)))
    return rows
