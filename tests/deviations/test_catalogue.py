"""Every deviation is wrong where it says it is, right elsewhere, and leaves what it is given alone."""

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache

import numpy as np
import pytest
from deviations.asking import QUESTIONS, Outputs, Question

from rnn_goldens import UnknownName
from rnn_goldens.deviations import DEVIATIONS, FAMILIES, Deviation, deviation
from rnn_goldens.golden.features import FEATURES
from rnn_goldens.golden.shapes import CELLS

pytestmark = pytest.mark.sampled(every=12)

each_deviation = pytest.mark.parametrize(
    "wrong",
    # One process asks a deviation everything, so that it is run once on each question.
    [pytest.param(wrong, id=wrong.name, marks=pytest.mark.xdist_group(wrong.name)) for wrong in DEVIATIONS],
)


def same(a: Outputs, b: Outputs) -> bool:
    return len(a) == len(b) and all(np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b, strict=True))


def questions_for(wrong: Deviation) -> list[Question]:
    return [question for cell in wrong.cells for question in QUESTIONS[cell]]


@cache
def outputs_of(wrong: Deviation, question: Question) -> Outputs:
    return wrong.run(question.case)


@cache
def changes(wrong: Deviation, question: Question) -> bool:
    return not same(outputs_of(wrong, question), question.answer)


def test_there_are_at_least_a_hundred_in_the_order_of_their_families() -> None:
    assert len(DEVIATIONS) >= 100
    assert [d for family in FAMILIES.values() for d in family] == list(DEVIATIONS)


def test_names_are_unique_and_made_to_last() -> None:
    names = Counter(d.name for d in DEVIATIONS)
    assert [name for name, count in names.items() if count > 1] == []
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)] == []


@each_deviation
def test_each_says_what_it_is(wrong: Deviation) -> None:
    assert re.fullmatch(r"[A-Z].*\.", wrong.sentence)
    assert wrong.cells
    assert set(wrong.cells) <= set(CELLS)
    assert set(wrong.needs) <= set(FEATURES)
    assert deviation(wrong.name) is wrong


@each_deviation
def test_each_changes_something_in_every_cell_it_claims(wrong: Deviation) -> None:
    for cell in wrong.cells:
        assert any(changes(wrong, q) for q in QUESTIONS[cell] if q.has(wrong.needs)), cell


def changed_without_what_it_needs(wrong: Deviation, questions: Iterable[Question]) -> list[str]:
    """Questions that lack a feature it needs, and that it answers wrongly all the same."""
    without = [question for question in questions if not question.has(wrong.needs)]
    return [f"{wrong.name}: {question.name}, {question.case.cell}" for question in without if changes(wrong, question)]


@each_deviation
def test_each_changes_nothing_where_a_feature_it_needs_is_absent(wrong: Deviation) -> None:
    assert changed_without_what_it_needs(wrong, questions_for(wrong)[::5]) == []


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
def test_none_changes_anything_where_a_feature_it_needs_is_absent(cell: str) -> None:
    of_cell = [wrong for wrong in DEVIATIONS if cell in wrong.cells]
    assert [found for wrong in of_cell for found in changed_without_what_it_needs(wrong, QUESTIONS[cell])] == []


@each_deviation
def test_each_needs_no_more_than_it_says(wrong: Deviation) -> None:
    for feature in {"bias", "state", "multilayer", "bidirectional", "lengths"} - set(wrong.needs):
        without = [q for q in questions_for(wrong) if feature not in q.features and q.has(wrong.needs)]
        assert any(changes(wrong, q) for q in without), feature


@each_deviation
def test_each_gives_the_same_float64_again_and_leaves_the_case_alone(wrong: Deviation) -> None:
    for question in (QUESTIONS[wrong.cells[0]][0], QUESTIONS[wrong.cells[-1]][-1]):
        assert {output.dtype.name for output in outputs_of(wrong, question)} == {"float64"}
        case = question.case
        arrays = (case.x, *case.state, *case.weights.values())
        before = tuple(array.copy() for array in arrays)
        assert same(wrong.run(case), outputs_of(wrong, question))
        assert same(before, arrays)


@pytest.mark.parametrize("cell", CELLS)
def test_no_two_are_one_and_the_same(cell: str) -> None:
    alike = [[wrong for wrong in DEVIATIONS if cell in wrong.cells]]
    for question in QUESTIONS[cell]:
        if question.name != "overflowing":
            alike = [group for together in alike for group in told_apart(together, question)]
    assert [[wrong.name for wrong in group] for group in alike] == []


def told_apart(together: list[Deviation], question: Question) -> list[list[Deviation]]:
    """Those that a question does not tell from another."""
    by_looks: dict[str, list[Deviation]] = {}
    for wrong in together:
        looks = repr([(o.shape, np.round(o, 12).tobytes()) for o in outputs_of(wrong, question)])
        by_looks.setdefault(looks, []).append(wrong)
    return [group for group in by_looks.values() if len(group) > 1]


def test_each_stands_for_defects_in_the_wild() -> None:
    defects = Counter(defect for d in DEVIATIONS for defect in d.stands_for)
    assert [defect for defect in defects if not re.fullmatch(r"[\w.-]+(#| PR)\d+", defect)] == []
    assert [defect for defect, count in defects.items() if count > 1] == ["burn#2701"], "one defect that is two"


def test_an_unknown_name_is_an_error_that_names_a_near_one() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'w_hh_transposed'"):
        deviation("w_hh_transpose")
