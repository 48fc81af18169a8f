"""Rules about states: the initial state, how it is passed on, and the returned last states."""

from rnn_goldens.cells import Network
from rnn_goldens.generator.rules.equations import LSTM
from rnn_goldens.generator.rules.rule import Group, Rule

STATES = Group(
    "S",
    "States",
    (
        Rule(
            "S1",
            "If no initial state is given, it is zero: h, and c of an LSTM.",
            (
                "state_not_zero_without_batch",
                "c_not_zero_without_batch",
                "default_state_sized_by_layers",
                "state_kept_from_call_before",
            ),
            implemented_by=(Network.start,),
        ),
        Rule(
            "S2",
            "A given h0 is the state before the first step, unit by unit.",
            (
                "h0_ignored",
                "h0_c0_ignored",
                "h0_units_reversed",
                "h0_alone_with_units_reversed",
                "state_kept_despite_h0",
                "hh_skipped_at_first_step",
                "b_hh_missing_with_h0",
            ),
            implemented_by=(Network.start,),
        ),
        Rule(
            "S3",
            "A given c0 is the cell before the first step, unit by unit; it is not h0.",
            (
                "c0_ignored",
                "h0_c0_ignored",
                "h0_c0_swapped",
                "h0_for_c0_too",
                "h0_unpacked_over_batch",
                "c0_alone_with_units_reversed",
            ),
            LSTM,
            implemented_by=(Network.start,),
        ),
        Rule(
            "S4",
            "Each row of the batch starts from its own initial state.",
            ("h0_of_wrong_row", "h0_of_first_row_for_all", "?0_alone_of_wrong_row"),
        ),
        Rule(
            "S5",
            "Each layer starts from its own initial state.",
            (
                "h0_of_wrong_layer",
                "h0_of_first_layer_for_all",
                "h0_of_upper_layers_ignored",
                "?0_alone_of_wrong_layer",
                "state_buffer_shared_by_layers",
            ),
            implemented_by=(Network.start,),
        ),
        Rule(
            "S6",
            "Each direction starts from its own initial state.",
            (
                "h0_of_wrong_direction",
                "h0_of_forward_for_reverse",
                "h0_of_reverse_ignored",
                "?0_alone_of_wrong_direction",
                "reverse_starts_from_forward_end",
            ),
            implemented_by=(Network.start,),
        ),
        Rule(
            "S7",
            "Initial states are (layers·directions, batch, hidden), ordered by layer, then direction.",
            (
                "h0_direction_major",
                "h0_read_batch_first",
                "h0_unpacked_over_batch",
                "states_reversed_without_batch",
            ),
            implemented_by=(Network.start,),
        ),
        Rule(
            "S8",
            "The state after a step, h and c, unit by unit, is the state before the next step.",
            (
                "first_state_not_kept",
                "state_lost_every_*_steps",
                "state_never_fed_forward",
                "h_never_fed_forward",
                "c_never_fed_forward",
                "state_units_reversed",
                "c_alone_with_units_reversed",
            ),
            implemented_by=(Network.unroll,),
        ),
        Rule(
            "S9",
            "Every unit of a step reads the state before the step, never the state after it.",
            ("state_updated_in_place", "lstm_output_of_last_cell"),
            implemented_by=(Network.step,),
        ),
        Rule(
            "S10",
            "h_n is the forward direction's h after its last step.",
            (
                "h_n_is_h0",
                "h_n_zero",
                "h_n_alone_zero",
                "h_n_one_step_early",
                "h_n_one_step_early_in_both_directions",
                "h_n_of_forward_from_wrong_end",
            ),
            implemented_by=(Network.last_states, Network.unroll),
        ),
        Rule(
            "S11",
            "h_n of the reverse direction is its h after time step 0, which it visits last.",
            ("h_n_of_reverse_from_wrong_end", "h_n_one_step_early_in_both_directions"),
            implemented_by=(Network.last_states, Network.unroll),
        ),
        Rule(
            "S12",
            "c_n is the cell itself after the last step. It is returned after h_n.",
            ("c_n_is_h_n", "c_n_after_tanh", "c_n_alone_zero", "h_n_c_n_swapped"),
            LSTM,
            implemented_by=(Network.last_states,),
        ),
        Rule(
            "S13",
            "Every layer and direction has a last state, ordered by layer, then direction.",
            (
                "h_n_direction_major",
                "h_n_layers_reversed",
                "h_n_directions_swapped",
                "h_n_of_last_layer_only",
                "h_n_of_first_layer_only",
                "h_n_of_forward_only",
                "?_n_alone_direction_major",
                "?_n_alone_with_layers_reversed",
                "h_n_reversed_without_batch",
            ),
            implemented_by=(Network.last_states,),
        ),
        Rule(
            "S14",
            "Last states are (layers·directions, batch, hidden), even if axes have size 1.",
            (
                "h_n_without_first_axis",
                "h_n_with_extra_axis",
                "h_n_batch_first",
                "h_n_reshaped_from_batch_first",
                "h_n_unpacked_over_batch",
                "h_n_squeezed",
            ),
            implemented_by=(Network.last_states,),
        ),
    ),
)
