"""Texts and pictures of ``explain``, derived from the behaviour of a deviation."""

import re
from dataclasses import replace

import numpy as np
import pytest

from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.kill_matrix import detections
from rnn_goldens.deviations import DEVIATIONS, Deviation, deviation
from rnn_goldens.deviations.alteration import in_case, in_weights
from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
from rnn_goldens.deviations.families import RECURRENCES, RECURRENCES_BACK
from rnn_goldens.deviations.weights import GATE_ORDER
from rnn_goldens.explain.deviation_text import SCREEN, WIDTH, deviation_text
from rnn_goldens.explain.difference_text import picture


def shown_of(name: str) -> str:
    return "\n".join(picture(deviation(name)))


H = "h' = tanh(W_ih @ x + b_ih + W_hh @ h + b_hh)"
N, F = "n = tanh(W_in @ x + b_in", "f = sigmoid(W_if @ x + b_if"


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("lstm_output_without_tanh", "h' = o * tanh(c')", "h' = o * c'"),
        ("b_ih_missing", H, "h' = tanh(W_ih @ x + W_hh @ h + b_hh)"),
        ("w_hh_transposed", H, "h' = tanh(W_ih @ x + b_ih + W_hh^T @ h + b_hh)"),
        ("b_hh_negated", H, "h' = tanh(W_ih @ x + b_ih + W_hh @ h - b_hh)"),
        ("gru_b_hn_outside_reset", f"{N} + r * (W_hn @ h + b_hn))", f"{N} + b_hn + r * (W_hn @ h))"),
        ("lstm_forget_bias_plus_1", f"{F} + W_hf @ h + b_hf)", f"{F} + 1 + W_hf @ h + b_hf)"),
        ("x_reversed", "h1 = step(x1, h0)", "h1 = step(x3, h0)"),
        ("state_never_fed_forward", "h3 = step(x3, h2)", "h3 = step(x3, h0)"),
        ("last_step_skipped", "out = h1 h2 h3", "out = h1 h2 0"),
        ("b_hh_missing_on_first_step", "h1 = step(x1, h0)", "h1 = step(x1, h0) with b_hh = 0"),
        ("h0_of_wrong_layer", "k1 = step(h1, k0)", "k1 = step(h1, h0)"),
        ("h0_c0_swapped", "h1, c1 = step(x1, h0, c0)", "h1, c1 = step(x1, c0, h0)"),
        ("reverse_not_flipped_back", "out = h1 r1 | h2 r2", "out = h1 r2 | h2 r1"),
        ("lengths_ignored", "out = h1a h2a 0 | h1b h2b h3b", "out = h1a h2a h3a | h1b h2b h3b"),
        ("h_n_batch_first", "h_n = h2 k2", "h_n = h2 k2   of shape (1, 2, 1)"),
        ("leaky_integration", "h2 = step(x2, h1)", "h2 = step(x2, 0.5 * h0 + 0.5 * h1)"),
        ("upper_w_hh_transposed", H, "h' = tanh(W_ih @ x + b_ih + W_hh^T @ h + b_hh)"),
        ("lstm_projection_rows_reversed", "h' = W_hr @ (o * tanh(c'))", "h' = W_hr[::-1] @ (o * tanh(c'))"),
        ("c_n_after_tanh", "c_n = c3", "c_n = tanh(c3)"),
        ("product_tail_of_4_dropped", "5", "4"),
        ("matrices_cast_to_float16", "0.7809370095", "0.7807617188"),
    ],
)
def test_correct_and_wrong_lines_are_paired(name: str, right: str, wrong: str) -> None:
    text = shown_of(name)
    assert f"  - {right}\n" in text or f"    {right}\n" in text
    assert f"  + {wrong}" in text


@pytest.mark.parametrize("kind", ["gates", "bias_gates"])
def test_a_gate_order_is_derived_from_the_rows(kind: str) -> None:
    for cell, right in GATE_ORDER.items():
        for wrong in (d for d in DEVIATIONS if re.fullmatch(rf"{cell}_{kind}_[a-z]{{3,4}}", d.name)):
            order = wrong.name.rpartition("_")[2]
            assert f"  - {' '.join(right)}\n  + {' '.join(order)}" in "\n".join(picture(wrong))


def test_an_activation_is_shown_as_a_table_and_rounding_by_numbers() -> None:
    right, wrong = shown_of("relu_clipped").splitlines()[2:]
    assert right.split()[2:] == ["8", "10", "16", "50"]
    assert wrong.split()[1:] == ["6", "6", "6", "6"]

    def rounded(array: np.ndarray) -> np.ndarray:
        return np.round(array, 2)

    mine = Deviation("mine", "Rounds x.", in_case(lambda case: replace(case, x=rounded(case.x))))
    assert picture(mine)[1:] == ["  - -0.8308205705", "  + -0.83"]


def test_a_deviation_that_cannot_run_has_no_picture() -> None:
    def unable(*_: object) -> np.ndarray:
        raise ValueError("no such network")

    mine = Deviation("mine", "Does nothing known.", in_weights(unable))
    assert picture(mine) == []
    text = deviation_text(mine, open_corpus(), None)
    assert "the code\nright: Network.weights, rnn_goldens/cells/network.py\n" in text
    assert "Return a change of the weights: change(array, case) returns the new" in text


def test_the_fix_is_printed() -> None:
    corpus = open_corpus()
    text = deviation_text(deviation("gru_reset_before_product"), corpus, None)
    assert "to fix       a network with the reset gate before the product is a dialect" in text


def test_a_gates_sum_has_its_own_line_if_lines_are_too_long() -> None:
    text = shown_of("lstm_gates_normalized")
    assert "    z_g = W_ig @ x + b_ig + W_hg @ h + b_hg\n" in text
    assert "  - g = tanh(z_g)\n  + g = tanh((z_g - mean(z_g)) * rsqrt(mean((z_g - mean(z_g)) * (z_g" in text


def test_products_are_shown() -> None:
    title = "a product at time step 2: right (-) and wrong (+)"
    assert shown_of("gates_not_cleared") == f"{title}\n  - W @ v_2\n  + W @ v_2 + W @ v_1"
    text = shown_of("float16_arithmetic")
    assert "tanh(z), right" in text
    assert "a dot product of the number 0.3333333333 with ones\n  - 0.3333333333\n  + 0.3332519531" in text


def text_of(name: str) -> str:
    return deviation_text(deviation(name), open_corpus(), detections(open_corpus())[name])


def test_detached_terms_and_other_gradients_are_written_in_the_equations() -> None:
    text = text_of("lstm_forget_path_dropped")
    assert "\n  - c' = f * c + i * g\n  + c' = detached(f) * c + i * g\n" in text
    assert "(detached(z) has the value of z and no gradient)" in text
    assert "the code" not in text
    text = text_of("lstm_output_gate_by_cell")
    assert "\n  + h' = instead(o * tanh(c'), detached(o) * tanh(c') + o * detached(c'))\n" in text
    assert "(instead(a, b) has the value of a and the gradient of b)" in text


def test_an_overridden_step_and_wrong_gradients_are_shown() -> None:
    text = text_of("tanh_slope_not_squared")
    assert "slope: Array = 1 - y * y" in text
    assert "wrong: rnn_goldens/deviations/backward/paths.py\n    lambda _, y, _z: 1 - y" in text
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
    text = deviation_text(NAMED["decay_after_update"], CORPUS, DETECTIONS["decay_after_update"])
    assert text.startswith("decay_after_update: Applies the decay after the update instead of before.")
    assert "o is first wrong at time step 0" in " ".join(text.split())
    right = "right: linear_attention, rnn_goldens/cells/recurrence_equations.py\n    def linear_attention("
    wrong = "wrong: _after_update, rnn_goldens/deviations/recurrences/attention.py\n    def _after_update("
    assert text.index(right) < text.index(wrong)


def test_the_code_of_an_edit_of_arrays_or_primitives_is_shown() -> None:
    beta, state = (
        deviation_text(NAMED[name], CORPUS, DETECTIONS[name])
        for name in ("beta_of_first_head", "state_kept_in_float16")
    )
    assert ".py\n    def _first_head(gate" in beta
    assert state.index("right: MatrixArithmetic.stored, ") < state.index("wrong: _StatesRounded.stored, ")


def test_wrong_equations_of_a_recurrence_are_shown_below_the_right_ones_in_parts() -> None:
    text = deviation_text(NAMED["d_beta_by_v_alone"], CORPUS, DETECTIONS["d_beta_by_v_alone"])
    assert 'x.part("written", x.beta * (x.v - x.removed))' in text
    titles = ("\nright: attention, ", "\nwrong: the derivative of written,", "    lambda x: x.v")
    positions = [text.index(title) for title in titles]
    assert positions == sorted(positions)


def test_the_values_of_a_change_of_a_recurrence_are_shown() -> None:
    name = "recurrence_backward_truncated_every_32"
    text = deviation_text(NAMED[name], CORPUS, DETECTIONS[name])
    assert "    lambda _, d_before, d_after, t: " in text
    assert "\n  where steps = 32" in text


def test_changed_weights_of_some_layers_name_the_layer() -> None:
    assert shown_of("upper_w_hh_transposed").startswith("rnn_tanh, layer 1: the right equations (-)")
    assert shown_of("reverse_lstm_gates_iofg").startswith("lstm, reverse direction: the right equations (-)")


@pytest.mark.parametrize("name", list(NAMED)[::8])
def test_a_text_fits_a_screen(name: str) -> None:
    lines = deviation_text(NAMED[name], CORPUS, DETECTIONS[name]).splitlines()
    assert len(lines) <= SCREEN
    assert max(map(len, lines)) <= WIDTH
    assert any(line.startswith("wrong: ") for line in lines)


def test_a_text_says_which_other_outputs_are_right() -> None:
    name = "last_state_written_transposed"
    text = " ".join(deviation_text(NAMED[name], CORPUS, DETECTIONS[name]).split())
    assert "S_n is first wrong" in text
    assert "; o is right" in text


def test_a_bug_between_calls_has_the_options_that_show_it_and_both_codes() -> None:
    text = deviation_text(deviation("place_of_padding_is_last"), open_corpus(), None)
    assert "\nfamily       calls: pools of states\n" in text
    assert "\nto see it: rnn-goldens check … --calls pool,drafts\n" in text
    assert "return None if index == NO_PLACE else index\n" in text
    assert "lambda _, index, size: index % size" in text
