"""The text of deviations for the command explain."""

import pytest

from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.kill_matrix import detections
from rnn_goldens.deviations import Deviation, deviation
from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
from rnn_goldens.deviations.families import RECURRENCES, RECURRENCES_BACK
from rnn_goldens.explain.deviation_text import SCREEN, WIDTH, deviation_text
from rnn_goldens.explain.recurrence_text import recurrence_deviation_text


def text_of(name: str) -> str:
    return deviation_text(deviation(name), open_corpus(), detections(open_corpus())[name])


def test_detached_terms_are_written_in_the_equations() -> None:
    text = text_of("lstm_forget_path_dropped")
    assert "\n  - c' = f * c + i * g\n  + c' = detached(f) * c + i * g\n" in text
    assert "(detached(z) has the value of z and no gradient)" in text
    assert "the code" not in text


def test_a_gradient_that_differs_from_the_value_is_written_beside_it() -> None:
    text = text_of("lstm_output_gate_by_cell")
    assert "\n  + h' = instead(o * tanh(c'), detached(o) * tanh(c') + o * detached(c'))\n" in text
    assert "(instead(a, b) has the value of a and the gradient of b)" in text


def test_an_overridden_step_is_shown_beside_the_correct_one() -> None:
    text = text_of("tanh_slope_not_squared")
    assert "slope: Array = 1 - y * y" in text
    assert "wrong: rnn_goldens/deviations/backward/slopes.py\n    lambda _, y, _z: 1 - y" in text


def test_wrong_gradients_of_the_simplest_golden_are_listed() -> None:
    text = text_of("bias_hh_gradient_zero")
    assert "what to look for, on the simplest golden that detects it\n  " in text
    assert "bias_hh_l0 wrong" in text


@pytest.mark.slow
@pytest.mark.parametrize("wrong", BACKWARD_DEVIATIONS[::5], ids=lambda wrong: wrong.name)
def test_each_text_has_limited_size_and_shows_the_error(wrong: Deviation) -> None:
    lines = text_of(wrong.name).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert len(lines) <= SCREEN + 2
    assert any(line.startswith(("  + ", "wrong: ")) for line in lines)
    assert not any("no golden detects it" in line for line in lines)


CORPUS = open_corpus()
DETECTIONS = detections(CORPUS)
NAMED = {d.name: d for families in (RECURRENCES, RECURRENCES_BACK) for members in families.values() for d in members}


def test_a_deviation_is_shown_beside_the_right_code() -> None:
    text = recurrence_deviation_text(NAMED["decay_after_update"], CORPUS, DETECTIONS["decay_after_update"])
    assert text.startswith("decay_after_update: Applies the decay after the update instead of before.")
    assert "o is first wrong at time step 0" in " ".join(text.split())
    assert text.index("right: step of StepKernel") < text.index("wrong: step of StepKernel")


@pytest.mark.parametrize("name", list(NAMED)[::8])
def test_a_text_fits_a_screen(name: str) -> None:
    lines = recurrence_deviation_text(NAMED[name], CORPUS, DETECTIONS[name]).splitlines()
    assert len(lines) <= 50
    assert max(map(len, lines)) <= 80
