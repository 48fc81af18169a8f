"""Runs correct implementations on every golden in every precision, and reports failures and the largest errors.

The table also counts the outputs that ``torch.testing.assert_close`` rejects with its default tolerances. Goldens that
libraries are known to fail are listed in ``docs/known-failures``, counted separately, and must fail. Gradients are
checked by ``benchmarks.gradient_false_alarms``.
"""

import time
from collections.abc import Sequence
from typing import Any

from benchmarks import implementation_results
from benchmarks.benchmark import Measured
from benchmarks.implementation_results import ImplementationResults, Job
from rnn_goldens.checkable_golden import Golden, Inputs
from rnn_goldens.comparison.outputs import states_apart
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations import Implementation, outputs_of, resolve

NUMPY = "numpy, "
"""Prefix of the names of correct networks in NumPy; the definition itself is called numpy."""

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

COMPILING = ("flax", "keras-jax")


def measured(only: str = "", every: int = 1) -> Measured:
    """Return the section, and the correct implementations that fail."""
    return implementation_results.measured(implementations(), COMPILING, results_of, report, only, every)


def implementations() -> list[str]:
    """Return the names of all implementations, the definition first."""
    from benchmarks.correct_networks import NETWORKS

    return ["numpy", *(f"{NUMPY}{name}" for name in NETWORKS), *LIBRARIES]


def results_of(job: Job, every: int = 1) -> ImplementationResults:
    """Run an implementation on every Nth golden that has the precision."""
    start = time.process_time()
    implementation = find_implementation(job.implementation)
    corpus, results = open_corpus(), ImplementationResults(job)
    known = implementation_results.known_failures(job, corpus)
    for entry in [entry for entry in corpus.networks if job.precision in entry.precisions][::every]:
        golden = corpus.load(entry.id, job.precision)
        try:
            outputs = tuple(states_apart(golden.layout, *outputs_of(implementation(golden))).values())
        except Unsupported as reason:
            results.refuse(reason)
            continue
        except Exception:
            if entry.id not in known:
                raise
            results.known[known[entry.id]] += 1
            continue
        results.add(golden, golden.compare(*outputs), known.get(entry.id), close=is_close(golden, outputs))
    results.seconds = time.process_time() - start
    return results


def find_implementation(name: str) -> Implementation:
    """Return an implementation by its name in this report."""
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
    def run(golden: Inputs) -> tuple[Any, ...]:
        with implementation_results.onednn(on=on):
            return implementation(golden)

    return run


def is_close(golden: Golden, outputs: Sequence[Any]) -> bool:
    """Return whether ``torch.testing.assert_close`` accepts outputs."""
    actual = dict(zip(("out", "h_n", "c_n"), outputs, strict=False))
    return implementation_results.are_close(golden, actual, {name: getattr(golden, name) for name in actual})


def report(results: Sequence[ImplementationResults], names: Sequence[str]) -> str:
    """Return the section of the page."""
    corpus = open_corpus()
    return "\n".join(
        [
            f"## Outputs\n\n{len(names)} correct implementations ran every golden in every precision that it can be "
            "checked in.\n",
            implementation_results.totals(results, corpus, len(corpus.networks), len(names)),
            implementation_results.overview(results),
            "“Refused”: the implementation raised `Unsupported`. “Known wrong”: a defect of the library, with "
            "evidence in "
            "[known-failures](../known-failures). “Largest error” is a fraction of the tolerance. “Not close”: how "
            "many "
            "of the same outputs `torch.testing.assert_close` rejects with its default tolerances. In the next table "
            "each "
            "entry is the number of passed runs and, in brackets, the largest error.\n",
            implementation_results.in_full(results),
        ]
    )
