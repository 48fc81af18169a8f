"""The page on the coverage of the corpus."""

from benchmarks.corpus_coverage import activations, sizes, sizes_of_recurrences
from rnn_goldens.corpus import open_corpus
from rnn_goldens.generator.coverage import activation_arguments
from rnn_goldens.generator.coverage.activation_arguments import LARGEST_COVERING, Place, SmallestErrors, bands

EVERYWHERE: dict[Place, SmallestErrors] = {
    (cell, label, band): dict.fromkeys(LARGEST_COVERING, (16.0, "some/golden"))
    for cell in activation_arguments.CELLS
    for label in activation_arguments.functions(cell)
    for band in bands()
}


def row(text: str, begin: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {begin} ")]
    return [cell.strip() for cell in line.split("|")[2:-1]]


def test_of_two_symmetric_bands_the_less_sensitive_one_counts() -> None:
    covered = {**EVERYWHERE, ("gru", "tanh of n", (-5, -4)): {"float32": (100.0, "other/golden")}}
    assert row(activations(covered), "gru: tanh of n")[:2] == ["16.0 to 16.0, or none", "16.0 to 100.0"]


def test_sizes_of_recurrences_are_counted_as_stored_and_embedded() -> None:
    golden = open_corpus().load("rg-lru/several-steps", "float64", gradients=True)
    text = sizes_of_recurrences([golden], [golden])
    assert row(text, "d, rg_lru")[0] == "none"
    one = open_corpus().load("rg-lru/one-step", "float64")
    assert row(sizes_of_recurrences([golden, one], [golden]), "time, rg_lru")[0] == "1, none"
    assert row(text, "d, rg_lru")[-1] == "embedded"
    assert row(sizes_of_recurrences([golden], []), "d, rg_lru")[-1] == "embedded, none"
    assert row(text, "sequences, rg_lru")[-1] == "none"
    assert "- time, 1, 9, 17, 33 (linear_attention); 1, 9, 17 (gated_linear_attention); " in text


def test_sizes_are_counted_over_the_goldens() -> None:
    golden = open_corpus().load("sizes-lstm/hidden-129", "float64")
    without, with_gradients = (row(sizes([golden], ids), "hidden, lstm") for ids in (set[str](), {golden.id}))
    assert without == ["0, 0"] * 5 + ["1, 0"]
    assert with_gradients == ["0, 0"] * 5 + ["1, 1"]
    assert row(sizes([golden], set()), "input of upper layers, lstm")[0] == "none"
