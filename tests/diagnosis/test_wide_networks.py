"""Networks that are wrong only with two large sizes, or with more rows or inputs than others, fail and say where."""

from functools import cache

import numpy as np
import pytest
from diagnosis.test_conditions import end_of_run, of_outputs, right
from factories.for_each import for_each

from rnn_goldens import Golden
from rnn_goldens.cells import Array, Case, Network, State, Weights, case_of
from rnn_goldens.comparison.verdict import compare
from rnn_goldens.corpus import open_corpus
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.implementations.numpy_cells import arithmetic

CORPUS = open_corpus()


class StaleFromStep3(Network):
    """A network of ten or more units that reads the state of step 3 in all later steps."""

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        if state[0].shape[-1] >= 10 and t == 3:
            self.kept = state
        if state[0].shape[-1] >= 10 and t > 3:
            state = self.kept
        return super().step(case, suffix, w, layer_input, t, state)


class ThirdLayerBlind(Network):
    """A network whose third layer reads zeros if it has more than eight units."""

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        blind = suffix == "l2" and state[0].shape[-1] > 8
        return super().step(case, suffix, w, layer_input * 0 if blind else layer_input, t, state)


class LastBlockNotRead(Network):
    """A network that does not read the last 64 inputs if they are two or more whole blocks of 64."""

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        inputs = layer_input.shape[-1]
        read = inputs - 64 if inputs >= 128 and inputs % 64 == 0 else inputs
        return super().step(case, suffix, w, np.where(np.arange(inputs) < read, layer_input, 0), t, state)


def run(network: Network, golden: Golden) -> list[Array]:
    return list(network.run(case_of(golden, arithmetic(golden.dtype))))


def rows_left_zero(golden: Golden, first: int, units: int = 1) -> list[Array]:
    out, *last = right(golden)
    if golden.x.ndim == 3 and golden.network.hidden_size >= units:
        out[first:] = 0
        for part in last:
            part[:, first:] = 0
    return [out, *last]


NETWORKS = {
    "stale": lambda golden: run(StaleFromStep3(), golden),
    "third layer": lambda golden: run(ThirdLayerBlind(), golden),
    "rows beyond 256": lambda golden: rows_left_zero(golden, 256),
    "rows beyond 8 of ten units": lambda golden: rows_left_zero(golden, 8, units=10),
    "last block": lambda golden: run(LastBlockNotRead(), golden),
}

FAILED = {
    "stale": ("hidden-17-batch-17-no-state", "steps-33-no-state"),
    "third layer": ("steps-33-no-state",),
    "rows beyond 256": ("batch-257-no-state",),
    "rows beyond 8 of ten units": ("hidden-17-batch-17-no-state", "hidden-33-batch-33-no-state", "no-bias-one-step"),
    "last block": ("input-384-no-state",),
}
"""Ends of the names of the goldens that detect each network in every cell; but for a relu RNN, no others do."""


def ids(cell: str) -> list[str]:
    return [entry.id for entry in CORPUS.select(cell=[cell]) if "float32" in entry.precisions]


@cache
def goldens(cell: str) -> list[Golden]:
    return [CORPUS.load(golden_id, "float32") for golden_id in ids(cell)]


def failed(cell: str, network: str) -> list[str]:
    return [golden.id for golden in goldens(cell) if not compare(golden, *NETWORKS[network](golden)).passed]


@for_each([(network, cell) for network in NETWORKS for cell in CELLS], every=3)
def test_a_network_that_is_wrong_only_with_large_sizes_fails_in_every_cell(network: str, cell: str) -> None:
    found = failed(cell, network)
    for end in FAILED[network]:
        assert any(golden_id.endswith(end) for golden_id in found), end
    assert cell == "rnn_relu" or all(golden_id.endswith(FAILED[network]) for golden_id in found)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        pytest.param("stale", "outputs are right before time step 4 and wrong from there on", marks=pytest.mark.slow),
        pytest.param("third layer", "the first layer's last states are right: look at the", marks=pytest.mark.slow),
        ("rows beyond 256", "One known deviation matches it, and no other does: rows_beyond_256_not_computed"),
        ("last block", "only goldens of more than 257 inputs fail"),
    ],
)
def test_the_end_of_the_run_says_where(network: str, message: str) -> None:
    assert message in end_of_run(ids("gru"), of_outputs(NETWORKS[network]))


def test_a_product_of_the_first_256_inputs_is_named() -> None:
    class First256(Network):
        def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
            read = np.arange(layer_input.shape[-1]) < 256
            return super().step(case, suffix, w, np.where(read, layer_input, 0), t, state)

    text = end_of_run(ids("lstm"), of_outputs(lambda golden: run(First256(), golden)))
    assert "input_product_beyond_256_dropped: Sums only the first 256 terms of products with the input." in text


def test_rows_that_only_wide_networks_lose_are_named_on_each_golden() -> None:
    golden = CORPUS.load("lstm/hidden-17-batch-17-no-state", "float32")
    assert "rows_beyond_8_not_computed" in golden.compare(*NETWORKS["rows beyond 8 of ten units"](golden)).explained_by
