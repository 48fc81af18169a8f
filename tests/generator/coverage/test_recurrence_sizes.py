"""The coverage gate for sizes of recurrences: as stored, or embedded where the last place really counts."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from rnn_goldens import Golden
from rnn_goldens.corpus import open_corpus
from rnn_goldens.generator.coverage import recurrence_sizes
from rnn_goldens.generator.coverage.coverage_gate import require_recurrence_sizes
from rnn_goldens.generator.coverage.dimensions import SizeGap
from rnn_goldens.generator.coverage.recurrence_sizes import (
    GAPS,
    Having,
    Place,
    counts_backward,
    counts_forward,
    dimensions_of,
    having,
    sizes_by_dimension,
)
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.golden.recurrences import RECURRENCES

CORPUS = open_corpus()


@pytest.fixture(scope="module")
def goldens() -> list[Golden]:
    return [CORPUS.load(entry.id, "float64") for entry in CORPUS.select(cell=RECURRENCES)]


@pytest.fixture(scope="module")
def backward() -> list[Golden]:
    return [
        CORPUS.load(entry.id, "float64", gradients=True)
        for entry in CORPUS.select(cell=RECURRENCES)
        if entry.gradient_precisions
    ]


def loaded(golden_id: str) -> Golden:
    return CORPUS.load(golden_id, "float64", gradients=True)


def of_cell(cell: str) -> Iterator[Golden]:
    return (CORPUS.load(entry.id, "float64") for entry in CORPUS.select(cell=cell))


def test_the_corpus_has_every_size_of_every_recurrence(goldens: list[Golden], backward: list[Golden]) -> None:
    require_recurrence_sizes(goldens)
    require_recurrence_sizes(backward, backward=True)


def test_missing_steps_are_reported(goldens: list[Golden]) -> None:
    long = [g for g in goldens if not (g.cell == "rg_lru" and sizes_by_dimension(g)["time"] > 60)]
    with pytest.raises(Refused, match=r"coverage gate, 1 gap:\n  rg_lru, time: no golden has 65$"):
        require_recurrence_sizes(long)


def test_a_listed_gap_that_a_golden_has_is_reported(goldens: list[Golden], monkeypatch: pytest.MonkeyPatch) -> None:
    also = SizeGap("d_v", (33,), ("delta_rule",), "a test")
    monkeypatch.setattr(recurrence_sizes, "GAPS", (*GAPS, also))
    with pytest.raises(Refused, match="delta_rule, d_v: 33 is listed as a gap, but a golden has it"):
        require_recurrence_sizes(goldens)


def test_without_goldens_every_size_that_is_not_listed_is_missing() -> None:
    with pytest.raises(Refused, match="gated_delta, d_k: no golden has 65"):
        require_recurrence_sizes([])


def test_time_is_that_of_the_longest_packed_sequence() -> None:
    golden = next(g for g in of_cell("gated_delta") if g.offsets is not None)
    assert golden.offsets is not None
    found = sizes_by_dimension(golden)
    assert found["time"] == np.diff(golden.offsets).max() < golden.time
    assert found["sequences"] == len(golden.offsets) - 1
    assert "batch" not in found


def test_sizes_of_a_configuration_are_dimensions_but_the_past_of_a_convolution() -> None:
    assert dimensions_of("causal_conv") == ("channels", "width", "batch", "sequences", "time")
    assert dimensions_of("gated_delta")[-4:] == ("query heads of a head", "batch", "sequences", "time")


def test_a_golden_counts_as_stored_up_to_a_quarter_above_and_embedded_below() -> None:
    golden = loaded("rg-lru/several-steps")
    found = having([golden], counts_forward)
    steps = golden.time
    assert found[Place("rg_lru", "d", 129)] == Having(0, embedded=True)
    assert not any(found[Place("rg_lru", "time", size)].embedded for size in recurrence_sizes.SIZES)
    assert [size for size in recurrence_sizes.SIZES if any(found[Place("rg_lru", "time", size)])] == [
        size for size in recurrence_sizes.SIZES if size <= steps <= size * 1.25
    ]


def test_query_heads_grow_with_heads() -> None:
    golden = next(g for g in of_cell("gated_delta") if "grouped" not in g.features)
    found = having([golden], counts_forward)
    assert found[Place("gated_delta", "query_heads", 129)].embedded
    assert not found[Place("gated_delta", "query heads of a head", 129)].embedded


def test_a_size_counts_only_if_a_kernel_that_loses_the_last_place_fails() -> None:
    golden = loaded("gated-delta/several-steps")
    larger = [golden.embedded(d_k=size) for size in range(golden.config["d_k"] + 1, 40)]
    last_is_own = {bool(g.embedding and g.embedding.axes["d_k"].own[-1] == g.config["d_k"] - 1) for g in larger}
    assert last_is_own == {True, False}
    for g in larger:
        assert g.embedding is not None
        assert counts_forward(g, "d_k") == (g.embedding.axes["d_k"].own[-1] == g.config["d_k"] - 1)
    assert counts_forward(golden.embedded(d_v=64), "d_v")


def test_a_size_counts_backward_only_if_the_last_place_has_a_gradient() -> None:
    golden = loaded("gated-delta/several-steps")
    larger = golden.embedded(batch=64)
    assert larger.gradients is not None
    assert larger.embedding is not None
    own = larger.embedding.axes["batch"].own
    assert counts_backward(larger, "batch") == (63 in own)
    expected = {name: np.zeros_like(array) for name, array in larger.gradients.expected.items()}
    assert not counts_backward(replace(larger, gradients=replace(larger.gradients, expected=expected)), "time")
