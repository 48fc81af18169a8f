"""Every deviation of the backward pass has an effect on gradients where it applies, and none on outputs."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from deviations.backward.backward_cases import BACKWARD_EXAMPLES, BackwardExample, Gradients
from deviations.checks import assert_described, assert_well_named, equivalent
from factories.for_each import for_each

from rnn_goldens.cells import Network
from rnn_goldens.deviations import DEVIATIONS, Deviation, deviation, together
from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS, BACKWARD_FAMILIES
from rnn_goldens.golden.built_in_cells import CELLS, LAYOUTS
from rnn_goldens.golden.features import FEATURES

NAMES = Path(__file__).with_name("names.txt").read_text("utf-8").split()

pytestmark = pytest.mark.xdist_group("backward catalogue")  # its tests share what each deviation computes

each_deviation = for_each(BACKWARD_DEVIATIONS, lambda wrong: wrong.name, every=24)


def same(a: Gradients, b: Gradients) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name], equal_nan=True) for name in a)


@cache
def gradients_of(wrong: Deviation, example: BackwardExample) -> Gradients:
    return wrong.gradients(example.forward.case, example.cotangents)


@cache
def changes(wrong: Deviation, example: BackwardExample) -> bool:
    found = gradients_of(wrong, example)
    return any(not np.allclose(found[n], right, rtol=1e-9, atol=1e-9) for n, right in example.right_gradients.items())


def test_names_are_permanent_unique_over_both_catalogues_and_well_formed() -> None:
    """Old reports refer to the names, so names are added to names.txt and never changed."""
    assert sorted(NAMES) == sorted(d.name for d in BACKWARD_DEVIATIONS)
    assert_well_named(DEVIATIONS, BACKWARD_DEVIATIONS)
    assert len(BACKWARD_DEVIATIONS) >= 60
    assert [d for family in BACKWARD_FAMILIES.values() for d in family] == list(BACKWARD_DEVIATIONS)


@for_each(BACKWARD_DEVIATIONS, lambda wrong: wrong.name)
def test_each_deviation_is_described_completely(wrong: Deviation) -> None:
    assert_described(wrong, LAYOUTS, FEATURES)
    assert wrong.wrong.acts_on
    assert deviation(wrong.name) is wrong


@each_deviation
def test_each_deviation_has_an_effect_in_each_of_its_cells(wrong: Deviation) -> None:
    for cell in wrong.cells:
        assert any(
            changes_any_bit(wrong, example) for example in BACKWARD_EXAMPLES[cell] if example.forward.has(wrong.needs)
        ), cell


def changes_any_bit(wrong: Deviation, example: BackwardExample) -> bool:
    return not same(gradients_of(wrong, example), example.right_gradients)


@each_deviation
def test_each_deviation_has_no_effect_without_the_features_it_needs(wrong: Deviation) -> None:
    without = [
        example for cell in wrong.cells for example in BACKWARD_EXAMPLES[cell] if not example.forward.has(wrong.needs)
    ]
    assert [
        f"{example.forward.name}, {example.forward.case.cell.name}" for example in without if changes(wrong, example)
    ] == []


@each_deviation
def test_each_deviation_needs_every_feature_that_it_lists(wrong: Deviation) -> None:
    examples = [
        example for cell in wrong.cells for example in BACKWARD_EXAMPLES[cell] if example.forward.has(wrong.needs)
    ]
    for feature in {"bias", "state", "multilayer", "bidirectional", "lengths"} - set(wrong.needs):
        assert any(
            changes_any_bit(wrong, example) for example in examples if feature not in example.forward.features
        ), feature


@each_deviation
def test_each_deviation_leaves_the_outputs_right(wrong: Deviation) -> None:
    for cell in wrong.cells:
        for example in BACKWARD_EXAMPLES[cell][:2]:
            network: Network = wrong.alteration.network()
            for output, right in zip(network.run(example.forward.case), example.forward.right_outputs, strict=True):
                np.testing.assert_allclose(output, right, rtol=1e-12, atol=1e-12)


@each_deviation
def test_each_deviation_is_deterministic_keeps_shapes_and_does_not_modify_its_inputs(wrong: Deviation) -> None:
    example = BACKWARD_EXAMPLES[wrong.cells[-1]][0]
    case, found = example.forward.case, gradients_of(wrong, example)
    arrays = [case.x, *case.state, *case.weights.values(), *example.cotangents.values()]
    before = [array.copy() for array in arrays]
    assert same(found, wrong.gradients(case, example.cotangents))
    assert {name: array.shape for name, array in found.items()} == {
        n: a.shape for n, a in example.right_gradients.items()
    }
    assert all(np.array_equal(a, b) for a, b in zip(before, arrays, strict=True))


def rounded(wrong: Deviation, example: BackwardExample) -> str:
    return repr([np.round(array, 11).tobytes() for array in gradients_of(wrong, example).values()])


@for_each(CELLS, every=8)
def test_no_two_deviations_are_equivalent(cell: str) -> None:
    deviations = [wrong for wrong in BACKWARD_DEVIATIONS if cell in wrong.cells]
    assert equivalent(deviations, BACKWARD_EXAMPLES[cell], rounded) == []


def test_two_deviations_act_together() -> None:
    example = BACKWARD_EXAMPLES["lstm"][0]
    both = together(["biases_doubled", "d_h_n_ignored"]).gradients(example.forward.case, example.cotangents)
    ignored = gradients_of(deviation("d_h_n_ignored"), example)
    assert np.array_equal(both["bias_hh_l1"], 2 * ignored["bias_hh_l1"])
    assert np.array_equal(both["weight_hh_l1"], ignored["weight_hh_l1"])


def test_two_changes_of_the_same_equations_or_of_both_passes_cannot_be_combined() -> None:
    with pytest.raises(ValueError, match="both change the equations of lstm"):
        together(["lstm_forget_path_dropped", "lstm_cell_path_dropped"])
    with pytest.raises(ValueError, match="one changes outputs and the other gradients"):
        together(["lstm_gates_iofg", "lstm_cell_path_dropped"])
