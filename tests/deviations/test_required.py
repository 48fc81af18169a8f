"""The catalogue has deviations for each required bug, and goldens detect them."""

from pathlib import Path

import pytest

import rnn_goldens.fixtures
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import DEVIATIONS, deviation
from rnn_goldens.deviations.margins import ENOUGH
from rnn_goldens.generator import kill_matrix_file

KILL_MATRIX = kill_matrix_file.read(Path(rnn_goldens.fixtures.__path__[0], "v1", "kill-matrix.json"))
MARGINS = {entry["name"]: entry["margins"] for entry in KILL_MATRIX["deviations"]}
"""Margins by deviation and golden, for each precision."""

FLOAT64 = KILL_MATRIX["precisions"].index("float64")
CELL_OF = {entry.id: entry.cell for entry in open_corpus().entries}

REQUIRED = {
    "W_hh or W_ih transposed": "w_hh_transposed w_ih_transposed",
    "W_hh diagonal only": "w_hh_diagonal",
    "each bias missing": "b_ih_missing b_hh_missing biases_missing gru_b_hn_missing",
    "each bias doubled": "b_ih_doubled b_hh_doubled",
    "each bias applied after the activation": "b_ih_after_activation b_hh_after_activation",
    "each bias on the first step only": "b_ih_on_first_step_only b_hh_on_first_step_only",
    "b_hn inside/outside the reset product": "gru_b_hn_outside_reset gru_b_in_inside_reset",
    "reset before the matmul": "gru_reset_before_product",
    "z and 1-z swapped": "gru_z_complemented",
    "forget bias +1": "lstm_forget_bias_plus_1",
    "h0/c0 ignored": "h0_ignored c0_ignored h0_c0_ignored",
    "h0/c0 swapped": "h0_c0_swapped h_n_c_n_swapped",
    "h0/c0 used for the wrong layer": "h0_of_wrong_layer h0_of_first_layer_for_all",
    "h0/c0 used for the wrong direction": "h0_of_wrong_direction h0_of_forward_for_reverse h0_direction_major",
    "h0/c0 used for the wrong batch row": "h0_of_wrong_row h0_of_first_row_for_all",
    "h0 skipped at t=0": "hh_skipped_at_first_step",
    "time shifted": "x_late x_early",
    "time reversed": "x_reversed out_reversed",
    "last step skipped": "last_step_skipped",
    "state leaking across batch rows": "state_leaks_across_rows state_of_row_before state_of_first_row",
    "state leaking from the call before": "state_kept_from_call_before state_kept_despite_h0",
    "output of the previous step": "out_of_step_before",
    "reverse direction not reversed": "reverse_not_reversed",
    "reverse direction not flipped back": "reverse_not_flipped_back",
    "reverse direction sharing the forward weights": "reverse_uses_forward_weights",
    "concatenation order": "directions_joined_in_wrong_order",
    "interleaving": "directions_interleaved",
    "h_n direction-major": "h_n_direction_major",
    "h_n last layer only": "h_n_of_last_layer_only h_n_without_first_axis",
    "h_n from the wrong end": "h_n_of_reverse_from_wrong_end h_n_of_forward_from_wrong_end",
    "h_n from the padded end": "h_n_from_padded_end state_runs_through_padding",
    "lengths ignored": "lengths_ignored",
    "outputs not zeroed": "outputs_not_zeroed outputs_computed_in_padding",
    "reverse starting in the padding": "reverse_starts_in_padding reverse_starts_in_zeroed_padding",
    "layer-0 weights reused": "layer_0_weights_reused",
    "dropout left on": "dropout_left_on dropout_on_last_layer dropout_on_state",
    "relu between layers": "relu_between_layers",
    "hard sigmoid": "hard_sigmoid hard_sigmoid_sixth",
    "leaky relu": "leaky_relu",
    "clipped cell": "lstm_cell_clipped",
    "fast tanh of several accuracies": "fast_tanh_3_2 fast_tanh_5_4 fast_tanh_7_6 tabled_tanh_coarse tabled_tanh_fine",
    "float16/bfloat16/TF32 matmul": "float16_products bfloat16_products tf32_products",
    "float16/bfloat16/TF32 accumulation": "float16_accumulation bfloat16_accumulation tf32_accumulation",
    "float32 arithmetic in a float64 case": "float32_arithmetic float32_products float32_accumulation float32_state",
    "batch and time exchanged": "batch_and_time_exchanged",
    "unit order reversed": "state_units_reversed h_n_units_reversed units_reversed",
    "squeeze of size-1 axes": "out_squeezed h_n_squeezed",
    "weight reshape instead of transpose": "w_hh_reshaped w_ih_reshaped",
    "bias bugs seen only without h0, or only with it": "gru_b_hn_missing_without_h0 b_hh_missing_with_h0",
    "GRU merging time and hidden": "out_merges_time_and_units",
    "weights, inputs, states or biases cast to a lower precision": "matrices_cast_to_float16 matrices_cast_to_bfloat16 "
    "matrices_cast_to_float32 inputs_cast_to_float32 inputs_cast_to_float16 initial_states_cast_to_float32 "
    "biases_cast_to_float16",
    "a tanh that is off in one band of its argument": "tanh_off_from_4_to_5 "
    "tanh_off_from_8_to_9 tanh_off_from_11_to_12",
    "a sigmoid that is off in one band of its argument": "sigmoid_off_from_7_to_8 "
    "sigmoid_off_from_1_over_4_to_1_over_2",
    "a cell clipped at 3, 5 or 10": "lstm_cell_clipped_at_3 lstm_cell_clipped_at_5 lstm_cell_clipped_at_10",
    "f = 1 - i": "lstm_gates_coupled_by_input",
    "b_hh overwritten by b_ih, and b_ih by b_hh": "b_hh_overwritten_by_b_ih b_ih_overwritten_by_b_hh",
    "biases in other gate orders": "lstm_bias_gates_figo lstm_bias_gates_ogfi gru_bias_gates_rnz gru_bias_gates_zrn",
    "W_ih of a GRU reordered alone": "gru_w_ih_alone_reordered",
    "no sigmoid on o": "lstm_output_gate_without_sigmoid",
    "c not masked beyond a length": "c_runs_through_padding",
    "the longest length for all rows": "lengths_all_longest",
    "[h, x] against [W_ih, W_hh]": "state_before_input_in_one_product",
    "a state buffer shared between rows or layers": "state_leaks_across_rows state_buffer_shared_by_layers",
    "gates not cleared between steps": "gates_not_cleared",
    "h_n of both directions taken early": "h_n_one_step_early h_n_one_step_early_in_both_directions",
    "LSTM errors in h only": "h0_alone_of_wrong_layer h_alone_of_row_before h_n_alone_zero",
    "LSTM errors in c only": "c0_alone_of_wrong_layer c_alone_of_row_before c_n_alone_zero",
    "last step skipped in one direction": "last_step_skipped last_step_skipped_in_reverse",
    "deviations with different parameters": "leaky_relu leaky_relu_fifth "
    "dropout_left_on dropout_of_half_left_on lstm_forget_bias_minus_1 lstm_cell_clipped gates_clipped_at_10",
    "another nonlinearity in place of tanh or relu": "relu_clipped_at_20 thresholded_relu silu_for_relu elu "
    "softplus scaled_tanh",
    "another dialect of the cell": "lstm_peepholes_at_one lstm_state_projected gates_clipped_at_3 "
    "lstm_input_gate_by_exp lstm_gates_normalized gru_minimal_gated_unit leaky_integration",
}


@pytest.mark.parametrize("requirement", REQUIRED)
def test_required_deviations_exist_and_a_golden_detects_them_in_every_cell(requirement: str) -> None:
    for name in REQUIRED[requirement].split():
        detected = {CELL_OF[golden] for golden, margins in MARGINS[name].items() if is_enough(margins[FLOAT64])}
        assert detected == set(deviation(name).cells)


def is_enough(margin: float | None) -> bool:
    return margin is None or margin >= ENOUGH  # null is infinite


def test_every_wrong_gate_order_has_a_deviation() -> None:
    names = [d.name for d in DEVIATIONS]
    assert sum(name.startswith("lstm_gates_") and len(name) == len("lstm_gates_ifgo") for name in names) == 23
    assert sum(name.startswith("gru_gates_") for name in names) == 5
