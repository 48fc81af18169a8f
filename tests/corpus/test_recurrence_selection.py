"""Selections have goldens of recurrences only if they name them."""

from rnn_goldens import select
from rnn_goldens.corpus import open_corpus
from rnn_goldens.golden.recurrences import RECURRENCES


def test_recurrences_are_selected_by_cell_or_folder_only() -> None:
    assert not {entry.cell for entry in open_corpus().select()} & set(RECURRENCES)
    assert not {golden.cell for golden in select(features="exact")} & set(RECURRENCES)
    by_cell = open_corpus().select(cell="gated_delta")
    assert by_cell
    assert by_cell == open_corpus().select("gated-delta/*")
    assert {"packed"} <= {feature for entry in by_cell for feature in entry.features}
    assert open_corpus().select(cell="gated_delta", without="packed") != by_cell
