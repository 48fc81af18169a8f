"""The page on the coverage of the corpus."""

from benchmarks.corpus_coverage import tables
from benchmarks.corpus_coverage.arguments import report
from rnn_goldens.corpus import open_corpus
from rnn_goldens.generator.coverage.arguments import CELLS, LARGEST_COVERING, activations, bands

EVERYWHERE = {
    (cell, activation.label, band): dict.fromkeys(LARGEST_COVERING, (16.0, "some/golden"))
    for cell in CELLS
    for activation in activations(cell)
    for band in bands()
}


def test_a_row_of_two_symmetric_bands_shows_the_less_sensitive_band() -> None:
    covered = {**EVERYWHERE, ("gru", "tanh of n", (-5, -4)): {"float32": (100.0, "other/golden")}}
    (row,) = [line for line in report(covered).splitlines() if line.startswith("| 4 to 5 ")]
    assert "100.0" in row


def test_profiles_are_listed_with_the_numbers_of_goldens_and_detected_deviations() -> None:
    assert "| lstm     | 94: 443 of 443  | 30: 303 of 443 " in tables.profiles(open_corpus())


def test_sizes_and_options_are_counted_over_the_goldens() -> None:
    corpus = open_corpus()
    one = [(entry, {"input": 9, "hidden": 1}) for entry in corpus.entries if entry.id == "lstm/plain"]
    (row,) = [line for line in tables.sizes(one).splitlines() if line.startswith("| input, lstm ")]
    assert [cell.strip() for cell in row.split("|")[2:4]] == ["0, 0", "1, 1"]
    assert "| none" in tables.sizes(one)
    assert "| lengths, unbatched        | none |" in tables.options(one)
