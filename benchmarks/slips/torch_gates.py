"""Slips in the formulas of the LSTM and the GRU in torch."""

from benchmarks.slips.slip import Slip

C, H = "c = sigmoid(f) * state[1] + sigmoid(i) * tanh(g)", "return (sigmoid(o) * tanh(c), c)"
R, Z, N = "r = sigmoid(x_r + h_r)", "z = sigmoid(x_z + h_z)", "n = tanh(x_n + r * h_n)"
MIX = "return ((1 - z) * n + z * h,)"
LSTM = "i, f, g, o = (from_x + from_h).chunk(4, dim=1)\n"
END = "        "


def _c(deviation: str, line: str) -> Slip:
    return Slip(deviation, ((C, line),), ("lstm",))


def _h(deviation: str, line: str) -> Slip:
    return Slip(deviation, ((H, line),), ("lstm",))


def _gru(deviation: str, find: str, line: str) -> Slip:
    return Slip(deviation, ((find, line),), ("gru",))


LAYER_NORM = "i, f, g, o = (F.layer_norm(z, z.shape[1:]) for z in (from_x + from_h).chunk(4, dim=1))\n"
W_N, B_N = "w.w_hh.chunk(3)[2]", "w.b_hh.chunk(3)[2]"

SLIPS = (
    _c("lstm_forget_bias_plus_1", "c = sigmoid(f + 1) * state[1] + sigmoid(i) * tanh(g)"),
    _c("lstm_forget_bias_minus_1", "c = sigmoid(f - 1) * state[1] + sigmoid(i) * tanh(g)"),
    _c("lstm_input_gate_open", "c = sigmoid(f) * state[1] + tanh(g)"),
    _c("lstm_forget_gate_open", "c = state[1] + sigmoid(i) * tanh(g)"),
    _h("lstm_output_gate_open", "return (tanh(c), c)"),
    _c("lstm_cell_forgets_everything", "c = sigmoid(i) * tanh(g)"),
    _c("lstm_forget_gate_complemented", "c = (1 - sigmoid(f)) * state[1] + sigmoid(i) * tanh(g)"),
    _c("lstm_forget_gate_is_input_gate", "c = sigmoid(i) * state[1] + sigmoid(i) * tanh(g)"),
    _c("lstm_gates_coupled", "c = sigmoid(f) * state[1] + (1 - sigmoid(f)) * tanh(g)"),
    _c("lstm_gates_coupled_by_input", "c = (1 - sigmoid(i)) * state[1] + sigmoid(i) * tanh(g)"),
    _h("lstm_output_without_tanh", "return (sigmoid(o) * c, c)"),
    _h("lstm_output_gate_inside_tanh", "return (tanh(sigmoid(o) * c), c)"),
    _h("lstm_output_of_last_cell", "return (sigmoid(o) * tanh(state[1]), c)"),
    _c("lstm_candidate_by_sigmoid", "c = sigmoid(f) * state[1] + sigmoid(i) * sigmoid(g)"),
    _c("lstm_candidate_without_tanh", "c = sigmoid(f) * state[1] + sigmoid(i) * g"),
    Slip(
        "lstm_cell_kept_after_tanh",
        ((C, "c = tanh(sigmoid(f) * state[1] + sigmoid(i) * tanh(g))"), (H, "return (sigmoid(o) * c, c)")),
        ("lstm",),
    ),
    _c("lstm_cell_clipped", "c = (sigmoid(f) * state[1] + sigmoid(i) * tanh(g)).clamp(-1, 1)"),
    *(
        _c(f"lstm_cell_clipped_at_{k}", f"c = (sigmoid(f) * state[1] + sigmoid(i) * tanh(g)).clamp(-{k}, {k})")
        for k in (3, 5, 10)
    ),
    _h("lstm_output_gate_without_sigmoid", "return (o * tanh(c), c)"),
    Slip(
        "lstm_peepholes_at_one",
        (
            (C, "c = sigmoid(f + state[1]) * state[1] + sigmoid(i + state[1]) * tanh(g)"),
            (H, "return (sigmoid(o + c) * tanh(c), c)"),
        ),
    ),
    _c("lstm_input_gate_by_exp", "c = sigmoid(f) * state[1] + i.exp() * tanh(g)"),
    Slip("lstm_gates_normalized", ((LSTM, LAYER_NORM),)),
    _h(
        "lstm_state_projected",
        f"h = sigmoid(o) * tanh(c)\n{END}h[:, (h.shape[1] + 1) // 2 :] = 0\n{END}return (h, c)",
    ),
    Slip(
        "out_is_c",
        (("out[:, t] = torch.where(running, state[0], 0)", "out[:, t] = torch.where(running, state[1], 0)"),),
    ),
    _gru(
        "gru_reset_before_product",
        N,
        f"n = tanh(x_n + F.linear(r * h, {W_N}, {B_N}))",
    ),
    _gru("gru_reset_unused", N, "n = tanh(x_n + h_n)"),
    _gru("gru_reset_complemented", N, "n = tanh(x_n + (1 - r) * h_n)"),
    _gru("gru_reset_on_input", N, "n = tanh(r * x_n + h_n)"),
    _gru("gru_reset_on_both", N, "n = tanh(r * (x_n + h_n))"),
    _gru("gru_z_complemented", MIX, "return (z * n + (1 - z) * h,)"),
    _gru("gru_z_is_r", Z, "z = r"),
    _gru("gru_r_is_z", N, "n = tanh(x_n + z * h_n)"),
    _gru("gru_state_not_mixed_in", MIX, "return (n,)"),
    _gru("gru_candidate_not_scaled", MIX, "return (n + z * h,)"),
    _gru("gru_state_not_scaled", MIX, "return ((1 - z) * n + h,)"),
    _gru("gru_mixes_reset_state", MIX, "return ((1 - z) * n + z * (r * h),)"),
    _gru("gru_candidate_by_sigmoid", N, "n = sigmoid(x_n + r * h_n)"),
    Slip(
        "gru_minimal_gated_unit",
        ((N, f"n = tanh(x_n + F.linear(z * h, {W_N}, {B_N}))"), (MIX, "return ((1 - z) * h + z * n,)")),
        ("gru",),
    ),
    _gru("gru_b_hn_missing", N, f"n = tanh(x_n + r * F.linear(h, {W_N}))"),
    _gru("gru_b_hn_outside_reset", N, f"n = tanh(x_n + {B_N} + r * F.linear(h, {W_N}))"),
    _gru(
        "gru_b_in_inside_reset",
        N,
        "n = tanh(F.linear(x, w.w_ih.chunk(3)[2]) + r * (h_n + w.b_ih.chunk(3)[2]))",
    ),
    _gru("gru_b_hn_accumulates_over_rows", N, f"h_n[2:] += {B_N}\n    n = tanh(x_n + r * h_n)"),
    _gru(
        "gru_candidate_without_state_if_no_bias",
        N,
        "n = tanh(x_n + r * h_n) if w.b_hh.any() else tanh(x_n)",
    ),
)
