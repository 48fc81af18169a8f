"""Time, batch and units: the axes of x and out."""

from rnn_goldens.cells import Case, Network
from rnn_goldens.generator.rules.rule import Group, Rule

AXES = Group(
    "A",
    "Time, batch and units",
    (
        Rule(
            "A1",
            "The forward direction visits every time step once, from the first to the last.",
            (
                "x_reversed",
                "first_x_everywhere",
                "first_step_skipped",
                "last_step_skipped",
                "every_other_step_skipped",
            ),
            said_by=(Network.times, Network.unroll),
        ),
        Rule("A2", "Step t reads x at t.", ("x_late", "x_early", "first_x_everywhere"), said_by=(Network.step,)),
        Rule(
            "A3",
            "out at t is h after step t, and not before it, nor c.",
            ("out_of_step_before", "out_is_last_step_everywhere", "out_reversed", "out_is_c", "out_activated_again"),
            said_by=(Network.emit,),
        ),
        Rule(
            "A4",
            "out has every time step: (batch, time, directions·hidden), whatever is of size 1.",
            (
                "out_of_last_step_only",
                "out_time_major",
                "out_reshaped_to_batch_first",
                "out_merges_time_and_units",
                "out_squeezed",
            ),
            said_by=(Network.run,),
        ),
        Rule(
            "A5",
            "x is (batch, time, input).",
            ("batch_and_time_exchanged", "x_reshaped_to_time_major", "x_and_out_taken_for_time_major"),
            said_by=(Network.run,),
        ),
        Rule(
            "A6",
            "Each row of the batch reads its own x, goes its own way, and is returned in its place.",
            (
                "x_of_first_row",
                "rows_reversed",
                "out_of_first_row_for_all",
                "state_of_row_before",
                "state_of_first_row",
                "state_leaks_across_rows",
                "h_alone_of_row_before",
                "c_alone_of_row_before",
                "gru_b_hn_accumulates_over_rows",
                "reverse_flips_batch",
            ),
        ),
        Rule(
            "A7",
            "Every row is computed, however many there are.",
            ("*rows_beyond_*_not_computed", "last_odd_row_not_computed"),
        ),
        Rule(
            "A8",
            "Units keep their order in out and in the last states.",
            ("units_reversed", "h_n_units_reversed", "?_n_alone_with_units_reversed"),
        ),
        Rule(
            "A9",
            "Input without a batch axis is a batch of one, whose axis the outputs do not have.",
            (
                "unbatched_kept_as_batch",
                "state_not_zero_without_batch",
                "c_not_zero_without_batch",
                "states_reversed_without_batch",
                "h_n_reversed_without_batch",
            ),
            said_by=(Case.as_batch,),
        ),
        Rule(
            "A10",
            "A sequence may have any number of steps.",
            ("*steps_beyond_*_not_visited",),
        ),
        Rule(
            "A11",
            "Every unit is computed, however many there are.",
            ("units_beyond_*_not_computed",),
        ),
    ),
)
