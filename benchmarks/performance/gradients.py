"""Compares checking a golden's gradients with checking its outputs."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.performance.measurement import Figure, at_most, interleaved, ratio

EACH = """
import numpy as np
from rnn_goldens.corpus import open_corpus
import rnn_goldens.comparison.verdict
corpus = open_corpus()
names = [e.id for e in corpus.select() if e.gradients and "float32" in e.gradients.precisions]
outputs = {name: list(dict(np.load(f"gradients/{place}-outputs.npz")).values()) for place, name in enumerate(names)}
gradients = {name: dict(np.load(f"gradients/{place}.npz")) for place, name in enumerate(names)}
goldens = {name: corpus.load(name, "float32", gradients=True) for name in names}
for name in names:
    goldens[name].check(*outputs[name])
    goldens[name].check_gradients(gradients[name])
for _ in range(TIMES):
    for name in names:
        EACH
"""

STATEMENTS = {
    "nothing": "pass",
    "check": "goldens[name].check(*outputs[name])",
    "check gradients": "goldens[name].check_gradients(gradients[name])",
    "load, check": 'corpus.load(name, "float32").check(*outputs[name])',
    "load, check gradients": 'corpus.load(name, "float32", gradients=True).check_gradients(gradients[name])',
}

TIMES = 10

LARGEST_RATIO = 3.0
"""Goal for the time to check gradients, as a multiple of the time to check outputs."""


def figures(folder: Path, runs: int) -> Iterator[Figure]:
    """Yield ratios of times; each measured loop goes through all goldens with gradients."""
    _prepare(folder / "gradients")
    programs = {name: EACH.replace("EACH", each).replace("TIMES", str(TIMES)) for name, each in STATEMENTS.items()}
    seconds = interleaved({name: [sys.executable, "-c", text] for name, text in programs.items()}, folder, runs)
    for what in ("check", "load, check"):
        value = ratio(seconds, f"{what} gradients", what, above="nothing")
        yield at_most(f"{what} of a golden's gradients / of its outputs", value, "times", LARGEST_RATIO)


def _prepare(folder: Path) -> None:
    """Write correct outputs and gradients."""
    from rnn_goldens import select

    folder.mkdir()
    for place, golden in enumerate(select(dtype="float32", gradients=True)):
        assert golden.gradients is not None
        names = ("out", "h_n", *(["c_n"] if golden.cell == "lstm" else []))
        low = {name: array.astype(np.float32) for name, array in golden.gradients.expected.items()}
        np.savez(folder / f"{place}-outputs.npz", allow_pickle=False, **{name: getattr(golden, name) for name in names})
        np.savez(folder / f"{place}.npz", allow_pickle=False, **low)
