"""The text of a backward deviation shows the changed equations or code, in at most SCREEN + 2 lines."""

import pytest

from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.kill_matrix import detections
from rnn_goldens.deviations import Deviation, deviation
from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
from rnn_goldens.explain.deviation_text import SCREEN, WIDTH, deviation_text


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
