"""The way back: gradients of Σ d_out·out + Σ d_h_n·h_n + Σ d_c_n·c_n."""

from rnn_goldens.cells import Backward
from rnn_goldens.cells.derivatives import Slopes
from rnn_goldens.generator.rules.equations import GATED, GRU, LSTM, WITH_TANH
from rnn_goldens.generator.rules.rule import Group, Rule

_PATHS = (
    Rule(
        "G1",
        "Through the input gate of an LSTM a gradient goes back to x and to h.",
        ("lstm_input_path_dropped", "lstm_?_through_input_dropped"),
        LSTM,
        lines={"lstm": "i"},
    ),
    Rule(
        "G2",
        "Through the forget gate of an LSTM a gradient goes back to x and to h: that of c times the cell before.",
        ("lstm_forget_path_dropped", "lstm_?_through_forget_dropped", "lstm_forget_gate_by_new_cell"),
        LSTM,
        lines={"lstm": "f"},
    ),
    Rule(
        "G3",
        "Through the candidate of an LSTM a gradient goes back to x and to h.",
        ("lstm_candidate_path_dropped", "lstm_?_through_candidate_dropped", "lstm_candidate_slope_by_state"),
        LSTM,
        lines={"lstm": "g"},
    ),
    Rule(
        "G4",
        "Through the output gate of an LSTM a gradient goes back to x and to h: that of h times tanh(c).",
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
        "A gradient goes back from the cell to the cell before: by f, with what later steps and c_n gave.",
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
        "A gradient goes back from the state of an LSTM to its cell, through the tanh.",
        ("lstm_cell_in_output_dropped", "lstm_tanh_slope_by_cell"),
        LSTM,
        lines={"lstm": "h"},
    ),
    Rule(
        "G7",
        "Through the reset gate of a GRU a gradient goes back to x and to h, times W_hn @ h + b_hn.",
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
        "Through the update gate of a GRU a gradient goes back to x and to h: that of the new h times h - n.",
        ("gru_update_path_dropped", "gru_?_through_update_dropped", "gru_update_gate_reversed"),
        GRU,
        lines={"gru": "z"},
    ),
    Rule(
        "G9",
        "Through the candidate of a GRU a gradient goes back to x and to h.",
        ("gru_candidate_path_dropped", "gru_?_through_candidate_dropped", "gru_candidate_slope_by_state"),
        GRU,
        lines={"gru": "n"},
    ),
    Rule(
        "G10",
        "What goes back to W_hn, b_hn and h is multiplied by the reset gate.",
        ("gru_reset_left_out_backward", "gru_b_hn_without_reset", "gru_reset_before_product_on_the_way_back"),
        GRU,
        lines={"gru": "n"},
    ),
    Rule(
        "G11",
        "The gradient of a GRU's state goes back by z to h and by 1 - z to the candidate.",
        ("gru_kept_state_path_dropped", "gru_shares_swapped"),
        GRU,
        lines={"gru": "h"},
        said_by=(Slopes.difference,),
    ),
    Rule(
        "G12",
        "The derivative of y = tanh(z) is 1 - y².",
        ("tanh_slope_*", "gates_kept_before_their_activations"),
        WITH_TANH,
        lines={"rnn_tanh": "h"},
        said_by=(Slopes.tanh_slope,),
    ),
    Rule(
        "G13",
        "The derivative of y = sigmoid(z) is y (1 - y).",
        ("sigmoid_slope_*", "gates_kept_before_their_activations"),
        GATED,
        said_by=(Slopes.sigmoid_slope,),
    ),
    Rule(
        "G14",
        "The derivative of relu(z) is 1 above zero and 0 below it.",
        ("relu_slope_*",),
        ("rnn_relu",),
        lines={"rnn_relu": "h"},
        said_by=(Slopes.where_larger,),
    ),
    Rule(
        "G15",
        "At zero, where a relu has no derivative, that of either side is right.",
        cells=("rnn_relu",),
        unbroken="no golden with gradients has a sum of exactly zero: the generator refuses one",
    ),
)

_TIME = (
    Rule(
        "G16",
        "Gradients go back through every step to the first, in the opposite order.",
        (
            "backward_not_through_time",
            "state_detached_between_steps",
            "way_back_in_order_of_time",
            "backward_truncated_every_*",
            "lstm_?_not_carried_back",
            "weight_hh_transposed_on_the_way_back",
            "gates_computed_again_from_state_after",
        ),
        said_by=(Backward.back, Backward.times_back, Backward.step_back, Backward.carry),
    ),
    Rule(
        "G17",
        "The cotangent of out enters at every step at its own time, once, beside that of later steps.",
        ("d_out_*", "cotangents_taken_for_ones"),
        said_by=(Backward.from_out, Backward.enter),
    ),
    Rule(
        "G18",
        "The cotangent of h_n enters after the last step, once, beside that of out.",
        (
            "d_h_n_ignored",
            "d_h_n_twice",
            "d_h_n_at_every_step",
            "d_h_n_for_d_out",
            "d_h_n_and_d_c_n_swapped",
            "d_h_n_of_reverse_at_its_start",
            "cotangents_taken_for_ones",
        ),
        said_by=(Backward.from_last,),
    ),
    Rule(
        "G19",
        "The cotangent of c_n enters after the last step, once.",
        ("d_c_n_*", "d_h_n_and_d_c_n_swapped", "lstm_carried_cell_gradient_dropped"),
        LSTM,
        said_by=(Backward.from_last,),
    ),
    Rule(
        "G20",
        "Each layer and direction has its own cotangent of the last state.",
        ("d_h_n_of_top_layer_alone", "d_h_n_layers_reversed", "d_h_n_directions_swapped"),
        said_by=(Backward.from_last,),
    ),
    Rule(
        "G21",
        "The gradient of an initial state is what comes back past the first step, row by row.",
        (
            "start_gradients_zero",
            "start_gradients_from_the_end",
            "start_gradients_one_step_short",
            "start_gradients_summed_over_batch",
            "h0_gradient_zero",
            "h0_gradient_beyond_*_zero",
        ),
        said_by=(Backward.to_start,),
    ),
    Rule(
        "G22",
        "The gradient of c0 is that of the cell, and not that of h0.",
        ("c0_gradient_zero", "c0_gradient_beyond_*_zero", "start_gradients_swapped"),
        LSTM,
        said_by=(Backward.to_start, Backward.named),
    ),
    Rule(
        "G23",
        "Gradients of initial states have the order of initial states: by layer, then direction.",
        ("start_gradients_layers_reversed", "start_gradients_directions_swapped"),
        said_by=(Backward.named,),
    ),
    Rule(
        "G24",
        "x has a gradient at every step, of every input.",
        ("x_gradient_zero", "x_gradient_beyond_*_zero"),
        said_by=(Backward.named,),
    ),
)

_WEIGHTS = (
    Rule(
        "G25",
        "The gradient of weight_ih is that of the sums times the layer's input, at each step.",
        (
            "weight_ih_by_input_before",
            "weight_ih_without_*_step",
            "weight_ih_gradient_zero",
            "*weight_ih_gradient_beyond_*_zero",
            "upper_weight_ih_by_own_output",
        ),
        said_by=(Backward.share, Backward.gathered),
    ),
    Rule(
        "G26",
        "The gradient of weight_hh is that of the sums times h before each step, the first included.",
        (
            "weight_hh_by_state_after",
            "weight_hh_without_*",
            "weight_hh_gradient_zero",
            "weight_hh_gradient_transposed",
            "*weight_hh_gradient_beyond_*_zero",
        ),
        said_by=(Backward.share, Backward.gathered),
    ),
    Rule(
        "G27",
        "The gradient of a bias is that of the sums: bias_ih and bias_hh have each its own, and whole.",
        (
            "bias_?h_gradient_zero",
            "biases_doubled",
            "biases_halved",
            "biases_gradients_swapped",
            "upper_biases_gradient_zero",
        ),
        said_by=(Backward.share, Backward.gathered),
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
        said_by=(Backward.summed_over_steps,),
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
        said_by=(Backward.summed_over_steps,),
    ),
    Rule(
        "G30",
        "Rows of gradients have the order of the gates.",
        ("*_gradient_rows_*", "lstm_biases_of_forget_gate", "*_gate_gradients_in_order_*"),
        GATED,
        said_by=(Backward.gathered,),
    ),
)

_NETWORK = (
    Rule(
        "G31",
        "The gradient of a layer's input is the sum over its directions, in the order of time.",
        (
            "x_gradient_of_forward_alone",
            "x_gradient_of_reverse_alone",
            "reverse_x_gradient_not_flipped",
            "cotangents_overwritten",
        ),
        said_by=(Backward.hand_down,),
    ),
    Rule(
        "G32",
        "Each direction gets its own half of the cotangent of out, in its own order.",
        (
            "cotangent_halves_swapped",
            "cotangent_half_for_both",
            "reverse_cotangent_flipped",
            "reverse_way_back_as_forward",
        ),
        said_by=(Backward.side, Backward.times_back),
    ),
    Rule(
        "G33",
        "Weights of each direction have gradients of their own.",
        ("forward_gradients_for_reverse", "direction_gradients_swapped", "reverse_gradients_zero"),
        said_by=(Backward.of_batch,),
    ),
    Rule(
        "G34",
        "Gradients go back from each layer to the one below, whose weights have gradients of their own.",
        (
            "layers_detached",
            "lower_gradients_zero",
            "upper_gradients_zero",
            "upper_weight_hh_of_first_layer",
            "handed_down_beyond_*_zero",
        ),
        said_by=(Backward.of_batch, Backward.hand_down),
    ),
    Rule(
        "G35",
        "Nothing goes back through steps beyond a sequence's end; their cotangents count for nothing.",
        ("padded_steps_gone_back_through", "padded_cotangents_added", "lengths_one_*_on_the_way_back"),
        said_by=(Backward.within_back,),
    ),
    Rule(
        "G36",
        "The cotangent of a last state enters at each sequence's own end.",
        ("d_h_n_lost_where_shorter", "last_cotangents_of_longest_alone"),
        said_by=(Backward.carry,),
    ),
    Rule(
        "G37",
        "Gradients of x and of states stand in the row, and at the time, of what they are of.",
        ("x_gradient_at_padded_end", "gradient_rows_left_sorted", "reverse_x_gradient_not_flipped"),
        said_by=(Backward.named,),
    ),
)

_WHOLE = (
    Rule(
        "G38",
        "Gradients are of the sum itself: not of a mean, not scaled, not clipped, of its own sign.",
        (
            "gradients_of_other_sign",
            "gradients_four_times",
            "gradients_mean_over_*",
            "gradients_clipped_*",
            "gate_gradients_clipped_*",
        ),
        said_by=(Backward.gradients,),
    ),
    Rule("G39", "Gradients are not added to those of the call before.", ("gradients_accumulated",)),
    Rule("G40", "Gradients have the declared precision.", ("gradients_in_*", "gate_gradients_in_*")),
    Rule("G41", "Products of the way back have the declared precision.", ("backward_products_in_*",)),
    Rule(
        "G42",
        "Weights of every unit have gradients, however many there are.",
        ("gradients_of_units_beyond_*_zero",),
        said_by=(Backward.gathered,),
    ),
)

GRADIENTS = Group("G", "Gradients", (*_PATHS, *_TIME, *_WEIGHTS, *_NETWORK, *_WHOLE))
