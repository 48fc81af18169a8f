"""Sequences that are shorter than the time axis."""

from rnn_goldens.cells import Network
from rnn_goldens.generator.rules.rule import Group, Rule

LENGTHS = Group(
    "L",
    "Lengths",
    (
        Rule(
            "L1",
            "A sequence takes part in the time steps within its own length, and in no other.",
            ("lengths_ignored", "lengths_one_too_short", "lengths_one_too_long"),
            said_by=(Network.within, Network.unroll),
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
            said_by=(Network.within,),
        ),
        Rule(
            "L3",
            "out is zero beyond a sequence's end.",
            ("lengths_ignored", "outputs_not_zeroed", "outputs_computed_in_padding", "out_not_written_beyond_longest"),
            said_by=(Network.emit,),
        ),
        Rule(
            "L4",
            "h_n and c_n are the state after a sequence's own last step.",
            (
                "state_runs_through_padding",
                "c_runs_through_padding",
                "state_zeroed_in_padding",
                "h_n_from_padded_end",
            ),
            said_by=(Network.unroll,),
        ),
        Rule(
            "L5",
            "The reverse direction starts at each sequence's own end, from its initial state.",
            ("reverse_starts_in_padding", "reverse_starts_in_zeroed_padding", "reverse_flips_padding"),
            said_by=(Network.within,),
        ),
        Rule(
            "L6",
            "The reverse direction's out stands at the times that it was computed at.",
            ("reverse_not_realigned",),
            said_by=(Network.emit,),
        ),
        Rule("L7", "A sequence is at the front of its row.", ("padding_in_front", "h0_lands_on_padding")),
        Rule(
            "L8",
            "Lengths come in any order, and every array has the order of the rows of x.",
            ("rows_left_sorted", "states_left_sorted", "h0_not_sorted"),
        ),
        Rule(
            "L9",
            "Lengths hold in every layer.",
            ("lengths_ignored_by_upper_layers",),
            said_by=(Network.run,),
        ),
        Rule(
            "L10",
            "out has as many time steps as x, also where every sequence is shorter.",
            ("out_cut_to_longest", "out_not_written_beyond_longest"),
            said_by=(Network.emit,),
        ),
        Rule(
            "L11",
            "What x holds beyond a sequence's end counts for nothing, NaN and infinity included.",
            said_by=(Network.unroll,),
            unbroken="goldens hold other numbers there (L1), and all are finite, as files may hold no others",
        ),
        Rule(
            "L12",
            "A sequence of no steps leaves its state as it was, and its out zero.",
            said_by=(Network.within,),
            unbroken="lengths in goldens are 1 or more; PyTorch refuses 0",
        ),
    ),
)
