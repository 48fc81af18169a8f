"""The coverage gate asks for pairs of sizes, for many rows and inputs, and for steps of several chunks."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from rnn_goldens import Golden
from rnn_goldens.corpus import open_corpus
from rnn_goldens.generator.coverage.coverage_gate import require_pairs
from rnn_goldens.generator.coverage.size_pairs import Pair, missing, missing_backward, sizes_of
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.golden.built_in_cells import CELLS

CORPUS = open_corpus()


@pytest.fixture(scope="module")
def goldens() -> list[Golden]:
    return [CORPUS.load(golden_id, "float64") for golden_id in CORPUS.ids]


@pytest.fixture(scope="module")
def backward() -> list[Golden]:
    return [CORPUS.load(e.id, "float64", gradients=True) for e in CORPUS.entries if e.gradient_precisions]


def without(goldens: Sequence[Golden], *names: str) -> list[Golden]:
    left = [golden for golden in goldens if golden.id.rpartition("/")[2] not in names]
    assert len(left) < len(goldens)
    return left


def test_the_corpus_has_every_pair(goldens: list[Golden], backward: list[Golden]) -> None:
    require_pairs(goldens)
    assert list(missing_backward(backward)) == []


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("hidden-17-batch-17-no-state", ["17 units and 17 rows"]),
        ("hidden-33-batch-33-no-state", ["33 units and 33 rows"]),
        ("hidden-65-batch-65-no-bias-one-step", ["65 units and 65 rows", "65 rows without biases"]),
        ("batch-257-no-state", ["257 rows"]),
        ("input-384-no-state", ["258 inputs", "128 inputs or a larger multiple of 64"]),
        ("three-layers-hidden-33-input-33-steps-33-no-state", ["33 units and 33 steps", "33 units and 3 layers"]),
    ],
)
def test_a_missing_golden_of_large_sizes_is_reported(goldens: list[Golden], name: str, lines: list[str]) -> None:
    found = list(missing(without(goldens, name)))
    for cell in CELLS:
        assert {f"{cell}: no golden has {line}" for line in lines} <= set(found)


def test_pairs_of_dialects_are_required(goldens: list[Golden]) -> None:
    incomplete = [golden for golden in goldens if golden.id != "lstm-peephole/hidden-17-batch-17-no-state"]
    assert list(missing(incomplete)) == [
        "lstm_peephole: no golden has 17 units and 5 steps",
        "lstm_peephole: no golden has 17 units and 17 rows",
    ]


def test_steps_of_several_chunks_are_required_of_recurrences(goldens: list[Golden]) -> None:
    found = list(missing(without(goldens, "150-steps", "small-updates", "packed-chunks")))
    assert "delta_rule: no golden has more than 128 steps, which are three chunks of 64" in found
    assert "slstm: no golden has two packed sequences of more than 32 steps" in found
    assert not any(line.startswith("slstm: no golden has more than 128") for line in found)


def test_a_golden_that_float32_does_not_check_has_no_pair(goldens: list[Golden]) -> None:
    name = "gru/hidden-17-batch-17-no-state"
    in_float64 = [replace(g, precisions=("float64",)) if g.id == name else g for g in goldens]
    assert "gru: no golden has 17 units and 17 rows" in list(missing(in_float64))


def test_larger_sizes_of_another_kernel_do_not_count_but_more_steps_do(goldens: list[Golden]) -> None:
    (golden,) = (g for g in goldens if g.id == "sizes-gru/no-bias-three-layers-hidden-65-input-65-steps-33-no-state")
    sizes = sizes_of(golden)
    assert Pair(("units", "steps"), (65, 5)).is_in(sizes)
    assert not Pair(("units", "steps"), (33, 5)).is_in(sizes)


def test_gradients_of_short_rows_are_required(backward: list[Golden]) -> None:
    lines = list(missing_backward(without(backward, "lengths-hidden-9-batch-17-no-state")))
    assert [line.partition(":")[0] for line in lines] == list(CELLS)
    assert lines[0].endswith("with lengths has gradients of 9 units in 17 rows, of which a last one is short")


def test_the_gate_refuses_a_corpus_without_pairs(goldens: list[Golden]) -> None:
    with pytest.raises(Refused, match=r"does not pass the coverage gate, .* gaps:\n  rnn_tanh: no golden has 257 rows"):
        require_pairs(without(goldens, "batch-257-no-state"))
