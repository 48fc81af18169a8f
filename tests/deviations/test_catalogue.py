"""Every deviation has an effect where it applies and none elsewhere, and does not modify its inputs."""

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache

import numpy as np
import pytest
from deviations.checks import DEFECT, assert_described, assert_well_named, equivalent
from deviations.example_cases import EXAMPLES, Example, Outputs
from factories.for_each import for_each

from rnn_goldens import UnknownName
from rnn_goldens.corpus import Entry, open_corpus
from rnn_goldens.deviations import DEVIATIONS, FAMILIES, Deviation, deviation
from rnn_goldens.diagnosis.candidates import Candidates
from rnn_goldens.golden.built_in_cells import CELLS, LAYOUTS
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.golden.features import FEATURES

pytestmark = pytest.mark.xdist_group("catalogue")  # its tests share what each deviation computes

each_deviation = for_each(DEVIATIONS, lambda wrong: wrong.name, every=24)


def same(a: Outputs, b: Outputs) -> bool:
    return len(a) == len(b) and all(np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b, strict=True))


def examples_for(wrong: Deviation) -> list[Example]:
    return [example for cell in wrong.cells for example in EXAMPLES[cell]]


@cache
def outputs_of(wrong: Deviation, example: Example) -> Outputs:
    return wrong.alteration(example.case)


@cache
def changes(wrong: Deviation, example: Example) -> bool:
    return not same(outputs_of(wrong, example), example.right_outputs)


def test_there_are_at_least_100_deviations_in_the_order_of_their_families() -> None:
    assert len(DEVIATIONS) >= 100
    assert [d for family in FAMILIES.values() for d in family] == list(DEVIATIONS)


def test_names_are_well_formed_and_every_wrong_gate_order_has_one() -> None:
    assert_well_named(DEVIATIONS)
    names = [d.name for d in DEVIATIONS]
    assert sum(name.startswith("lstm_gates_") and len(name) == len("lstm_gates_ifgo") for name in names) == 23
    assert sum(name.startswith("gru_gates_") for name in names) == 5


@for_each(DEVIATIONS, lambda wrong: wrong.name)
def test_each_deviation_is_described_completely(wrong: Deviation) -> None:
    assert_described(wrong, LAYOUTS, FEATURES)
    assert wrong.wrong.acts_on
    assert deviation(wrong.name) is wrong


@each_deviation
def test_each_deviation_has_an_effect_in_each_of_its_cells(wrong: Deviation) -> None:
    for cell in wrong.cells:
        assert any(changes(wrong, example) for example in EXAMPLES[cell] if example.has(wrong.needs)), cell


def changed_without_needed_feature(wrong: Deviation, examples: Iterable[Example]) -> list[str]:
    """Describe the examples that lack a needed feature but whose outputs a deviation changes."""
    without = [example for example in examples if not example.has(wrong.needs)]
    return [f"{wrong.name}: {example.name}, {example.case.cell}" for example in without if changes(wrong, example)]


@each_deviation
def test_each_deviation_has_no_effect_without_the_features_it_needs(wrong: Deviation) -> None:
    assert changed_without_needed_feature(wrong, examples_for(wrong)[::5]) == []


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
def test_no_deviation_has_an_effect_without_the_features_it_needs(cell: str) -> None:
    of_cell = [wrong for wrong in DEVIATIONS if cell in wrong.cells]
    assert [found for wrong in of_cell for found in changed_without_needed_feature(wrong, EXAMPLES[cell])] == []


@each_deviation
def test_each_deviation_needs_every_feature_that_it_lists(wrong: Deviation) -> None:
    for feature in {"bias", "state", "multilayer", "bidirectional", "lengths"} - set(wrong.needs):
        without = [
            example for example in examples_for(wrong) if feature not in example.features and example.has(wrong.needs)
        ]
        assert any(changes(wrong, example) for example in without), feature


@each_deviation
def test_each_deviation_is_deterministic_and_does_not_modify_the_case(wrong: Deviation) -> None:
    for example in (EXAMPLES[wrong.cells[0]][0], EXAMPLES[wrong.cells[-1]][-1]):
        assert {output.dtype.name for output in outputs_of(wrong, example)} == {"float64"}
        case = example.case
        arrays = (case.x, *case.state, *case.weights.values())
        before = tuple(array.copy() for array in arrays)
        assert same(wrong.alteration(case), outputs_of(wrong, example))
        assert same(before, arrays)


def rounded(wrong: Deviation, example: Example) -> str:
    return repr([(o.shape, np.round(o, 12).tobytes()) for o in outputs_of(wrong, example)])


@for_each(list(LAYOUTS), every=40)
def test_no_two_deviations_are_equivalent(cell: str) -> None:
    examples = [example for example in EXAMPLES[cell] if example.name != "overflowing"]
    assert equivalent([wrong for wrong in DEVIATIONS if cell in wrong.cells], examples, rounded) == []


def test_real_defects_are_well_formed_and_listed_once() -> None:
    defects = Counter(defect for d in DEVIATIONS for defect in d.stands_for)
    assert [defect for defect in defects if not re.fullmatch(DEFECT, defect)] == []
    assert [defect for defect, count in defects.items() if count > 1] == ["burn#2701"], "one issue with two bugs"


def test_the_error_for_an_unknown_name_suggests_a_similar_one() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'w_hh_transposed'"):
        deviation("w_hh_transpose")


CORPUS = open_corpus()


def size(entry: Entry) -> int:
    return (CORPUS.folder / entry.files["json"].path).stat().st_size


WITH_GRADIENTS = sorted((entry for entry in CORPUS.entries if entry.gradient_precisions), key=size, reverse=True)
SMALLEST = {entry.cell: entry.id for entry in WITH_GRADIENTS}
"""The golden with gradients that has the smallest file, for each cell."""


@for_each(list(SMALLEST.values()), every=24)
def test_each_deviation_runs_on_a_golden_of_a_cell_that_it_applies_to(golden_id: str) -> None:
    golden = CORPUS.load(golden_id, gradients=True)
    for of in (OUTPUTS, GRADIENTS):
        candidates = Candidates(golden, {}, of)
        for wrong in candidates.catalogue():
            if wrong.applies_to(golden.cell):
                candidates.run((wrong.name,), np.float64)
