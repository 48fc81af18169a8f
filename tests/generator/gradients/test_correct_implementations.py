"""Correct, independent implementations stay within the tolerance of gradients in every precision."""

from typing import Any

from factories.cotangents import SHAPES, gradient_scenario
from factories.for_each import for_each

from rnn_goldens import Golden
from rnn_goldens.comparison.actual import actual_gradients
from rnn_goldens.comparison.verdict import verdict_on
from rnn_goldens.generator.certify import certify
from rnn_goldens.generator.confirmation import LARGEST_CORRECT_ERROR
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.implementations.torch.gradients import of_layers


def assert_within(golden: Golden, found: Any) -> None:
    assert golden.gradients is not None
    for precision in golden.gradients.precisions:
        verdict = verdict_on(actual_gradients(low := golden.in_precision(precision), found(low)))
        assert verdict.largest_error <= LARGEST_CORRECT_ERROR, (precision, verdict.message)


@for_each([(cell, shape, seed) for seed in (9, 10) for shape in SHAPES for cell in CELLS], every=5)
def test_autograd_stays_within_the_tolerance(cell: str, shape: str, seed: int) -> None:
    assert_within(certify(gradient_scenario(cell, shape, seed=seed), confirm=False), of_layers)
