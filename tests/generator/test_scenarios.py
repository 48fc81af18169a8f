"""The scenarios of the built-in corpus."""

import numpy as np
import pytest

from rnn_goldens import load
from rnn_goldens.cells import case_of
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import deviation
from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios import NETWORKS, SCENARIOS, VERSION, difficulty
from rnn_goldens.generator.scenarios.random_numbers import dyadic, integers, sparse
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.precision import PRECISIONS


def test_the_corpus_lists_the_scenarios_each_with_its_own_id_a_title_and_a_purpose() -> None:
    assert len({s.id for s in SCENARIOS}) == len(SCENARIOS)
    for s in NETWORKS:
        assert s.title
        assert s.purpose.endswith(".")
        assert s.id.count("/") == 1
    corpus = open_corpus()
    assert corpus.ids == [s.id for s in SCENARIOS]
    assert corpus.version == VERSION


def test_drawn_numbers_depend_on_their_name_and_are_of_the_requested_kind() -> None:
    assert integers("a name", (2, 4), 9).tolist() == [[8, 6, 0, 5], [-6, -6, 2, -1]]
    np.testing.assert_array_equal(integers("a name", (8,), 9), integers("a name", (2, 4), 9).ravel())
    assert integers("another name", (2, 4), 9).tolist() != integers("a name", (2, 4), 9).tolist()
    drawn = dyadic("a name", (1000,), 1.5)
    assert np.abs(drawn).max() == 1.5
    assert (drawn * 64 == np.rint(drawn * 64)).all()
    drawn = sparse("a name", (50, 7), 2)
    assert set(np.unique(drawn)) == {-1, 0, 1}
    assert (np.abs(drawn).sum(axis=1) == 2).all()
    assert (np.abs(drawn).sum(axis=0) > 0).all()
    assert (sparse("a name", (5, 1), 2) != 0).all()


def test_documented_scenarios_come_first_and_others_are_sorted_by_difficulty() -> None:
    folders = [s.id.partition("/")[0] for s in NETWORKS]
    first = folders.index(next(folder for folder in folders if folder != "documented"))
    assert set(folders[:first]) == {"documented"}
    difficulties = [difficulty(s) for s in NETWORKS[first:] if s.cell in CELLS]
    assert difficulties == sorted(difficulties)
    ids = [s.id for s in NETWORKS]
    assert ids.index("gru/one-unit") < ids.index("gru/two-layers") < ids.index("gru/lengths-bidirectional-two-layers")
    assert ids.index("gru/two-layers") < ids.index("gru/long")


FULL = [s for s in NETWORKS if s.precisions != tuple(PRECISIONS)]


@pytest.mark.parametrize("example", FULL, ids=lambda example: example.id)
def test_numbers_are_exact_in_the_precisions_of_the_scenario_and_in_no_other(example: Scenario) -> None:
    stored = example.stored
    arrays = [*stored.weights.values(), stored.x, *stored.states.values()]
    for name, precision in PRECISIONS.items():
        with np.errstate(over="ignore"):
            is_exact = all((precision.round(array) == array).all() for array in arrays)
        assert is_exact == (name in example.precisions), name


@pytest.mark.parametrize(
    ("golden_id", "precision", "lower"),
    [
        ("gru/numbers-of-53-bits", "float64", "float32"),
        ("lstm/numbers-of-24-bits", "float32", "bfloat16"),
        ("exact/numbers-of-11-bits", "float16", "bfloat16"),
        ("rnn-tanh/numbers-beyond-float16", "bfloat16", "float16"),
    ],
)
def test_a_network_whose_inputs_were_cast_to_a_lower_precision_fails(
    golden_id: str, precision: str, lower: str
) -> None:
    golden = load(golden_id, dtype=precision)
    wrong = deviation(f"inputs_cast_to_{lower}").outputs(case_of(golden, np.float64))
    assert not golden.compare(*(output.astype(golden.out.dtype) for output in wrong.values())).passed
