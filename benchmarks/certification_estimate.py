"""Compares the predicted seconds of certifying goldens with measured ones, and fits the constants of the prediction."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks import large_goldens, page
from benchmarks.benchmark import Measured
from benchmarks.large_goldens import Golden
from rnn_goldens.corpus import KERNELS, open_corpus
from rnn_goldens.generator.certification import certification
from rnn_goldens.generator.certification_cache import CommittedCache
from rnn_goldens.generator.predicted_cost import SECONDS, kind_of, predicted_seconds, work_of
from rnn_goldens.generator.scenario_base import DeclaredInputs
from rnn_goldens.generator.scenarios import SCENARIOS, kernels

GOLDENS: tuple[Golden, ...] = (
    ("lstm", 200, 8, False),
    ("lstm", 800, 8, False),
    ("lstm", 100, 64, False),
    ("lstm", 60, 32, True),
    ("lstm", 20, 64, True),
    ("lstm", 20, 128, True),
    ("gated_delta", 16, 16, False),
    ("gated_delta", 32, 32, False),
    ("gated_delta", 64, 64, False),
    ("gated_delta", 128, 16, False),
    ("gated_delta", 16, 16, True),
    ("gated_delta", 32, 32, True),
    ("gated_delta", 64, 32, True),
    ("linear_attention", 64, 16, True),
    ("linear_attention", 128, 16, False),
    ("selective_scan", 32, 16, False),
    ("selective_scan", 64, 16, False),
    ("selective_scan", 16, 8, True),
    ("slstm", 64, 16, True),
    ("rg_lru", 257, 64, True),
    ("min_gru", 129, 64, True),
    ("causal_conv", 257, 64, True),
)
"""Cell, time steps, size, and whether with gradients."""

EVERY = 6
"""Only every Nth golden of the corpus is measured."""

LEAST = 0.03
"""Goldens of less seconds have the same weight in a fit; above, the weight is the root of the seconds."""

ITERATIONS = 30_000


class Sample(NamedTuple):
    """A golden, and its measured CPU seconds."""

    scenario: DeclaredInputs
    seconds: float


def measured(most: float = 100.0, *, fit: bool = False) -> Measured:
    """Return the section, or fitted constants.

    Args:
        most: only goldens that are predicted to take at most so many seconds.
        fit: whether to fit the constants of ``generator/predicted_cost.py``.
    """
    shown = {golden: _sample(large_goldens.scenario(*golden)) for golden in GOLDENS if _seconds(golden) <= most}
    corpus = [_sample(scenario) for scenario in SCENARIOS[::EVERY]]
    if fit:
        return Measured("\n".join(_constants([*shown.values(), *corpus, *_at_kernel_sizes()])))
    rows = [
        (*golden[:3], "yes" if golden[3] else "", page.written(one.seconds), page.written(predicted), _ratio(*pair))
        for golden, one in shown.items()
        for predicted in [predicted_seconds(one.scenario)]
        for pair in [(predicted, one.seconds)]
    ]
    total, of_all = sum(one.seconds for one in corpus), sum(predicted_seconds(one.scenario) for one in corpus)
    header = ("cell", "steps", "size", "gradients", "measured/s", "predicted/s", "ratio")
    return Measured(
        f"{TITLE}{page.table(header, rows)}\nEvery {EVERY}th golden of the corpus, {len(corpus)} goldens: measured "
        f"{page.written(total)} s, predicted {page.written(of_all)} s."
    )


TITLE = """## The estimate before certifying

Before `rnn-goldens generate` certifies for more than ten seconds, it says how long this takes, as predicted from the
sizes of the scenarios. CPU seconds of one core, confirmation included:

"""


def _seconds(golden: Golden) -> float:
    return predicted_seconds(large_goldens.scenario(*golden))


def _sample(scenario: DeclaredInputs) -> Sample:
    sent = scenario.in_arrays()
    certification(SCENARIOS[0])  # imports torch
    began = time.process_time()
    certification(sent)
    return Sample(sent, time.process_time() - began)


def _at_kernel_sizes() -> Iterator[Sample]:
    """Yield the goldens of the corpus kernels, with the seconds that certifying them took."""
    seconds = CommittedCache(open_corpus(KERNELS).folder / "certified.txt").seconds
    for scenario in kernels.scenarios():
        if of_one := seconds.get(scenario.id):
            yield Sample(scenario.in_arrays(), of_one)


def _ratio(predicted: float, seconds: float) -> str:
    return f"{predicted / seconds:.2f}"


def _constants(samples: Sequence[Sample]) -> Iterator[str]:
    """Yield the lines of ``SECONDS``."""
    for kind, names in SECONDS.items():
        of_kind = [one for one in samples if kind_of(one.scenario) == kind]
        yield f"{kind}:"
        for name, seconds in fitted(of_kind, list(names)).items():
            yield f'    "{name}": {seconds:.2g},'


def fitted(samples: Sequence[Sample], names: Sequence[str]) -> Mapping[str, float]:
    """Return the seconds of one of each amount of work, none below 0, that minimize relative errors."""
    measured = np.array([one.seconds for one in samples])
    shares = np.array([[work_of(one.scenario)[name] for name in names] for one in samples]) / measured[:, None]
    scale = shares.max(axis=0) + np.finfo(float).tiny
    weights, scaled = np.sqrt(np.maximum(measured, LEAST)), shares / scale
    wanted, mixed = scaled.T @ weights, (scaled * weights[:, None]).T @ scaled
    found = np.full(len(names), 0.1)
    for _ in range(ITERATIONS):  # multiplicative updates keep every constant positive
        found *= wanted / (mixed @ found + np.finfo(float).tiny)
    return dict(zip(names, (found / scale).tolist(), strict=True))
