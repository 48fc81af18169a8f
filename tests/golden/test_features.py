"""Features of recurrences follow from their sizes."""

import pytest

from rnn_goldens import load


@pytest.mark.parametrize(
    ("golden", "grouped"),
    [("gated-delta/grouped-queries", True), ("gated-delta/several-steps", False), ("slstm/several-steps", False)],
)
def test_only_goldens_with_several_queries_of_a_head_are_grouped(golden: str, grouped: bool) -> None:
    assert ("grouped" in load(golden, dtype="float32").features) is grouped
