"""Correct implementations against every golden, in every precision: how many fail, and how close the others come.

    python -m benchmarks.false_alarms            # from the checkout; --write renews docs/results/false-alarms.md

Beside each figure stands what ``torch.testing.assert_close`` says of the same outputs, with its default tolerances.
Where a library is wrong, ``docs/known-failures`` has the golden and the evidence; it is counted apart, and has to fail.
Their gradients are asked by ``benchmarks.gradient_false_alarms``.
"""

import time
from collections.abc import Sequence
from typing import Any

from benchmarks import page, tallies
from benchmarks.tallies import Job, Tally
from rnn_goldens.checkable.golden import Golden, Question
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations import Implementation, outputs_of, resolve
from rnn_goldens.judging.outputs import states_apart

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

COMPILING = ("flax", "keras-jax")

PAGE = "false-alarms.md"


def main() -> None:
    """Run, print, and exit with 1 if anything correct fails."""
    tallies.command(PAGE, implementations(), COMPILING, tally, report)


def implementations() -> list[str]:
    """Every implementation, the definition first."""
    from benchmarks.correct_networks import NETWORKS

    return ["numpy", *(f"{NUMPY}{name}" for name in NETWORKS), *LIBRARIES]


def tally(job: Job, every: int = 1) -> Tally:
    """Run an implementation on every golden that has the precision, or every so-manieth of them."""
    start = time.process_time()
    implementation = find_implementation(job.implementation)
    corpus, found = open_corpus(), Tally(job)
    known = tallies.known_failures(job, corpus)
    for entry in [entry for entry in corpus.entries if job.precision in entry.precisions][::every]:
        golden = corpus.load(entry.id, job.precision)
        try:
            outputs = tuple(states_apart(golden.layout, *outputs_of(implementation(golden))).values())
        except Unsupported as reason:
            found.refuse(reason)
            continue
        except Exception:
            if entry.id not in known:
                raise
            found.known[known[entry.id]] += 1
            continue
        found.judge(golden, golden.compare(*outputs), known.get(entry.id), close=is_close(golden, outputs))
    found.seconds = time.process_time() - start
    return found


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
    def run(golden: Question) -> tuple[Any, ...]:
        with tallies.onednn(on=on):
            return implementation(golden)

    return run


def is_close(golden: Golden, outputs: Sequence[Any]) -> bool:
    """What ``torch.testing.assert_close`` says of outputs."""
    given = dict(zip(("out", "h_n", "c_n"), outputs, strict=False))
    return tallies.are_close(golden, given, {name: getattr(golden, name) for name in given})


def report(found: Sequence[Tally], names: Sequence[str]) -> str:
    """The page."""
    corpus = open_corpus()
    packages = ["numpy", "ml_dtypes", "torch", "onnx", "onnxruntime", "keras", "flax", "jax"]
    return "\n".join(
        [
            "# False alarms\n\n"
            "Correct implementations against every golden of the corpus, in every precision it can be checked in. "
            f"Written by `python -m benchmarks.false_alarms --write`.\n\n"
            f"{page.versions(*packages)}.\n",
            tallies.totals(found, corpus, len(corpus.entries), len(names)),
            tallies.overview(found),
            "“Refused” is what an implementation says it can not do (`Unsupported`); what it is “known wrong” at "
            "is listed in [known-failures](../known-failures) with the evidence, and does fail. “Largest error” is "
            "that of any element of any golden that passed, as a fraction of what is allowed there; “not close” is on "
            "how many goldens `torch.testing.assert_close`, with its default tolerances, rejects the same outputs "
            "against the same certified answers. Names of NumPy networks say what they do otherwise than the "
            "definition (`benchmarks/correct_networks.py`). Their [gradients](gradient-false-alarms.md) have a page "
            "of their own.\n",
            tallies.in_full(found),
        ]
    )


if __name__ == "__main__":
    main()
