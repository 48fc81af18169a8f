"""Where an element is, in words, and the names of the axes of an output."""

import pytest

from rnn_goldens import load
from rnn_goldens.comparison.differences import axes
from rnn_goldens.comparison.verdict import compare_gradients


@pytest.mark.parametrize(
    ("golden_id", "name", "index", "place"),
    [
        ("lstm/lengths", "weight_hh_l0", (4, 2), "gate f, unit 1, column 2"),
        ("rnn-softsign/plain", "weight_hh_l0", (1, 0), "unit 1, column 0"),
        ("lstm-peephole/plain", "p_i_l0", (1,), "unit 1"),
        ("lstm-projection/plain", "weight_hr_l0", (1, 2), "unit 1, column 2"),
        ("slstm/several-steps", "R_i", (1, 1, 0), "head 1, unit 1, unit 0"),
        ("slstm/several-steps", "x_i", (0, 2, 1, 0), "time step 2 (batch 0, head 1, unit 0)"),
        ("slstm/several-steps", "n0", (0, 1, 0), "batch 0, head 1, unit 0"),
    ],
)
def test_a_wrong_gradient_is_at_a_place(golden_id: str, name: str, index: tuple[int, ...], place: str) -> None:
    golden = load(golden_id, dtype="float32", gradients=True)
    assert golden.gradients is not None
    actual = golden.gradients.expected[name].copy()
    actual[index] += 1
    first = compare_gradients(golden, {name: actual}).differences[name].first
    assert first is not None
    assert (first.index, first.place) == (index, place)


@pytest.mark.parametrize(
    ("golden_id", "name", "names"),
    [
        ("lstm/lengths", "out", ("batch", "time step", "unit")),
        ("lstm/lengths", "c_n", ("layer", "batch", "unit")),
        ("lstm/bidirectional", "h_n", ("layer and direction", "batch", "unit")),
        ("lstm/unbatched", "out", ("time step", "unit")),
        ("gated-delta/grouped-queries", "o", ("batch", "time step", "query head", "value")),
        ("gated-delta/grouped-queries", "S_n", ("sequence", "head", "key", "value")),
        ("gated-delta/grouped-values", "o", ("batch", "time step", "head", "value")),
        ("selective-scan/several-steps", "h_n", ("sequence", "unit", "n")),
    ],
)
def test_each_axis_of_an_output_has_a_name(golden_id: str, name: str, names: tuple[str, ...]) -> None:
    golden = load(golden_id, dtype="float32")
    assert axes(golden, name) == names
    assert len(names) == golden.stored.expected[name].ndim
