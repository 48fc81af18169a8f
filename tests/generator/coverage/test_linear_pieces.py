"""The pieces of relu, clip and maximum that goldens cover."""

import numpy as np
import pytest

from rnn_goldens import load
from rnn_goldens.cells import Network, case_of
from rnn_goldens.generator.coverage.linear_pieces import PieceRecorder, missing, observe, pieces


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("lstm", []),
        ("rnn_relu", ["relu"]),
        ("gru_hard_sigmoid", ["clip", "clip"]),
        ("lstm_cell_clip", ["clip"]),
        ("rnn_leaky_relu", ["maximum"]),
        ("rnn_elu", ["relu", "relu"]),
    ],
)
def test_the_functions_of_a_cell_that_have_kinks(cell: str, names: list[str]) -> None:
    assert [name for _, _, name, piece in pieces(cell) if piece == 0] == names


def test_a_result_is_changed_in_one_piece_only() -> None:
    case = case_of(load("rnn-relu/plain", dtype="float64"), np.float64)
    above = "rnn_relu", 0, "relu", 1
    right, changed = (network.run(case)[0][:, 0] for network in (Network(), PieceRecorder("rnn_relu", above)))
    np.testing.assert_array_equal(changed != right, right > 0)
    assert 0 < (right > 0).sum() < right.size


def test_a_golden_covers_the_pieces_that_its_arguments_reach() -> None:
    covered = {piece for piece, *_ in observe(load("gru-hard-sigmoid-sixth/plain"))}
    assert ("gru_hard_sigmoid_sixth", 1, "clip", 1) in covered
    assert ("gru_hard_sigmoid_sixth", 1, "clip", 0) not in covered


def test_a_piece_that_no_golden_covers_is_reported() -> None:
    cell = "gru_hard_sigmoid_sixth"
    names = ("plain", "with-state", "overflowing", "one-step-with-state", "saturated-no-state")
    covered = [observe(load(f"gru-hard-sigmoid-sixth/{name}")) for name in names]
    assert list(missing([cell], covered)) == []
    assert list(missing([cell], covered[:-1])) == [
        f"{cell}, clip 2, below, {precision}: no error below inf roundoffs is detected"
        for precision in ("float64", "float32")
    ]
