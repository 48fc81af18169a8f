"""The coverage gate refuses an incomplete corpus and lists its gaps."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from rnn_goldens import Golden
from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.kill_matrix import Undetected
from rnn_goldens.deviations import DEVIATIONS
from rnn_goldens.generator.coverage import dimensions
from rnn_goldens.generator.coverage.activation_arguments import observe
from rnn_goldens.generator.coverage.coverage_gate import (
    missing_options,
    require_covered,
    require_covered_backward,
    require_shown,
)
from rnn_goldens.generator.coverage.dimensions import sizes_of
from rnn_goldens.generator.coverage.implementation_kinds import ONE_LAYER, ONE_STEP, OUT_ALONE, WHOLE
from rnn_goldens.generator.kill_matrix import KillMatrix
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.golden.built_in_cells import LAYOUTS

CORPUS = open_corpus()


@pytest.fixture(scope="module")
def goldens() -> list[Golden]:
    return [CORPUS.load(golden_id, "float64") for golden_id in CORPUS.ids]


def without(goldens: Sequence[Golden], *ids: str) -> list[Golden]:
    assert set(ids) <= {golden.id for golden in goldens}
    return [golden for golden in goldens if golden.id not in ids]


@pytest.fixture(scope="module")
def backward() -> list[Golden]:
    return [CORPUS.load(e.id, "float64", gradients=True) for e in CORPUS.entries if e.gradient_precisions]


def featured(goldens: Sequence[Golden]) -> list[tuple[str, Sequence[str], dict[str, int]]]:
    return [(g.cell, g.features, sizes_of(g.network, g.x.shape)) for g in goldens if g.cell in LAYOUTS]


def sized(goldens: Sequence[Golden]) -> list[tuple[str, dict[str, int]]]:
    return [(g.cell, sizes_of(g.network, g.x.shape)) for g in goldens if g.cell in LAYOUTS]


# Sizes.


def test_the_corpus_has_every_size_of_every_dimension(goldens: list[Golden], backward: list[Golden]) -> None:
    assert list(dimensions.missing(sized(goldens))) == []
    require_covered_backward(backward)


def test_a_missing_or_wrongly_listed_size_is_reported(goldens: list[Golden], backward: list[Golden]) -> None:
    incomplete = without(goldens, "sizes-lstm/hidden-9-input-129-no-state")
    assert list(dimensions.missing(sized(incomplete))) == ["lstm, input: no golden has 129"]
    with pytest.raises(Refused, match=r"coverage gate, 2 gaps:\n.*\n  lstm, input: no golden has 129, from zero"):
        require_covered_backward(without(backward, "sizes-lstm/hidden-9-input-129-no-state"))
    deep = [*sized(goldens), ("gru", {"layers · directions": 34})]
    assert list(dimensions.missing(deep)) == ["gru, layers · directions: 33 is listed as a gap, but a golden has it"]


def test_a_golden_covers_sizes_less_than_a_quarter_below_its_own() -> None:
    assert "gru, input: no golden has 9" not in list(dimensions.missing([("gru", {"input": 11})]))
    assert "gru, input: no golden has 9" in list(dimensions.missing([("gru", {"input": 12})]))


def test_sizes_of_ragged_goldens_are_required(goldens: list[Golden]) -> None:
    assert list(dimensions.missing_with_features(featured(goldens))) == []
    incomplete = without(goldens, "sizes-gru/lengths-bidirectional-steps-129-no-state")
    assert list(dimensions.missing_with_features(featured(incomplete))) == ["gru, time: no golden with lengths has 129"]


def test_a_missing_combination_of_large_dimensions_is_reported(goldens: list[Golden]) -> None:
    assert list(dimensions.missing_at_once(featured(goldens), dimensions.AT_ONCE)) == []
    incomplete = without(goldens, "sizes-gru/nine-of-each-no-state")
    assert list(dimensions.missing_at_once(featured(incomplete), dimensions.AT_ONCE)) == [
        "gru: no golden with bias and without multilayer, bidirectional, lengths, unbatched, state has all of "
        "input 9, hidden 9, batch 9, time 9"
    ]


def test_a_size_counts_for_gradients_only_if_its_last_index_has_a_nonzero_gradient(backward: list[Golden]) -> None:
    golden = next(golden for golden in backward if golden.id == "sizes-gru/batch-17-no-state")
    assert golden.gradients is not None
    expected = dict(golden.gradients.expected)
    assert dimensions.sizes_back(golden.network, expected)["batch"] == 17
    expected["x"] = np.where(np.arange(17)[:, None, None] < 16, expected["x"], 0)
    assert "batch" not in dimensions.sizes_back(golden.network, expected)


# Options.


def test_every_pair_of_options_is_required(goldens: list[Golden]) -> None:
    assert list(missing_options((golden.cell, golden.features) for golden in goldens)) == []
    incomplete = without(goldens, "gru/no-bias-unbatched")
    assert list(missing_options((g.cell, g.features) for g in incomplete)) == [
        "gru: no golden has no bias and unbatched"
    ]


# Arguments and kinds of implementations.


@pytest.mark.slow
def test_goldens_without_a_state_are_needed_to_cover_implementations_of_one_layer(goldens: list[Golden]) -> None:
    incomplete = [golden for golden in goldens if not golden.id.endswith("no-state") or "unbatched" in golden.features]
    with pytest.raises(Refused, match="lstm, tanh of c, 4 to 5, float64: no error below inf roundoffs is detected"):
        require_covered(incomplete, [observe(golden) for golden in incomplete])


def test_a_kind_of_implementation_has_only_deviations_that_apply_to_it() -> None:
    applies = {deviation.name for deviation in DEVIATIONS if ONE_LAYER.applies(deviation)}
    assert {"lstm_cell_clipped_at_2", "units_beyond_8_not_computed"} <= applies
    assert not {"h0_ignored", "reverse_not_reversed", "layer_0_weights_reused"} & applies
    assert ONE_LAYER.can(["bias", "saturated"])
    assert not ONE_LAYER.can(["bias", "state"])
    assert not ONE_LAYER.can(["exact"])
    assert WHOLE.can(["state", "lengths"])
    assert OUT_ALONE.can(["bias"])
    applies = {deviation.name for deviation in DEVIATIONS if ONE_STEP.applies(deviation)}
    assert {"w_hh_transposed", "lstm_gates_iofg", "float32_tanh"} <= applies
    assert not {"x_reversed", "h_n_zero", "rows_reversed"} & applies


def test_a_deviation_that_only_goldens_with_an_initial_state_detect_is_reported(goldens: list[Golden]) -> None:
    incomplete = [golden for golden in goldens if golden.id in ("lstm/plain", "lstm/with-state")]
    clipped = tuple(replace(d, cells=("lstm",)) for d in DEVIATIONS if d.name == "lstm_cell_clipped_at_2")
    everywhere = dict.fromkeys(("float64", "float32", "bfloat16", "float16"), 9.0)
    nowhere = dict.fromkeys(everywhere, 0.0)
    margins = {"lstm/plain": {clipped[0].name: nowhere}, "lstm/with-state": {clipped[0].name: everywhere}}
    matrix = KillMatrix(margins, {golden.id: "lstm" for golden in incomplete}, deviations=clipped)
    with pytest.raises(
        Refused, match="lstm_cell_clipped_at_2, lstm, float32: no golden of 'one layer from zero' detects"
    ):
        require_shown(matrix, incomplete, [])
    require_shown(
        matrix,
        incomplete,
        [Undetected("lstm_cell_clipped_at_2", ("lstm",), tuple(everywhere), "a test", allowed=False)],
    )
    shown = replace(matrix, margins={**margins, "lstm/plain": {clipped[0].name: everywhere}})
    require_shown(shown, incomplete, [])
    with pytest.raises(Refused, match="listed as undetected, but a golden detects it"):
        require_shown(
            shown, incomplete, [Undetected("lstm_cell_clipped_at_2", ("lstm",), ("float32",), "a test", allowed=False)]
        )
