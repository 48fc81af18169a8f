"""Rules about weights: what matrices and biases apply to, and how they are stacked."""

from rnn_goldens.cells import Network
from rnn_goldens.cells.arithmetic import Arithmetic
from rnn_goldens.generator.rules.equations import GATED, GRU, LSTM
from rnn_goldens.generator.rules.rule import Group, Rule

WEIGHTS = Group(
    "W",
    "Weights",
    (
        Rule(
            "W1",
            "weight_ih (gates·hidden, input) multiplies x: every unit depends on every input.",
            (
                "w_ih_ignored",
                "w_ih_transposed",
                "*w_ih_reshaped",
                "inputs_reversed",
                "w_ih_and_w_hh_swapped",
                "state_before_input_in_one_product",
            ),
            implemented_by=(Network.weights, Arithmetic.product),
        ),
        Rule(
            "W2",
            "weight_hh (gates·hidden, hidden) multiplies h: every unit depends on every unit.",
            (
                "w_hh_ignored",
                "w_hh_transposed",
                "upper_w_hh_transposed",
                "reverse_w_hh_transposed",
                "w_hh_reshaped",
                "w_hh_diagonal",
                "w_hh_columns_reversed",
                "w_ih_and_w_hh_swapped",
                "state_before_input_in_one_product",
                "hh_skipped_at_first_step",
                "weights_read_without_storage_offset",
            ),
            implemented_by=(Network.weights, Arithmetic.product),
        ),
        Rule(
            "W3",
            "Each gate has its own block of hidden_size consecutive rows.",
            ("w_ih_of_first_gate", "w_hh_of_first_gate", "gates_by_unit"),
            GATED,
            implemented_by=(Arithmetic.block, Arithmetic.vector),
        ),
        Rule(
            "W4",
            "The blocks of an LSTM's weights are the blocks of i, f, g and o, in this order.",
            ("lstm_gates_????", "upper_lstm_gates_????", "reverse_lstm_gates_????"),
            LSTM,
        ),
        Rule(
            "W5",
            "The blocks of a GRU's weights are the blocks of r, z and n, in this order.",
            ("gru_gates_???", "upper_gru_gates_???", "reverse_gru_gates_???"),
            GRU,
        ),
        Rule(
            "W6",
            "The blocks of an LSTM's biases and of both its matrices have the same order.",
            ("lstm_bias_gates_????", "gates_of_w_hh_not_reordered"),
            LSTM,
        ),
        Rule(
            "W7",
            "The blocks of a GRU's biases and of both its matrices have the same order.",
            ("gru_bias_gates_???", "gru_w_ih_alone_reordered"),
            GRU,
        ),
        Rule(
            "W8",
            "bias_ih and bias_hh are two vectors, each of gates·hidden numbers.",
            ("biases_interleaved", "b_hh_overwritten_by_b_ih", "b_ih_overwritten_by_b_hh", "b_??_of_first_unit"),
            implemented_by=(Arithmetic.affine,),
        ),
        Rule(
            "W9",
            "A product includes all terms, for any number of inputs and units.",
            ("*product_tail_of_*", "*product_beyond_*_dropped"),
            implemented_by=(Arithmetic.product,),
        ),
    ),
)
