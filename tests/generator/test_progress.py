"""How far the certifying of one golden is, for a progress bar."""

from dataclasses import replace

import numpy as np
import pytest
from made_scenarios import SHAPES, scenario

from rnn_goldens.generator.certify import certify
from rnn_goldens.generator.progress import looked_at_by


@pytest.mark.parametrize("shape", SHAPES)
def test_each_part_of_the_work_goes_from_nothing_to_all_of_it(shape: str) -> None:
    asked = scenario("lstm", scale=0.34375, **SHAPES[shape])
    out = (*asked.inputs["x"].shape[:-1], asked.shape.num_directions * asked.shape.hidden_size)
    parts: dict[str, list[int]] = {}
    totals: dict[str, int] = {}

    def look(doing: str, done: int, total: int) -> None:
        parts.setdefault(doing, []).append(done)
        assert totals.setdefault(doing, total) == total

    with looked_at_by(look):
        certify(replace(asked, d_out=np.ones(out), gradient_purpose="The way back."))
    ways = asked.shape.num_layers * asked.shape.num_directions
    tolerances = [f"tolerance, part {n} of {ways}" for n in range(1, ways + 1)]
    assert list(parts) == [
        "exact values, 192 bits",
        *tolerances,
        "exact gradients, 192 bits",
        "tolerance of gradients",
    ]
    for doing, counted in parts.items():
        assert counted == sorted(counted)
        assert (counted[0], counted[-1]) == (0, totals[doing])


def test_work_that_nobody_looks_at_is_done_all_the_same() -> None:
    seen: list[str] = []
    with looked_at_by(lambda doing, *_: seen.append(doing)):
        pass
    certify(scenario())
    assert not seen
