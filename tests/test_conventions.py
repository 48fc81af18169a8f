import numpy as np
import pytest
from making import MakeGolden

import rnn_goldens
from rnn_goldens import UnknownName, Unsupported
from rnn_goldens.conventions import CONVENTIONS


def test_the_notebooks_textbook_weights_come_back_as_it_writes_them() -> None:
    weights = rnn_goldens.load("documented/single-sequence").weights_as("textbook")
    assert weights["W_xh"].tolist() == [[1, 0], [0, 1], [1, 0], [0, 1], [1, 1]]
    assert weights["W_hh"].tolist() == [[1, 1], [1, 1]]


def test_the_notebooks_torch_weights_are_stored_as_it_writes_them() -> None:
    golden = rnn_goldens.load("documented/identity-w-hh")
    assert golden.weights["weight_ih_l0"].tolist() == [[1, 0, 1, 0, 1], [0, 1, 0, 1, 0]]
    assert golden.weights_as("textbook")["W_xh"].tolist() == [[1, 0], [0, 1], [1, 0], [0, 1], [1, 0]]


def test_the_textbooks_one_bias_is_the_sum_of_torchs_two(make_golden: MakeGolden) -> None:
    golden = make_golden("rnn_tanh")
    weights = golden.weights
    assert weights["bias_ih_l0"].any()
    np.testing.assert_array_equal(golden.weights_as("textbook")["b"], weights["bias_ih_l0"] + weights["bias_hh_l0"])


@pytest.mark.parametrize("name", CONVENTIONS)
@pytest.mark.parametrize("bias", [True, False])
def test_weights_survive_the_way_there_and_back(make_golden: MakeGolden, name: str, bias: bool) -> None:
    golden, convention = make_golden(bias=bias), CONVENTIONS[name]
    there = convention.from_torch(golden.cell, golden.config, golden.stored.weights)
    back = convention.to_torch(golden.cell, golden.config, there)
    again = convention.from_torch(golden.cell, golden.config, back)
    assert back.keys() == golden.stored.weights.keys()
    for weight, array in there.items():
        np.testing.assert_array_equal(again[weight], array)
    for weight in ("weight_ih_l0", "weight_hh_l0"):
        np.testing.assert_array_equal(back[weight], golden.stored.weights[weight])


@pytest.mark.parametrize(
    ("cell", "config", "reason"),
    [
        ("lstm", {}, "no gates"),
        ("rnn_tanh", {"num_layers": 2}, "one layer"),
        ("rnn_tanh", {"bidirectional": 1}, "direction"),
    ],
)
def test_what_the_textbook_can_not_hold_is_refused_not_dropped(
    make_golden: MakeGolden, cell: str, config: dict[str, int], reason: str
) -> None:
    with pytest.raises(Unsupported, match=reason):
        make_golden(cell, **config).weights_as("textbook")


def test_an_unknown_convention_lists_those_that_exist(make_golden: MakeGolden) -> None:
    with pytest.raises(UnknownName, match="Conventions: torch, textbook"):
        make_golden().weights_as("text-book")
