"""What the benchmark of drawn goldens says of wrong networks, found and not."""

from benchmarks.fuzzing.correct import Asked
from benchmarks.fuzzing.report import report, short_of
from benchmarks.fuzzing.searching import Sought, networks, seek
from rnn_goldens.deviations import DEVIATIONS

ONE = (1, 1, 1, 1, 1, 2)


def sought(name: str, first: int, left: tuple[int, ...] = ONE, family: str = "weights") -> Sought:
    return Sought(family, name, "gru", "float32", first, left if first else (), 1.5)


def test_every_deviation_is_sought_in_every_cell_and_in_float64_where_float32_hides_it() -> None:
    asked = list(networks())
    assert len(asked) == sum(len(deviation.cells) for deviation in DEVIATIONS)
    precisions = {(name, cell): precision for _, name, cell, precision in asked}
    assert precisions["float32_arithmetic", "lstm"] == "float64"
    assert precisions["w_hh_transposed", "lstm"] == "float32"


def test_a_wrong_network_is_found_and_made_small() -> None:
    found = seek(("gate order", "lstm_gates_iofg", "lstm", "float32"))
    assert 1 <= found.first <= 10
    assert found.left[:5] == (1, 1, 1, 1, 1)


def test_the_page_counts_what_was_found_and_names_what_was_not() -> None:
    found = [
        sought("w_hh_transposed", 3),
        sought("w_ih_transposed", 150, (1, 1, 5, 1, 1, 9)),
        sought("units_reversed", 0),
    ]
    lines = report(found, [Asked("numpy", 8, 7, 1, largest=0.25)]).splitlines()
    row = next(line for line in lines if line.startswith("| together"))
    assert [cell.strip() for cell in row.strip("|").split("|")][:6] == ["together", "3", "1", "1", "2", "1"]
    assert "- w_ih_transposed, gru: 1 layer·direction, 1 step, 5 rows, 1 unit, 1 input" in lines
    assert "- w_ih_transposed, gru: by the 150th" in lines
    assert "- units_reversed, gru" in lines


def test_too_few_found_and_a_structural_one_that_is_not_fall_short() -> None:
    short = list(short_of([sought("w_hh_transposed", 3), sought("units_reversed", 0)]))
    assert short == [
        "1 of 2 are found in 100 goldens, and 90% should be",
        "units_reversed, gru is not found in 1,000 goldens",
    ]
    assert (
        list(short_of([*[sought("w_hh_transposed", 3)] * 20, sought("tabled_tanh_fine", 0, family="activations")]))
        == []
    )
