"""Goldens with several large dimensions detect bugs that occur only if two dimensions are large."""

from collections.abc import Iterator

import numpy as np
import pytest

from rnn_goldens.cells import Array, Case, Network, State, Weights, case_of
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations.deviation import in_network
from rnn_goldens.deviations.margins import ENOUGH, margins_by_output

CORPUS = open_corpus()
NINE = "nine-of-each"


class RowsAndUnits(Network):
    """A network in which units beyond 8 are zero in rows beyond 8."""

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        states = tuple(part.copy() for part in super().step(case, suffix, w, layer_input, t, state))
        for part in states:
            part[8:, 8:] = 0
        return states


class LostInUpperLayers(Network):
    """A network that resets the state of its upper layer to zero after 8 steps if there are no lengths."""

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        if suffix == "l1" and t == 8 and case.lengths is None:
            state = tuple(np.zeros_like(part) for part in state)
        return super().step(case, suffix, w, layer_input, t, state)


class LostInReverse(Network):
    """A network that resets the state of its reverse direction to zero after 8 steps if there are no lengths."""

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        if suffix.endswith("reverse") and t == case.x.shape[1] - 9 and case.lengths is None:
            state = tuple(np.zeros_like(part) for part in state)
        return super().step(case, suffix, w, layer_input, t, state)


class FewInputsWithoutBiases(Network):
    """A network that does not read inputs beyond 8 if it has no biases."""

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        if not case.config.bias:
            layer_input = np.where(np.arange(layer_input.shape[-1]) < 8, layer_input, 0)
        return super().step(case, suffix, w, layer_input, t, state)


def detected_by(wrong: type[Network], cell: str) -> Iterator[str]:
    """Yield the names of the goldens of a cell that detect a wrong network in float32."""
    for entry in CORPUS.entries:
        if entry.cell == cell and "float32" in entry.precisions:
            golden = CORPUS.load(entry.id, "float64")
            outputs = in_network(wrong)(case_of(golden, np.float64))
            if max(margins_by_output(golden, outputs, "float32")) >= ENOUGH:
                yield entry.id.rpartition("/")[2]


@pytest.mark.parametrize("cell", ["rnn_tanh", "rnn_relu", "gru", "lstm"])
@pytest.mark.parametrize(
    ("wrong", "golden"),
    [
        (RowsAndUnits, f"{NINE}-no-state"),
        (LostInUpperLayers, f"{NINE}-bidirectional-two-layers"),
        (LostInReverse, f"{NINE}-bidirectional-two-layers"),
        (FewInputsWithoutBiases, f"{NINE}-no-bias-lengths-bidirectional"),
    ],
)
def test_a_golden_with_two_large_dimensions_detects_the_bug(wrong: type[Network], golden: str, cell: str) -> None:
    assert golden in detected_by(wrong, cell)
