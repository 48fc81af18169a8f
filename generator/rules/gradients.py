"""Rules about the backward pass: gradients of Σ d_out·out + Σ d_h_n·h_n + Σ d_c_n·c_n."""

from rnn_goldens.cells import Backward
from rnn_goldens.cells.derivatives import Slopes
from rnn_goldens.generator.rules.equations import GATED, GRU, LSTM, WITH_TANH
from rnn_goldens.generator.rules.rule import Group, Rule

_PATHS = (
    Rule(
        "G1",
        "A gradient flows through the input gate of an LSTM to x and h: the gradient of c times the candidate.",
        ("lstm_input_path_dropped", "lstm_?_through_input_dropped", "lstm_input_gate_by_itself"),
        LSTM,
        lines={"lstm": "i"},
    ),
    Rule(
        "G2",
        "A gradient flows through the forget gate of an LSTM to x and h: the gradient of c times the previous cell.",
        ("lstm_forget_path_dropped", "lstm_?_through_forget_dropped", "lstm_forget_gate_by_new_cell"),
        LSTM,
        lines={"lstm": "f"},
    ),
    Rule(
        "G3",
        "A gradient flows through the candidate of an LSTM to x and h.",
        ("lstm_candidate_path_dropped", "lstm_?_through_candidate_dropped", "lstm_candidate_slope_by_state"),
        LSTM,
        lines={"lstm": "g"},
    ),
    Rule(
        "G4",
        "A gradient flows through the output gate of an LSTM to x and h: the gradient of h times tanh(c).",
        (
            "lstm_output_path_dropped",
            "lstm_?_through_output_dropped",
            "lstm_output_gate_by_cell",
            "lstm_output_gate_by_state",
        ),
        LSTM,
        lines={"lstm": "o"},
    ),
    Rule(
        "G5",
        "A gradient flows from the cell to the previous cell: f times the gradients from later steps and c_n, summed.",
        (
            "lstm_cell_path_dropped",
            "lstm_carried_cell_gradient_dropped",
            "lstm_c_not_carried_back",
            "lstm_cell_gradient_masked_beyond_*",
        ),
        LSTM,
        lines={"lstm": "c"},
    ),
    Rule(
        "G6",
        "A gradient flows from the state of an LSTM through the tanh to its cell.",
        ("lstm_cell_in_output_dropped", "lstm_tanh_slope_by_cell"),
        LSTM,
        lines={"lstm": "h"},
    ),
    Rule(
        "G7",
        "A gradient flows through the reset gate of a GRU to x and h, multiplied by W_hn @ h + b_hn.",
        (
            "gru_reset_path_dropped",
            "gru_?_through_reset_dropped",
            "gru_reset_by_state",
            "gru_reset_by_product_alone",
        ),
        GRU,
        lines={"gru": "r"},
    ),
    Rule(
        "G8",
        "A gradient flows through the update gate of a GRU to x and h: the gradient of the new h times h - n.",
        ("gru_update_path_dropped", "gru_?_through_update_dropped", "gru_update_gate_reversed"),
        GRU,
        lines={"gru": "z"},
    ),
    Rule(
        "G9",
        "A gradient flows through the candidate of a GRU to x and h.",
        ("gru_candidate_path_dropped", "gru_?_through_candidate_dropped", "gru_candidate_slope_by_state"),
        GRU,
        lines={"gru": "n"},
    ),
    Rule(
        "G10",
        "The gradients of W_hn, b_hn and h through the candidate are multiplied by the reset gate.",
        ("gru_reset_left_out_backward", "gru_b_hn_without_reset", "gru_reset_before_product_on_the_way_back"),
        GRU,
        lines={"gru": "n"},
    ),
    Rule(
        "G11",
        "The gradient of a GRU's state flows to h, multiplied by z, and to the candidate, multiplied by 1 - z.",
        ("gru_kept_state_path_dropped", "gru_shares_swapped"),
        GRU,
        lines={"gru": "h"},
        implemented_by=(Slopes.difference,),
    ),
    Rule(
        "G12",
        "The derivative of y = tanh(z) is 1 - y².",
        ("tanh_slope_*", "gates_kept_before_their_activations"),
        WITH_TANH,
        lines={"rnn_tanh": "h"},
        implemented_by=(Slopes.tanh_slope,),
    ),
    Rule(
        "G13",
        "The derivative of y = sigmoid(z) is y (1 - y).",
        ("sigmoid_slope_*", "gates_kept_before_their_activations"),
        GATED,
        implemented_by=(Slopes.sigmoid_slope,),
    ),
    Rule(
        "G14",
        "The derivative of relu(z) is 1 above zero and 0 below it.",
        ("relu_slope_*",),
        ("rnn_relu",),
        lines={"rnn_relu": "h"},
        implemented_by=(Slopes.where_larger,),
    ),
    Rule(
        "G15",
        "At zero, where a relu has no derivative, the derivative on either side is correct.",
        cells=("rnn_relu",),
        why_unbroken="the generator refuses goldens with gradients whose relu has an argument of exactly zero",
    ),
)

_TIME = (
    Rule(
        "G16",
        "Gradients flow through all steps, from the last to the first.",
        (
            "backward_not_through_time",
            "state_detached_between_steps",
            "way_back_in_order_of_time",
            "backward_truncated_every_*",
            "lstm_?_not_carried_back",
            "weight_hh_transposed_on_the_way_back",
            "gates_computed_again_from_state_after",
        ),
        implemented_by=(Backward.back, Backward.times_back, Backward.step_back, Backward.carry),
    ),
    Rule(
        "G17",
        "The cotangent of out is added at every step, once, to the gradient from later steps.",
        ("d_out_*", "cotangents_taken_for_ones"),
        implemented_by=(Backward.from_out, Backward.enter),
    ),
    Rule(
        "G18",
        "The cotangent of h_n is added after the last step, once, to the cotangent of out.",
        (
            "d_h_n_ignored",
            "d_h_n_twice",
            "d_h_n_at_every_step",
            "d_h_n_for_d_out",
            "d_h_n_and_d_c_n_swapped",
            "d_h_n_of_reverse_at_its_start",
            "cotangents_taken_for_ones",
        ),
        implemented_by=(Backward.from_last,),
    ),
    Rule(
        "G19",
        "The cotangent of c_n is added after the last step, once.",
        ("d_c_n_*", "d_h_n_and_d_c_n_swapped", "lstm_carried_cell_gradient_dropped"),
        LSTM,
        implemented_by=(Backward.from_last,),
    ),
    Rule(
        "G20",
        "Each layer and direction has its own cotangent of the last state.",
        ("d_h_n_of_top_layer_alone", "d_h_n_layers_reversed", "d_h_n_directions_swapped"),
        implemented_by=(Backward.from_last,),
    ),
    Rule(
        "G21",
        "The gradient of an initial state is the gradient of the state before the first step, row by row.",
        (
            "start_gradients_zero",
            "start_gradients_from_the_end",
            "start_gradients_one_step_short",
            "start_gradients_summed_over_batch",
            "h0_gradient_zero",
            "h0_gradient_beyond_*_zero",
        ),
        implemented_by=(Backward.to_start,),
    ),
    Rule(
        "G22",
        "The gradient of c0 is the gradient of the cell before the first step, not the gradient of h0.",
        ("c0_gradient_zero", "c0_gradient_beyond_*_zero", "start_gradients_swapped"),
        LSTM,
        implemented_by=(Backward.to_start, Backward.named),
    ),
    Rule(
        "G23",
        "Gradients of initial states are ordered by layer, then direction, like initial states.",
        ("start_gradients_layers_reversed", "start_gradients_directions_swapped"),
        implemented_by=(Backward.named,),
    ),
    Rule(
        "G24",
        "x has a gradient at every step and for every input.",
        ("x_gradient_zero", "x_gradient_beyond_*_zero"),
        implemented_by=(Backward.named,),
    ),
)

_WEIGHTS = (
    Rule(
        "G25",
        "The gradient of weight_ih is the gradient of the gate sums times the layer's input, at each step.",
        (
            "weight_ih_by_input_before",
            "weight_ih_without_*_step",
            "weight_ih_gradient_zero",
            "*weight_ih_gradient_beyond_*_zero",
            "upper_weight_ih_by_own_output",
        ),
        implemented_by=(Backward.share, Backward.gathered),
    ),
    Rule(
        "G26",
        "The gradient of weight_hh is the gradient of the gate sums times h before each step, the first included.",
        (
            "weight_hh_by_state_after",
            "weight_hh_without_*",
            "weight_hh_gradient_zero",
            "weight_hh_gradient_transposed",
            "*weight_hh_gradient_beyond_*_zero",
        ),
        implemented_by=(Backward.share, Backward.gathered),
    ),
    Rule(
        "G27",
        "The gradient of a bias is the gradient of the gate sums: bias_ih and bias_hh each have the full gradient.",
        (
            "bias_?h_gradient_zero",
            "biases_gradient_zero",
            "biases_doubled",
            "biases_halved",
            "biases_gradients_swapped",
            "upper_biases_gradient_zero",
        ),
        implemented_by=(Backward.share, Backward.gathered),
    ),
    Rule(
        "G28",
        "Gradients of weights are summed over all steps.",
        (
            "weights_overwritten_by_each_step",
            "weights_of_first_visit_alone",
            "weights_without_*_step",
            "biases_overwritten_by_each_step",
            "biases_mean_over_time",
            "biases_without_*_step",
        ),
        implemented_by=(Backward.summed_over_steps,),
    ),
    Rule(
        "G29",
        "Gradients of weights are summed over all rows of the batch.",
        (
            "matrices_of_first_row",
            "matrices_mean_over_batch",
            "biases_of_first_row",
            "biases_mean_over_batch",
            "*gradients_without_rows_beyond_*",
        ),
        implemented_by=(Backward.summed_over_steps,),
    ),
    Rule(
        "G30",
        "Rows of gradients have the order of the gates.",
        ("*_gradient_rows_*", "lstm_biases_of_forget_gate", "*_gate_gradients_in_order_*"),
        GATED,
        implemented_by=(Backward.gathered,),
    ),
)

_NETWORK = (
    Rule(
        "G31",
        "The gradient of a layer's input is the sum over its directions, in chronological order.",
        (
            "x_gradient_of_forward_alone",
            "x_gradient_of_reverse_alone",
            "reverse_x_gradient_not_flipped",
            "cotangents_overwritten",
        ),
        implemented_by=(Backward.to_layer_below,),
    ),
    Rule(
        "G32",
        "Each direction uses its own half of the cotangent of out, in its own order.",
        (
            "cotangent_halves_swapped",
            "cotangent_half_for_both",
            "reverse_cotangent_flipped",
            "reverse_way_back_as_forward",
        ),
        implemented_by=(Backward.side, Backward.times_back),
    ),
    Rule(
        "G33",
        "The weights of each direction have separate gradients.",
        ("forward_gradients_for_reverse", "direction_gradients_swapped", "reverse_gradients_zero"),
        implemented_by=(Backward.of_batch,),
    ),
    Rule(
        "G34",
        "Gradients flow from each layer to the one below, whose weights have separate gradients.",
        (
            "layers_detached",
            "lower_gradients_zero",
            "upper_gradients_zero",
            "upper_weight_hh_of_first_layer",
            "handed_down_beyond_*_zero",
        ),
        implemented_by=(Backward.of_batch, Backward.to_layer_below),
    ),
    Rule(
        "G35",
        "No gradient flows through steps beyond the end of a sequence; their cotangents are ignored.",
        ("padded_steps_gone_back_through", "padded_cotangents_added", "lengths_one_*_on_the_way_back"),
        implemented_by=(Backward.within_back,),
    ),
    Rule(
        "G36",
        "The cotangent of a last state is added at the end of each sequence.",
        ("d_h_n_lost_where_shorter", "last_cotangents_of_longest_alone"),
        implemented_by=(Backward.carry,),
    ),
    Rule(
        "G37",
        "Gradients of x and of states are at the same row and time as x and the states.",
        ("x_gradient_at_padded_end", "gradient_rows_left_sorted", "reverse_x_gradient_not_flipped"),
        implemented_by=(Backward.named,),
    ),
)

_WHOLE = (
    Rule(
        "G38",
        "Gradients are derivatives of the sum, not of a mean. They are not scaled, clipped or negated.",
        (
            "gradients_of_other_sign",
            "gradients_four_times",
            "gradients_mean_over_*",
            "gradients_clipped_*",
            "gate_gradients_clipped_*",
        ),
        implemented_by=(Backward.gradients,),
    ),
    Rule("G39", "Gradients are not added to the gradients of the previous call.", ("gradients_accumulated",)),
    Rule("G40", "Gradients have the declared precision.", ("gradients_in_*", "gate_gradients_in_*")),
    Rule("G41", "Products of the backward pass have the declared precision.", ("backward_products_in_*",)),
    Rule(
        "G42",
        "Weights of every unit have gradients, for any number of units.",
        ("gradients_of_units_beyond_*_zero",),
        implemented_by=(Backward.gathered,),
    ),
)

GRADIENTS = Group("G", "Gradients", (*_PATHS, *_TIME, *_WEIGHTS, *_NETWORK, *_WHOLE))
