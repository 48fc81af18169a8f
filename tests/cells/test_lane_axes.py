"""Axes that equations never add or multiply over are lanes: results of all lanes are bounded at once, and equally."""

from typing import Any

import numpy as np
import pytest
from factories.recurrences import recurrence_scenario

from rnn_goldens.cells.case_graph import Lane
from rnn_goldens.cells.chunked import in_chunks
from rnn_goldens.cells.lane_axes import lane_of
from rnn_goldens.cells.recurrence_graph import Form, recorded_recurrence
from rnn_goldens.error_analysis.bounds import Bounds
from rnn_goldens.error_analysis.loss_policy import CONTRACTS
from rnn_goldens.generator.scenarios.recurrences import ATTENTION
from rnn_goldens.golden.recurrences import RECURRENCES

LANES = {
    **dict.fromkeys(ATTENTION, Lane("d_v", 3, heads=2)),
    **dict.fromkeys(("selective_scan", "rg_lru", "min_gru"), Lane("d", 2)),
}
"""slstm multiplies over its units, and the channels of causal_conv are lanes already."""

FORMS = [(cell, None) for cell in RECURRENCES] + [(cell, in_chunks(3)) for cell in ATTENTION]


@pytest.mark.parametrize(("cell", "form"), FORMS)
def test_the_graph_shows_which_axis_is_a_lane(cell: str, form: Form | None) -> None:
    assert lane_of(recorded_recurrence(recurrence_scenario(cell).case(), form)) == LANES.get(cell)


@pytest.mark.parametrize(
    ("cell", "form"),
    [*((cell, form) for cell, form in FORMS if cell in LANES), ("selective_scan", in_chunks(3))],
)
def test_bounds_in_lanes_are_equal(cell: str, form: Form | None) -> None:
    sizes: dict[str, Any] = {"query_heads": 4} if cell in ATTENTION else {}
    case = recurrence_scenario(cell, offsets=(0, 2, 5), **sizes).case()
    for kind in range(len(CONTRACTS.kinds)):
        apart, together = (
            of.arrays({place: bound[kind] for place, bound in Bounds(of, of.results, CONTRACTS).of_results().items()})
            for of in (recorded_recurrence(case, form), recorded_recurrence(case, form, LANES[cell]))
        )
        for name, array in apart.items():
            np.testing.assert_allclose(together[name], array, rtol=1e-13)
