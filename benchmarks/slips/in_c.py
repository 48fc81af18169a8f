"""Slips in the network in C, which has an LSTM and a GRU of one layer, forward."""

from itertools import permutations

from benchmarks.slips.slip import Slip

LSTM, GRU = ("lstm",), ("gru",)
CELLS = (*LSTM, *GRU)
ORDER = 'const char *lstm_gates = "ifgo";'
SUM = "result[row] = sum + bias[row];"
COLUMNS = "for (int column = 0; column < columns; column++)"
SIGMOID = "return 1 / (1 + exp(-z));"
I_F = "real i = sigmoid(gate['i'][unit]), f = sigmoid(gate['f'][unit]);"
G_O = "real g = tanh(gate['g'][unit]), o = sigmoid(gate['o'][unit]);"
C, H = "c[unit] = f * c[unit] + i * g;", "h[unit] = o * tanh(c[unit]);"
Z_X = "affine(z, 4 * units, layer->weight_ih, layer->size, x, layer->bias_ih);"
Z_H = "affine(from_h, 4 * units, layer->weight_hh, units, h, layer->bias_hh);"
R_X = "affine(from_x, 3 * units, layer->weight_ih, layer->size, x, layer->bias_ih);"
R_H = "affine(from_h, 3 * units, layer->weight_hh, units, h, layer->bias_hh);"
R, Z = (
    "real r = sigmoid(from_x[unit] + from_h[unit]);",
    "real z = sigmoid(from_x[units + unit] + from_h[units + unit]);",
)
N = "real n = tanh(from_x[2 * units + unit] + r * from_h[2 * units + unit]);"
MIX = "h[unit] = (1 - z) * n + z * h[unit];"
ROW = "real *h = layer->h + b * layer->units, *c = layer->c + b * layer->units;"
LENGTH = "int length = layer->lengths[b] ? layer->lengths[b] : layer->steps;"
STEPS = "for (int step = b * layer->steps; step < b * layer->steps + length; step++) {"
COPY = "memcpy(layer->out + step * layer->units, h, layer->units * sizeof *h);"
STATES = '*h = numbers(inputs, "h0", B * H), *c = numbers(inputs, "c0", B * H);'


def _one(deviation: str, find: str, text: str, cells: tuple[str, ...] = CELLS) -> Slip:
    return Slip(deviation, ((find, text),), cells)


def _lstm(deviation: str, find: str, text: str) -> Slip:
    return _one(deviation, find, text, LSTM)


def _gru(deviation: str, find: str, text: str) -> Slip:
    return _one(deviation, find, text, GRU)


def _gru_order(order: str) -> Slip:
    at = {gate: ("unit", "units + unit", "2 * units + unit")[k] for k, gate in enumerate(order)}
    n = f"real n = tanh(from_x[{at['n']}] + r * from_h[{at['n']}]);"
    r, z = (f"real {gate} = sigmoid(from_x[{at[gate]}] + from_h[{at[gate]}]);" for gate in "rz")
    return Slip(f"gru_gates_{order}", ((R, r), (Z, z), (N, n)), GRU)


SLIPS = (
    *(
        _lstm(f"lstm_gates_{''.join(order)}", ORDER, ORDER.replace("ifgo", "".join(order)))
        for order in permutations("ifgo")
        if "".join(order) != "ifgo"
    ),
    *(_gru_order("".join(order)) for order in permutations("rzn") if "".join(order) != "rzn"),
    Slip(
        "gates_by_unit",
        (
            ("gate[(int)lstm_gates[k]] = z + k * units;", "gate[(int)lstm_gates[k]] = z + k;"),
            (I_F, "real i = sigmoid(gate['i'][4 * unit]), f = sigmoid(gate['f'][4 * unit]);"),
            (G_O, "real g = tanh(gate['g'][4 * unit]), o = sigmoid(gate['o'][4 * unit]);"),
        ),
        LSTM,
    ),
    _one("biases_missing", SUM, "result[row] = sum;"),
    Slip(
        "b_ih_doubled",
        ((Z_X, f"{Z_X}\n    for (int row = 0; row < 4 * units; row++)\n        z[row] += layer->bias_ih[row];"),),
        LSTM,
    ),
    Slip(
        "b_ih_missing",
        (
            (Z_X, Z_X.replace("layer->bias_ih", "(real[4 * MOST_UNITS]){0}")),
            (R_X, R_X.replace("layer->bias_ih", "(real[3 * MOST_UNITS]){0}")),
        ),
        CELLS,
    ),
    Slip(
        "b_hh_missing",
        (
            (Z_H, Z_H.replace("layer->bias_hh", "(real[4 * MOST_UNITS]){0}")),
            (R_H, R_H.replace("layer->bias_hh", "(real[3 * MOST_UNITS]){0}")),
        ),
        CELLS,
    ),
    Slip(
        "b_hh_overwritten_by_b_ih",
        ((Z_H, Z_H.replace("bias_hh", "bias_ih")), (R_H, R_H.replace("bias_hh", "bias_ih"))),
        CELLS,
    ),
    Slip(
        "gru_biases_swapped", ((R_X, R_X.replace("bias_ih", "bias_hh")), (R_H, R_H.replace("bias_hh", "bias_ih"))), GRU
    ),
    _one(
        "product_tail_of_4_dropped",
        COLUMNS,
        COLUMNS.replace("< columns", "< (columns > 4 ? columns / 4 * 4 : columns)"),
    ),
    _one(
        "product_tail_of_8_dropped",
        COLUMNS,
        COLUMNS.replace("< columns", "< (columns > 8 ? columns / 8 * 8 : columns)"),
    ),
    _one("hard_sigmoid", SIGMOID, "return fmin(fmax(0.2f * z + 0.5f, 0), 1);"),
    _one("hard_sigmoid_sixth", SIGMOID, "return fmin(fmax(z / 6 + 0.5f, 0), 1);"),
    _one("tanh_for_sigmoid", SIGMOID, "return tanh(z);"),
    _lstm("lstm_forget_bias_plus_1", I_F, I_F.replace("gate['f'][unit]", "gate['f'][unit] + 1")),
    _lstm("lstm_forget_gate_is_input_gate", I_F, "real i = sigmoid(gate['i'][unit]), f = i;"),
    _lstm("lstm_gates_coupled", I_F, "real f = sigmoid(gate['f'][unit]), i = 1 - f;"),
    _lstm("lstm_gates_coupled_by_input", I_F, "real i = sigmoid(gate['i'][unit]), f = 1 - i;"),
    _lstm("lstm_candidate_by_sigmoid", G_O, G_O.replace("tanh", "sigmoid")),
    _lstm("lstm_candidate_without_tanh", G_O, "real g = gate['g'][unit], o = sigmoid(gate['o'][unit]);"),
    _lstm("lstm_output_gate_without_sigmoid", G_O, "real g = tanh(gate['g'][unit]), o = gate['o'][unit];"),
    _lstm("lstm_input_gate_open", C, "c[unit] = f * c[unit] + g;"),
    _lstm("lstm_forget_gate_open", C, "c[unit] += i * g;"),
    _lstm("lstm_cell_forgets_everything", C, "c[unit] = i * g;"),
    _lstm("lstm_forget_gate_complemented", C, "c[unit] = (1 - f) * c[unit] + i * g;"),
    _lstm("lstm_cell_clipped", C, "c[unit] = fmin(fmax(f * c[unit] + i * g, -1), 1);"),
    _lstm("lstm_output_without_tanh", H, "h[unit] = o * c[unit];"),
    _lstm("lstm_output_gate_inside_tanh", H, "h[unit] = tanh(o * c[unit]);"),
    _lstm("lstm_output_gate_open", H, "h[unit] = tanh(c[unit]);"),
    Slip(
        "lstm_output_of_last_cell",
        ((C, f"real before = c[unit];\n        {C}"), (H, "h[unit] = o * tanh(before);")),
        LSTM,
    ),
    _gru("gru_reset_unused", N, N.replace("r * ", "")),
    _gru("gru_reset_complemented", N, N.replace("r * ", "(1 - r) * ")),
    _gru("gru_reset_on_input", N, "real n = tanh(r * from_x[2 * units + unit] + from_h[2 * units + unit]);"),
    _gru("gru_reset_on_both", N, "real n = tanh(r * (from_x[2 * units + unit] + from_h[2 * units + unit]));"),
    _gru("gru_candidate_by_sigmoid", N, N.replace("tanh", "sigmoid")),
    _gru("gru_z_is_r", Z, "real z = r;"),
    _gru("gru_z_complemented", MIX, "h[unit] = z * n + (1 - z) * h[unit];"),
    _gru("gru_state_not_mixed_in", MIX, "h[unit] = n;"),
    _gru("gru_candidate_not_scaled", MIX, "h[unit] = n + z * h[unit];"),
    _gru("gru_state_not_scaled", MIX, "h[unit] += (1 - z) * n;"),
    _gru("gru_mixes_reset_state", MIX, "h[unit] = (1 - z) * n + z * r * h[unit];"),
    _one(
        "state_leaks_across_rows",
        ROW,
        f"{ROW}\n        if (b) {{\n            memcpy(h, h - layer->units, layer->units * sizeof *h);\n"
        "            memcpy(c, c - layer->units, layer->units * sizeof *c);\n        }",
    ),
    _one("lengths_ignored", LENGTH, "int length = layer->steps;"),
    _one("lengths_of_first_row", LENGTH, LENGTH.replace("[b]", "[0]")),
    _one("out_is_c", COPY, COPY.replace("h, layer", "c, layer"), LSTM),
    _one("last_step_skipped", STEPS, STEPS.replace("+ length; ", "+ (length < layer->steps ? length : length - 1); ")),
    _one("first_step_skipped", STEPS, STEPS.replace("step = b * layer->steps;", "step = b * layer->steps + 1;")),
    _one("h0_ignored", STATES, STATES.replace('"h0"', '""')),
    _one("c0_ignored", STATES, STATES.replace('"c0"', '""'), LSTM),
    _one("h0_c0_swapped", STATES, '*h = numbers(inputs, "c0", B * H), *c = numbers(inputs, "h0", B * H);', LSTM),
    _one("h0_for_c0_too", STATES, STATES.replace('"c0"', '"h0"'), LSTM),
)
