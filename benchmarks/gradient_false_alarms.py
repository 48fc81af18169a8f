"""Correct backward passes against every golden that has gradients: how many fail, and how close the others come.

    python -m benchmarks.gradient_false_alarms   # from the checkout; --write renews its page in docs/results

Compiling is most of what takes time: with ``--every 7`` those that compile are checked against each seventh golden.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks import page, tallies
from benchmarks.tallies import Job, Tally
from rnn_goldens.cells import Backward, case_of
from rnn_goldens.checkable.golden import Golden, Question
from rnn_goldens.corpus import Corpus, open_corpus
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import Exact
from rnn_goldens.implementations import resolve
from rnn_goldens.implementations.backward import backward_of
from rnn_goldens.implementations.numpy_cells import arithmetic
from rnn_goldens.judging.calls import Backward as Asked
from rnn_goldens.judging.verdict import compare_gradients

NUMPY = "numpy, "
"""What the names of backward passes in NumPy begin with; the definition's is called numpy alone."""

SCAN = "jax scan"

LIBRARIES = ("torch, oneDNN on", "torch, oneDNN off", "torch-cells", "keras-torch", "keras-jax", "flax", SCAN)

COMPILING = ("flax", "keras-jax", SCAN)

PAGE = "gradient-false-alarms.md"


def main() -> None:
    """Run, print, and exit with 1 if anything correct fails."""
    tallies.command(PAGE, implementations(), COMPILING, tally, report)


def implementations() -> list[str]:
    """Every implementation, the definition first."""
    from benchmarks.correct_backward import BACKWARD

    return ["numpy", *(f"{NUMPY}{name}" for name in BACKWARD), *LIBRARIES]


def tally(job: Job, every: int = 1) -> Tally:
    """Put every golden that has gradients in the precision to an implementation, or every so-manieth of them."""
    start = time.process_time()
    backward = find_backward(job.implementation)
    corpus, found = open_corpus(), Tally(job)
    known = tallies.known_failures(job, corpus, ".gradients.txt")
    ids = [e.id for e in corpus.entries if e.gradients and job.precision in e.gradients.precisions]
    for golden_id in ids[::every]:
        golden = corpus.load(golden_id, job.precision, gradients=True)
        try:
            given = dict(backward(golden.question()))
        except Unsupported as reason:
            found.refuse(reason)
            continue
        except Exception:
            if golden_id not in known:
                raise
            found.known[known[golden_id]] += 1
            continue
        verdict = compare_gradients(golden, given)
        if verdict.not_checked:
            raise ValueError(f"{job.implementation} gives no {', '.join(verdict.not_checked)} of {golden_id}")
        found.judge(golden, verdict, known.get(golden_id), close=is_close(golden, given))
    found.seconds = time.process_time() - start
    return found


def is_close(golden: Golden, given: Mapping[str, Any]) -> bool:
    """What ``torch.testing.assert_close`` says of gradients."""
    expected = golden.checkable_gradients().expected
    return tallies.are_close(golden, {name: given[name] for name in expected}, expected)


def find_backward(name: str) -> Asked:
    """What gives the gradients of an implementation, by its name in this report."""
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


def in_numpy(network: Backward) -> Asked:
    """The same of a network in NumPy."""

    def backward(golden: Question) -> Mapping[str, Any]:
        dtype = arithmetic(golden.dtype)
        cotangents = {name: np.asarray(array).astype(dtype) for name, array in golden.cotangents.items()}
        with np.errstate(all="ignore"):  # a golden may saturate, and is meant to
            return network.gradients(case_of(golden, dtype), cotangents)

    return backward


def _with_onednn(backward: Asked, *, on: bool) -> Asked:
    def switched(golden: Question) -> Mapping[str, Any]:
        with tallies.onednn(on=on):
            return backward(golden)

    return switched


def report(found: Sequence[Tally], names: Sequence[str]) -> str:
    """The page."""
    corpus = open_corpus()
    goldens = sum(bool(entry.gradients) for entry in corpus.entries)
    return "\n".join(
        [
            "# False alarms of gradients\n\n"
            "Correct backward passes against every golden that has gradients, in every precision they can be checked "
            "in. Written by `python -m benchmarks.gradient_false_alarms --write`.\n\n"
            f"{page.versions('numpy', 'ml_dtypes', 'torch', 'keras', 'flax', 'jax')}.\n",
            tallies.totals(found, corpus, goldens, len(names)),
            tallies.overview(found),
            "The words are those of [the outputs' page](false-alarms.md); what is known to be wrong is listed in "
            "[known-failures](../known-failures), in files of gradients. A golden passes if every gradient of it "
            "does: by x, by the initial states that are given, by every weight and bias.\n\n"
            "`torch` differentiates `nn.RNN`, `nn.LSTM` and `nn.GRU`, `torch-cells` its cells unrolled, both by "
            "autograd; `keras-torch`, `keras-jax` and `flax` their own layers; `jax scan` is a scan that is written "
            "in `benchmarks/jax_scan.py`, by `jax.vjp`. Names of backward passes in NumPy say what they do "
            "otherwise than the definition (`benchmarks/correct_backward.py`). In half precisions they accumulate in "
            "float32 and store in their own type, gates' gradients too.\n",
            "## In how many precisions\n\n"
            "Of the goldens that have gradients, those whose gradients can be checked in a precision, and those that "
            "are checked in it for their outputs alone.\n",
            page.table(("precision", "with gradients", "exact", "with a bound", "left out"), _kept(corpus)),
            tallies.in_full(found),
        ]
    )


def _kept(corpus: Corpus) -> list[tuple[str, int, int, int, int]]:
    """By precision, how many goldens have it for their gradients, and how many for their outputs alone."""
    rows = []
    goldens = [corpus.load(e.id, "float64", gradients=True) for e in corpus.entries if e.gradients]
    for precision in PRECISIONS:
        asked = [golden for golden in goldens if precision in golden.precisions]
        kept = [gradients for golden in asked if precision in (gradients := golden.checkable_gradients()).precisions]
        exact = sum(isinstance(gradients.tolerance, Exact) for gradients in kept)
        rows.append((precision, len(kept), exact, len(kept) - exact, len(asked) - len(kept)))
    return rows


if __name__ == "__main__":
    main()
