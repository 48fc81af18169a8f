"""A deviation of the backward pass is shown where it goes back otherwise, within a screen."""

import pytest

from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.shown import shown
from rnn_goldens.deviations import Deviation, deviation
from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
from rnn_goldens.explaining.deviation_text import SCREEN, WIDTH, deviation_text


def text_of(name: str) -> str:
    return deviation_text(deviation(name), open_corpus(), shown(open_corpus())[name])


def test_what_is_detached_is_written_in_the_equations() -> None:
    text = text_of("lstm_forget_path_dropped")
    assert "\n  - c' = f * c + i * g\n  + c' = detached(f) * c + i * g\n" in text
    assert "(detached(z) has the value of z, and nothing goes back through it)" in text
    assert "the code of it" not in text


def test_another_way_back_than_the_value_s_is_written_beside_it() -> None:
    text = text_of("lstm_output_gate_by_cell")
    assert "\n  + h' = instead(o * tanh(c'), detached(o) * tanh(c') + o * detached(c'))\n" in text
    assert "(instead(a, b) has the value of a, and the way back of b)" in text


def test_a_step_that_is_overridden_stands_beside_the_right_one() -> None:
    text = text_of("tanh_slope_not_squared")
    assert "slope: Array = 1 - y * y" in text
    assert "wrong: rnn_goldens/deviations/backward/slopes.py\n    lambda _, y, _z: 1 - y" in text


def test_which_gradients_are_wrong_of_the_simplest_golden_is_said() -> None:
    text = text_of("bias_hh_gradient_zero")
    assert "what to look for, on the simplest golden that shows it\n  " in text
    assert "bias_hh_l0 wrong" in text


@pytest.mark.slow
@pytest.mark.parametrize("wrong", BACKWARD_DEVIATIONS[::5], ids=lambda wrong: wrong.name)
def test_each_fits_on_a_screen_and_shows_what_is_wrong(wrong: Deviation) -> None:
    lines = text_of(wrong.name).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert len(lines) <= SCREEN + 2
    assert any(line.startswith(("  + ", "wrong: ")) for line in lines)
    assert not any("no golden shows it" in line for line in lines)
