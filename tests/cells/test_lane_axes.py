"""Axes that equations never add or multiply over are lanes: results of all lanes are bounded at once, and equally."""

from typing import Any

import numpy as np
import pytest
from factories.recurrences import SHARED, recurrence_scenario

from rnn_goldens.cells.case_graph import Lane, lane_of
from rnn_goldens.cells.chunked import in_chunks
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.cells.recurrence_graph import Form, recorded_recurrence
from rnn_goldens.deviations.recurrences.edits import DELTA
from rnn_goldens.error_analysis.bounds import Bounds
from rnn_goldens.error_analysis.loss_policy import CONTRACTS
from rnn_goldens.generator.scenarios.recurrences import ATTENTION
from rnn_goldens.golden.recurrences import RECURRENCES

AROUND_ATTENTION = ("gated_delta_net", "kda", "retention")

LANES = {
    **dict.fromkeys(ATTENTION, Lane("d_v", 3)),
    **dict.fromkeys(("selective_scan", "mamba", "rg_lru", "min_gru"), Lane("d", 2)),
    **dict.fromkeys(
        (*AROUND_ATTENTION, "gated_delta_net_2", "generalized_delta", "rwkv7", "rwkv6", "mlstm"), Lane("d_v", 2)
    ),
    "mamba2": Lane("p", 2),
}
"""slstm multiplies over its units, and the channels of convolutions are lanes already."""

CHUNKED = (*ATTENTION, *AROUND_ATTENTION, "mamba2")

FORMS = [(cell, None) for cell in RECURRENCES] + [(cell, in_chunks(3)) for cell in CHUNKED]


@pytest.mark.parametrize(("cell", "form"), FORMS)
def test_the_graph_shows_which_axis_is_a_lane(cell: str, form: Form | None) -> None:
    assert lane_of(recorded_recurrence(recurrence_scenario(cell).case(), form)) == LANES.get(cell)


@pytest.mark.parametrize(
    ("cell", "form"),
    [*((cell, form) for cell, form in FORMS if cell in LANES), ("selective_scan", in_chunks(3))],
)
def test_bounds_in_lanes_are_equal(cell: str, form: Form | None) -> None:
    sizes: dict[str, Any] = {"query_heads": 4} if cell in ATTENTION else {}
    assert_equal_in_lanes(recurrence_scenario(cell, offsets=(0, 2, 5), **sizes).case(), form)


@pytest.mark.parametrize("form", [None, in_chunks(3)])
@pytest.mark.parametrize(
    ("cell", "shared"),
    [
        *((cell, "key heads") for cell in ATTENTION),
        *((cell, "one beta") for cell in DELTA),
        ("selective_scan", "groups"),
    ],
)
def test_bounds_in_lanes_are_equal_if_heads_share_arrays(cell: str, shared: str, form: Form | None) -> None:
    assert_equal_in_lanes(recurrence_scenario(cell, offsets=(0, 2, 5), **SHARED[shared]).case(), form)


def assert_equal_in_lanes(case: RecurrenceCase, form: Form | None) -> None:
    alone = recorded_recurrence(case, form)
    for kind in range(len(CONTRACTS.kinds)):
        apart, together = (
            of.arrays({place: bound[kind] for place, bound in Bounds(of, of.results, CONTRACTS).of_results().items()})
            for of in (alone, recorded_recurrence(case, form, lane_of(alone)))
        )
        for name, array in apart.items():
            np.testing.assert_allclose(together[name], array, rtol=1e-13)
