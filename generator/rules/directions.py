"""Rules about directions and layers."""

from rnn_goldens.cells import Network
from rnn_goldens.generator.rules.rule import Group, Rule

DIRECTIONS = Group(
    "D",
    "Directions",
    (
        Rule(
            "D1",
            "The reverse direction visits every time step once, from the last to the first.",
            (
                "reverse_not_reversed",
                "reverse_flips_output_only",
                "reverse_flips_batch",
                "last_step_skipped_in_reverse",
                "reverse_missing",
            ),
            implemented_by=(Network.times,),
        ),
        Rule(
            "D2",
            "The output of the reverse direction is in chronological order.",
            ("reverse_not_flipped_back", "reverse_flips_output_only"),
            implemented_by=(Network.unroll,),
        ),
        Rule(
            "D3",
            "Each direction has its own weights; those of the reverse direction are named …_reverse.",
            ("reverse_uses_forward_*", "directions_weights_swapped", "weights_direction_major"),
            implemented_by=(Network.weights,),
        ),
        Rule(
            "D4",
            "out has the units of the forward direction first, then those of the reverse direction.",
            (
                "directions_joined_in_wrong_order",
                "directions_interleaved",
                "directions_stacked_and_reshaped",
                "directions_added",
            ),
            implemented_by=(Network.join,),
        ),
        Rule(
            "D5",
            "The directions of a layer are independent of each other.",
            ("reverse_starts_from_forward_end",),
            implemented_by=(Network.run,),
        ),
    ),
)

LAYERS = Group(
    "Y",
    "Layers",
    (
        Rule(
            "Y1",
            "An upper layer's input is the out of the layer below, step by step.",
            ("upper_layers_see_x", "upper_layers_see_last_step"),
            implemented_by=(Network.run,),
        ),
        Rule(
            "Y2",
            "An upper layer's input has the units of both directions, forward first.",
            ("reverse_hidden_from_upper_layers", "upper_layers_read_input_size", "directions_joined_in_wrong_order"),
            implemented_by=(Network.join,),
        ),
        Rule(
            "Y3",
            "A layer's output goes to the next layer unchanged: no activation, scale, residual or dropout.",
            (
                "relu_between_layers",
                "tanh_between_layers",
                "residual_between_layers",
                "dropout_left_on",
                "dropout_of_half_left_on",
                "dropout_scaling_left_on",
            ),
            implemented_by=(Network.join,),
        ),
        Rule(
            "Y4",
            "Each layer has its own weights.",
            ("layer_0_weights_reused", "layer_0_w_hh_reused", "layer_0_biases_reused", "weights_direction_major"),
            implemented_by=(Network.weights,),
        ),
        Rule("Y5", "out is the output of the last layer.", ("out_of_first_layer",), implemented_by=(Network.run,)),
        Rule(
            "Y6",
            "There may be any number of layers.",
            implemented_by=(Network.run,),
            why_unbroken="goldens have at most nine layers, and no deviation depends on their number",
        ),
    ),
)
