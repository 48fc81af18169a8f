"""Progress reports while a golden is certified."""

from dataclasses import replace

import numpy as np
import pytest
from factories.scenarios import SHAPES, scenario

from rnn_goldens.generator.certify import certify
from rnn_goldens.progress import reported_to


@pytest.mark.parametrize("shape", SHAPES)
def test_each_part_of_the_work_is_reported_from_zero_to_its_total(shape: str) -> None:
    example = scenario("lstm", scale=0.34375, **SHAPES[shape])
    out = (*example.inputs["x"].shape[:-1], example.shape.num_directions * example.shape.hidden_size)
    parts: dict[str, list[int]] = {}
    totals: dict[str, int] = {}

    def report(label: str, done: int, total: int) -> None:
        parts.setdefault(label, []).append(done)
        assert totals.setdefault(label, total) == total

    with reported_to(report):
        certify(replace(example, d_out=np.ones(out), gradient_purpose="Its gradients."))
    passes = example.shape.num_layers * example.shape.num_directions
    tolerances = [f"tolerance, part {n} of {passes}" for n in range(1, passes + 1)]
    assert list(parts) == [
        "exact values, 192 bits",
        *tolerances,
        "exact gradients, 192 bits",
        "tolerance of gradients",
    ]
    for label, counted in parts.items():
        assert counted == sorted(counted)
        assert (counted[0], counted[-1]) == (0, totals[label])


def test_work_without_a_progress_bar_reports_nothing() -> None:
    reported: list[str] = []
    with reported_to(lambda label, *_: reported.append(label)):
        pass
    certify(scenario())
    assert not reported
