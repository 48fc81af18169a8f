"""Every deviation of the backward pass is wrong where it says it is, right elsewhere, and its outputs are right."""

import re
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from deviations.backward.asking_back import QUESTIONS_BACK, Gradients, QuestionBack

from rnn_goldens import UnknownName
from rnn_goldens.cells import Backward, Network
from rnn_goldens.deviations import DEVIATIONS, Deviation, deviation, together
from rnn_goldens.deviations.backward import (
    BACKWARD_DEVIATIONS,
    BACKWARD_FAMILIES,
)
from rnn_goldens.golden.features import FEATURES
from rnn_goldens.golden.shapes import CELLS

pytestmark = pytest.mark.sampled(every=12)

NAMES = Path(__file__).with_name("names.txt").read_text("utf-8").split()

each_deviation = pytest.mark.parametrize(
    "wrong",
    [pytest.param(wrong, id=wrong.name, marks=pytest.mark.xdist_group(wrong.name)) for wrong in BACKWARD_DEVIATIONS],
)


def same(a: Gradients, b: Gradients) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name], equal_nan=True) for name in a)


@cache
def gradients_of(wrong: Deviation, question: QuestionBack) -> Gradients:
    return wrong.gradients(question.asked.case, question.cotangents)


@cache
def changes(wrong: Deviation, question: QuestionBack) -> bool:
    found = gradients_of(wrong, question)
    return any(not np.allclose(found[n], right, rtol=1e-9, atol=1e-9) for n, right in question.answer.items())


def test_there_are_more_than_sixty_in_the_order_of_their_families() -> None:
    assert len(BACKWARD_DEVIATIONS) >= 60
    assert [d for family in BACKWARD_FAMILIES.values() for d in family] == list(BACKWARD_DEVIATIONS)


def test_names_are_unique_over_both_catalogues() -> None:
    names = Counter([*(d.name for d in DEVIATIONS), *(d.name for d in BACKWARD_DEVIATIONS)])
    assert [name for name, count in names.items() if count > 1] == []
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)] == []


def test_names_stay() -> None:
    """What a report of last year says is still to be found: names are added to the file, and never changed."""
    assert sorted(NAMES) == sorted(d.name for d in BACKWARD_DEVIATIONS)


@each_deviation
def test_each_says_what_it_is(wrong: Deviation) -> None:
    assert re.fullmatch(r"[A-Z].*\.", wrong.sentence)
    assert wrong.cells
    assert set(wrong.cells) <= set(CELLS)
    assert set(wrong.needs) <= set(FEATURES)
    assert wrong.wrong.acts_on
    assert deviation(wrong.name) is wrong


@each_deviation
def test_each_changes_something_in_every_cell_it_claims(wrong: Deviation) -> None:
    for cell in wrong.cells:
        assert any(changes_somehow(wrong, q) for q in QUESTIONS_BACK[cell] if q.asked.has(wrong.needs)), cell


def changes_somehow(wrong: Deviation, question: QuestionBack) -> bool:
    return not same(gradients_of(wrong, question), question.answer)


@each_deviation
def test_each_changes_nothing_where_a_feature_it_needs_is_absent(wrong: Deviation) -> None:
    without = [q for cell in wrong.cells for q in QUESTIONS_BACK[cell] if not q.asked.has(wrong.needs)]
    assert [f"{q.asked.name}, {q.asked.case.cell.name}" for q in without if changes(wrong, q)] == []


@each_deviation
def test_each_needs_no_more_than_it_says(wrong: Deviation) -> None:
    questions = [q for cell in wrong.cells for q in QUESTIONS_BACK[cell] if q.asked.has(wrong.needs)]
    for feature in {"bias", "state", "multilayer", "bidirectional", "lengths"} - set(wrong.needs):
        assert any(changes_somehow(wrong, q) for q in questions if feature not in q.asked.features), feature


@each_deviation
def test_its_outputs_are_the_right_ones(wrong: Deviation) -> None:
    for cell in wrong.cells:
        for question in QUESTIONS_BACK[cell][:2]:
            network: Network = wrong.wrong.network()
            for output, right in zip(network.run(question.asked.case), question.asked.answer, strict=True):
                np.testing.assert_allclose(output, right, rtol=1e-12, atol=1e-12)


@each_deviation
def test_each_gives_the_same_again_in_the_right_shapes_and_leaves_what_it_is_given_alone(
    wrong: Deviation,
) -> None:
    question = QUESTIONS_BACK[wrong.cells[-1]][0]
    case, found = question.asked.case, gradients_of(wrong, question)
    arrays = [case.x, *case.state, *case.weights.values(), *question.cotangents.values()]
    before = [array.copy() for array in arrays]
    assert same(found, wrong.gradients(case, question.cotangents))
    assert {name: array.shape for name, array in found.items()} == {n: a.shape for n, a in question.answer.items()}
    assert all(np.array_equal(a, b) for a, b in zip(before, arrays, strict=True))


@pytest.mark.parametrize("cell", CELLS)
def test_no_two_are_one_and_the_same(cell: str) -> None:
    alike = [[wrong for wrong in BACKWARD_DEVIATIONS if cell in wrong.cells]]
    for question in QUESTIONS_BACK[cell]:
        alike = [group for several in alike for group in told_apart(several, question)]
    assert [[wrong.name for wrong in group] for group in alike] == []


def told_apart(alike: list[Deviation], question: QuestionBack) -> list[list[Deviation]]:
    """Those that a question does not tell from another."""
    by_looks: dict[str, list[Deviation]] = {}
    for wrong in alike:
        looks = repr([np.round(array, 11).tobytes() for array in gradients_of(wrong, question).values()])
        by_looks.setdefault(looks, []).append(wrong)
    return [group for group in by_looks.values() if len(group) > 1]


def test_two_act_together() -> None:
    question = QUESTIONS_BACK["lstm"][0]
    both = together(["biases_doubled", "d_h_n_ignored"]).gradients(question.asked.case, question.cotangents)
    ignored = gradients_of(deviation("d_h_n_ignored"), question)
    assert np.array_equal(both["bias_hh_l1"], 2 * ignored["bias_hh_l1"])
    assert np.array_equal(both["weight_hh_l1"], ignored["weight_hh_l1"])


def test_two_that_can_not_be_at_once_are_refused() -> None:
    with pytest.raises(ValueError, match="both have equations of their own for lstm"):
        together(["lstm_forget_path_dropped", "lstm_cell_path_dropped"])


def test_a_deviation_of_outputs_and_one_of_gradients_can_not_be_at_once() -> None:
    with pytest.raises(ValueError, match="one of them is of outputs, and the other of gradients"):
        together(["lstm_gates_iofg", "lstm_cell_path_dropped"])


def test_an_unknown_name_is_an_error_that_names_a_near_one() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'biases_doubled'"):
        deviation("biases_double")


def test_a_leaky_relu_changes_nothing_where_no_argument_is_negative() -> None:
    question = QUESTIONS_BACK["rnn_relu"][0]
    case = question.asked.case
    positive = replace(
        case,
        x=np.abs(case.x),
        state=tuple(map(np.abs, case.state)),
        weights={name: np.abs(array) for name, array in case.weights.items()},
    )
    right = Backward().gradients(positive, question.cotangents)
    assert same(deviation("relu_slope_leaky").gradients(positive, question.cotangents), right)
