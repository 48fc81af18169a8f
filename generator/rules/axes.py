"""Rules about the axes of x and out: time, batch and units."""

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
                "reverse_computed",
                "first_x_everywhere",
                "first_step_skipped",
                "last_step_skipped",
                "every_other_step_skipped",
            ),
            implemented_by=(Network.times, Network.unroll),
        ),
        Rule("A2", "Step t reads x at t.", ("x_late", "x_early", "first_x_everywhere"), implemented_by=(Network.step,)),
        Rule(
            "A3",
            "out at t is h after step t: not h before it, and not c.",
            ("out_of_step_before", "out_is_last_step_everywhere", "out_reversed", "out_is_c", "out_activated_again"),
            implemented_by=(Network.emit,),
        ),
        Rule(
            "A4",
            "out has every time step: (batch, time, directions·hidden), even if axes have size 1.",
            (
                "out_of_last_step_only",
                "out_time_major",
                "out_reshaped_to_batch_first",
                "out_merges_time_and_units",
                "out_squeezed",
            ),
            implemented_by=(Network.run,),
        ),
        Rule(
            "A5",
            "x is (batch, time, input).",
            ("batch_and_time_exchanged", "x_reshaped_to_time_major", "x_and_out_taken_for_time_major"),
            implemented_by=(Network.run,),
        ),
        Rule(
            "A6",
            "Each row of the batch depends only on its own x and state, and is returned in the same row.",
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
            "Every row is computed, for any number of rows.",
            ("*rows_beyond_*_not_computed", "last_odd_row_not_computed"),
        ),
        Rule(
            "A8",
            "Units keep their order in out and in last states.",
            ("units_reversed", "h_n_units_reversed", "?_n_alone_with_units_reversed"),
        ),
        Rule(
            "A9",
            "Input without a batch axis is computed as a batch of one; outputs have no batch axis either.",
            (
                "unbatched_kept_as_batch",
                "state_not_zero_without_batch",
                "c_not_zero_without_batch",
                "states_reversed_without_batch",
                "h_n_reversed_without_batch",
            ),
            implemented_by=(Case.as_batch,),
        ),
        Rule(
            "A10",
            "A sequence may have any number of steps.",
            ("*steps_beyond_*_not_visited",),
        ),
        Rule(
            "A11",
            "Every unit is computed, for any number of units.",
            ("units_beyond_*_not_computed",),
        ),
    ),
)
