"""Slips in the network in JavaScript."""

from itertools import islice, permutations

from benchmarks.slips.slip import Slip

GATES = 'const gates = { lstm: "ifgo", gru: "rzn" };'
FROM_X, FROM_H = "affine(w.weight_ih, x, w.bias_ih)", "affine(w.weight_hh, h, w.bias_hh)"
TANH, RELU = "round(Math.tanh(value))", "Math.max(value, 0)"
SIGMOID = "round(1 / (1 + Math.exp(-value)))"
CELL = "const next = add(multiply(sigmoid(f), c), multiply(sigmoid(i), tanh(g)));"
OUT = "return [multiply(sigmoid(o), tanh(next)), next];"
N, MIX = "const n = tanh(add(a.n, multiply(r, b.n)));", "return [add(multiply(oneMinusZ, n), multiply(z, h))];"
START = "let state = states[last.length];"
RUN = "const out = inOrder(x, suffix).map((x_t) => (state = step(w, x_t, state))[0]);"
PUSH, BACK = "last.push(state);", "return inOrder(out, suffix);"
JOIN = "x = outs[0].map((_, t) => outs.flatMap((out) => out[t]));"
OWN = "weights[`${name}_l${layer}${suffix}`]"
FIRST_STATES = "const states = layers.map((layer) => [h0?.[layer][b] ?? zeros, c0?.[layer][b] ?? zeros]);"
LENGTHS = "sequence.slice(0, lengths?.[b])"
CALL = f"return network(request, weights, {LENGTHS}, states);"


def _one(deviation: str, find: str, text: str, cells: tuple[str, ...] = ()) -> Slip:
    return Slip(deviation, ((find, text),), cells)


def _orders(cell: str, right: str, how_many: int) -> list[Slip]:
    wrong = ("".join(order) for order in permutations(right) if "".join(order) != right)
    return [
        _one(f"{cell}_gates_{order}", GATES, GATES.replace(right, order), (cell,)) for order in islice(wrong, how_many)
    ]


SLIPS = (
    *_orders("lstm", "ifgo", 23),
    *_orders("gru", "rzn", 5),
    Slip(
        "gates_by_unit",
        (("[gate, rows.slice(k * units, (k + 1) * units)]", "[gate, rows.filter((_, n) => n % order.length === k)]"),),
    ),
    _one("b_ih_missing", FROM_X, "affine(w.weight_ih, x)"),
    _one("b_hh_missing", FROM_H, "affine(w.weight_hh, h)"),
    _one("b_hh_overwritten_by_b_ih", FROM_H, "affine(w.weight_hh, h, w.bias_ih)"),
    Slip(
        "gru_biases_swapped",
        ((FROM_X, "affine(w.weight_ih, x, w.bias_hh)"), (FROM_H, "affine(w.weight_hh, h, w.bias_ih)")),
        ("gru",),
    ),
    _one("biases_missing", "return bias ? add(product, bias) : product;", "return product;"),
    _one("w_hh_ignored", FROM_H, "w.bias_hh ?? w.weight_hh.map(() => 0)"),
    _one("w_hh_columns_reversed", FROM_H, "affine(w.weight_hh, [...h].reverse(), w.bias_hh)", ("lstm", "gru")),
    _one("tanh_missing", TANH, "value"),
    _one("relu_missing", RELU, "value"),
    _one("hard_tanh", TANH, "Math.max(-1, Math.min(1, value))"),
    _one("hard_sigmoid", SIGMOID, "Math.max(0, Math.min(1, 0.2 * value + 0.5))"),
    _one("hard_sigmoid_sixth", SIGMOID, "Math.max(0, Math.min(1, value / 6 + 0.5))"),
    _one("leaky_relu", RELU, "Math.max(value, 0.01 * value)"),
    _one("relu_clipped", RELU, "Math.min(Math.max(value, 0), 6)"),
    _one(
        "tanh_nan_where_exp_overflows",
        TANH,
        "round((round(Math.exp(2 * value)) - 1) / (round(Math.exp(2 * value)) + 1))",
    ),
    _one("lstm_forget_bias_plus_1", CELL, CELL.replace("sigmoid(f)", "sigmoid(f.map((v) => v + 1))")),
    _one("lstm_forget_gate_open", CELL, CELL.replace("multiply(sigmoid(f), c)", "c")),
    _one("lstm_input_gate_open", CELL, CELL.replace("multiply(sigmoid(i), tanh(g))", "tanh(g)")),
    _one("lstm_forget_gate_is_input_gate", CELL, CELL.replace("sigmoid(f)", "sigmoid(i)")),
    _one("lstm_candidate_by_sigmoid", CELL, CELL.replace("tanh(g)", "sigmoid(g)")),
    _one("lstm_candidate_without_tanh", CELL, CELL.replace("tanh(g)", "g")),
    _one("lstm_output_without_tanh", OUT, OUT.replace("tanh(next)", "next")),
    _one("lstm_output_of_last_cell", OUT, OUT.replace("tanh(next)", "tanh(c)")),
    _one("lstm_output_gate_open", OUT, "return [tanh(next), next];"),
    _one(
        "gru_reset_before_product",
        N,
        "const rows = w.weight_hh.slice(-h.length);\n"
        "      const n = tanh(add(a.n, affine(rows, multiply(r, h), w.bias_hh?.slice(-h.length))));",
    ),
    _one("gru_reset_unused", N, "const n = tanh(add(a.n, b.n));"),
    _one("gru_reset_on_input", N, "const n = tanh(add(multiply(r, a.n), b.n));"),
    _one("gru_reset_on_both", N, "const n = tanh(multiply(r, add(a.n, b.n)));"),
    _one("gru_z_complemented", MIX, "return [add(multiply(z, n), multiply(oneMinusZ, h))];"),
    _one("gru_candidate_not_scaled", MIX, "return [add(n, multiply(z, h))];"),
    _one("gru_state_not_scaled", MIX, "return [add(multiply(oneMinusZ, n), h)];"),
    _one("gru_mixes_reset_state", MIX, "return [add(multiply(oneMinusZ, n), multiply(z, multiply(r, h)))];"),
    _one("gru_state_not_mixed_in", MIX, "return [n];"),
    _one("state_never_fed_forward", RUN, RUN.replace("step(w, x_t, state)", "step(w, x_t, states[last.length])")),
    _one(
        "state_buffer_shared_by_layers",
        START,
        "let state = layer ? last.at(config.bidirectional ? -2 : -1) : states[0];\n"
        "      if (!layer) state = states[last.length];",
    ),
    _one(
        "c_never_fed_forward",
        RUN,
        RUN.replace("step(w, x_t, state)", "step(w, x_t, [state[0], states[last.length][1]])"),
        ("lstm",),
    ),
    _one("reverse_not_reversed", "(suffix ? [...steps].reverse() : steps)", "steps"),
    _one("reverse_not_flipped_back", BACK, "return out;"),
    _one("reverse_flips_output_only", RUN, RUN.replace("inOrder(x, suffix)", "x")),
    _one("reverse_starts_from_forward_end", START, "let state = suffix ? last.at(-1) : states[last.length];"),
    _one("reverse_uses_forward_weights", OWN, "weights[`${name}_l${layer}`]"),
    _one("reverse_uses_forward_w_hh", OWN, 'weights[`${name}_l${layer}${name === "weight_hh" ? "" : suffix}`]'),
    _one("reverse_uses_forward_biases", OWN, 'weights[`${name}_l${layer}${name.startsWith("bias") ? "" : suffix}`]'),
    _one("directions_joined_in_wrong_order", JOIN, "outs.reverse();\n    " + JOIN),
    _one(
        "directions_interleaved",
        JOIN,
        "x = outs[0].map((row, t) => row.flatMap((_, k) => outs.map((out) => out[t][k])));",
    ),
    _one(
        "out_is_c",
        RUN,
        RUN.replace("(state = step(w, x_t, state))[0]", "(state = step(w, x_t, state)).at(-1)"),
        ("lstm",),
    ),
    _one("h_n_of_forward_from_wrong_end", PUSH, "last.push(suffix ? state : [out[0], ...state.slice(1)]);"),
    _one("h_n_of_reverse_from_wrong_end", PUSH, "last.push(suffix ? [out[0], ...state.slice(1)] : state);"),
    _one("layer_0_biases_reused", OWN, 'weights[`${name}_l${name.startsWith("bias") ? 0 : layer}${suffix}`]'),
    _one("layer_0_w_hh_reused", OWN, 'weights[`${name}_l${name === "weight_hh" ? 0 : layer}${suffix}`]'),
    _one(
        "residual_between_layers",
        BACK,
        "const outNow = inOrder(out, suffix);\n"
        "      const fits = layer && outNow[0].length === x[0].length;\n"
        "      return fits ? outNow.map((row, t) => row.map((value, k) => value + x[t][k])) : outNow;",
    ),
    _one("lengths_ignored", LENGTHS, "sequence"),
    _one("lengths_of_first_row", LENGTHS, "sequence.slice(0, lengths?.[0])"),
    _one("h0_ignored", FIRST_STATES, FIRST_STATES.replace("h0?.[layer][b] ?? zeros", "zeros")),
    _one("c0_ignored", FIRST_STATES, FIRST_STATES.replace("c0?.[layer][b] ?? zeros", "zeros"), ("lstm",)),
    _one(
        "h0_c0_swapped",
        FIRST_STATES,
        FIRST_STATES.replace("h0?", "C0?").replace("c0?", "h0?").replace("C0?", "c0?"),
        ("lstm",),
    ),
    _one("h0_of_first_row_for_all", FIRST_STATES, FIRST_STATES.replace("[layer][b]", "[layer][0]")),
    _one(
        "h0_of_first_layer_for_all",
        FIRST_STATES,
        FIRST_STATES.replace("[layer][b]", "[bidirectional ? layer % 2 : 0][b]"),
    ),
    Slip(
        "state_leaks_across_rows",
        (
            ("const results = x.map(", "let before;\n  const results = x.map("),
            (
                CALL,
                "const result = network(request, weights, sequence.slice(0, lengths?.[b]), before ?? states);\n"
                "    before = result.last;\n    return result;",
            ),
        ),
    ),
    _one("h_n_c_n_swapped", "const [h_n, c_n] =", "const [c_n, h_n] =", ("lstm",)),
)
