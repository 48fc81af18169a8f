"""Rules about sequences that are shorter than the time axis."""

from rnn_goldens.cells import Network
from rnn_goldens.generator.rules.rule import Group, Rule

LENGTHS = Group(
    "L",
    "Lengths",
    (
        Rule(
            "L1",
            "A sequence has only the time steps within its own length.",
            ("lengths_ignored", "lengths_one_too_short", "lengths_one_too_long"),
            implemented_by=(Network.within, Network.unroll),
        ),
        Rule(
            "L2",
            "Each row has its own length.",
            (
                "lengths_of_wrong_row",
                "lengths_of_first_row",
                "lengths_of_rows_beyond_*_not_read",
                "lengths_all_longest",
                "lengths_all_shortest",
            ),
            implemented_by=(Network.within,),
        ),
        Rule(
            "L3",
            "out is zero beyond the end of a sequence.",
            ("lengths_ignored", "outputs_not_zeroed", "outputs_computed_in_padding", "out_not_written_beyond_longest"),
            implemented_by=(Network.emit,),
        ),
        Rule(
            "L4",
            "h_n and c_n are the state after the last step of each sequence.",
            (
                "state_runs_through_padding",
                "c_runs_through_padding",
                "state_zeroed_in_padding",
                "h_n_from_padded_end",
            ),
            implemented_by=(Network.unroll,),
        ),
        Rule(
            "L5",
            "The reverse direction starts at the end of each sequence, from its initial state.",
            ("reverse_starts_in_padding", "reverse_starts_in_zeroed_padding", "reverse_flips_padding"),
            implemented_by=(Network.within,),
        ),
        Rule(
            "L6",
            "The output of the reverse direction is at the time steps at which it was computed.",
            ("reverse_not_realigned",),
            implemented_by=(Network.emit,),
        ),
        Rule("L7", "A sequence is at the beginning of its row.", ("padding_in_front", "h0_lands_on_padding")),
        Rule(
            "L8",
            "Lengths may be in any order, and all arrays keep the order of the rows of x.",
            ("rows_left_sorted", "states_left_sorted", "h0_not_sorted"),
        ),
        Rule(
            "L9",
            "Lengths apply to every layer.",
            ("lengths_ignored_by_upper_layers",),
            implemented_by=(Network.run,),
        ),
        Rule(
            "L10",
            "out has as many time steps as x, even if every sequence is shorter.",
            ("out_cut_to_longest", "out_not_written_beyond_longest"),
            implemented_by=(Network.emit,),
        ),
        Rule(
            "L11",
            "Values of x beyond a sequence's end are ignored, NaN and infinity included.",
            implemented_by=(Network.unroll,),
            why_unbroken="goldens have finite numbers there (see L1); files cannot contain others",
        ),
        Rule(
            "L12",
            "For a sequence of length 0, the state is unchanged and out is zero.",
            implemented_by=(Network.within,),
            why_unbroken="lengths in goldens are at least 1; PyTorch does not accept 0",
        ),
    ),
)
