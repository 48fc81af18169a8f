"""What the benchmark of drawn goldens says of wrong networks, found and not."""

import pytest

from benchmarks.fuzzing.correct import Asked
from benchmarks.fuzzing.drawing import Drawing, drawing_cost
from benchmarks.fuzzing.report import each, report, short_of
from benchmarks.fuzzing.searching import Sought, networks, seek
from benchmarks.fuzzing.searching import sought as sought_networks
from rnn_goldens.deviations import DEVIATIONS
from rnn_goldens.golden.shapes import CELLS

ONE = (1, 1, 1, 1, 1, 2)


def sought(name: str, first: int, left: tuple[int, ...] = ONE, family: str = "weights") -> Sought:
    return Sought(family, name, "gru", "float32", first, left if first else (), 1.5)


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_every_deviation_is_sought_in_every_cell_and_in_float64_where_float32_hides_it() -> None:
    asked = list(networks())
    assert len(asked) == sum(len(deviation.cells) for deviation in DEVIATIONS)
    precisions = {(name, cell): precision for _, name, cell, precision in asked}
    assert precisions["float32_arithmetic", "lstm"] == "float64"
    assert precisions["w_hh_transposed", "lstm"] == "float32"


@pytest.mark.slow
def test_a_wrong_network_is_found_and_made_small() -> None:
    found = seek(("gate order", "lstm_gates_iofg", "lstm", "float32"), 20)
    assert 1 <= found.first <= 10
    assert found.left[:5] == (1, 1, 1, 1, 1)


def test_the_page_counts_what_was_found_and_names_what_was_not() -> None:
    found = [
        sought("w_hh_transposed", 3),
        sought("w_ih_transposed", 150, (1, 1, 5, 1, 1, 9)),
        sought("units_reversed", 0),
    ]
    cost = [Drawing("gru", (1.0, 2.0, 3.04, 10.0))]
    lines = report(found, [Asked("numpy", 8, 7, 1, largest=0.25)], cost).splitlines()
    row = next(line for line in lines if line.startswith("| together"))
    assert _cells(row)[:6] == ["together", "3", "1", "1", "2", "1"]
    assert "- w_ih_transposed, gru: 1 layer·direction, 1 step, 5 rows, 1 unit, 1 input" in lines
    assert "- w_ih_transposed, gru: by the 150th" in lines
    assert "- units_reversed, gru" in lines
    assert _cells(next(line for line in lines if line.startswith("| gru"))) == [
        "gru",
        "4",
        "3.0",
        "4.0",
        "10.0",
        "10.0",
    ]


def test_each_network_has_a_line_with_what_is_left_of_it() -> None:
    lines = each([sought("w_hh_transposed", 3), sought("units_reversed", 0)]).splitlines()
    assert lines[1:] == [
        "weights,w_hh_transposed,gru,float32,3,1,1,1,1,1,2",
        "weights,units_reversed,gru,float32,0,,,,,,",
    ]
    assert len({line.count(",") for line in lines}) == 1


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


@pytest.mark.slow
def test_what_drawing_costs_is_of_each_golden_of_each_cell() -> None:
    assert [(one.cell, len(one.each)) for one in drawing_cost(12)] == [(cell, 12) for cell in CELLS]


@pytest.mark.slow
def test_networks_are_sought_in_processes_and_come_in_their_order() -> None:
    todo = [("gate order", "lstm_gates_iofg", "lstm", "float32"), ("weights", "w_hh_transposed", "gru", "float32")]
    found = sought_networks(todo, 1)
    assert [(one.name, one.cell) for one in found] == [(name, cell) for _, name, cell, _ in todo]
    assert all(one.first for one in found)
