"""The page of where the corpus looks on the argument of each activation."""

from benchmarks.argument_coverage import picture, report
from rnn_goldens.generator.argument_coverage import BLUNT, CELLS, activations, bands

EVERYWHERE = {
    (cell, activation.label, band): dict.fromkeys(BLUNT, (16.0, "some/golden"))
    for cell in CELLS
    for activation in activations(cell)
    for band in bands()
}


def test_the_page_has_the_blunter_side_of_zero_and_the_picture_both() -> None:
    found = {**EVERYWHERE, ("gru", "tanh of n", (-5, -4)): {"float32": (100.0, "other/golden")}}
    assert "| 4 to 5" in report(found)
    assert "100.0" in report(found)
    assert picture(found).count("<title>") == len(EVERYWHERE)
