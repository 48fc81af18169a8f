"""The facts about wrong outputs: how each is observed, and its sentence, which includes a hint on what to check."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from rnn_goldens.diagnosis import fault_location, resemblance, step_candidates
from rnn_goldens.diagnosis.flakiness import NOT_REPEATABLE
from rnn_goldens.diagnosis.observation import Observation

Value = bool | float
"""The value of a fact: whether it holds, or a number."""

IN_WORDS = {
    "bias": ("have biases", "have no biases"),
    "state": ("have an initial state", "have no initial state"),
    "multilayer": ("have several layers", "have one layer"),
    "bidirectional": ("run in both directions", "run in one direction"),
    "lengths": ("have sequences of several lengths", "have sequences of one length"),
    "unbatched": ("have no batch axis", "have a batch axis"),
    "saturated": ("saturate an activation", "do not saturate an activation"),
    "long": ("are long", "are short"),
    "packed": ("hold packed sequences", "hold no packed sequences"),
    "grouped": ("have several query heads for each head", "have one query head for each head"),
}
"""Features that a failure may depend on: a verb phrase for goldens with the feature, and one for goldens without it."""


def exclusion_hint(options: Sequence[str]) -> str:
    """Return how to exclude the goldens that have any of these options."""
    quoted = ", ".join(f'"{option}"' for option in options)
    return f"to exclude them, without=[{quoted}]"


SIZES_IN_WORDS = {"steps": "time step", "rows": "row", "units": "unit", "inputs": "input"}
"""Sizes that a failure may depend on."""

HALF = 0
"""Value of ``Fact.enough``: half of the failures."""

TWO = 2
"""Value of ``Fact.enough`` for facts that only a few simple goldens can show: two of them are not a coincidence."""


@dataclass(frozen=True)
class Fact:
    """A fact that can be observed in wrong outputs or gradients.

    Attributes:
        observe: returns whether the fact holds, or its number; None if the fact cannot be observed.
        sentence: the text, with braces for the number.
        enough: the number of failures that must show the fact (all, if there are fewer); ``HALF`` for half of them.
        of_out: whether the fact can be observed in out alone.
        of_recurrences: whether the fact can be observed in a recurrence, too. Its sentence names no array.
        of_any: whether one failure is enough to report the fact, whatever other failures show.
        of_match: whether the fact describes what outputs match, or where they are wrong. Such a fact is not observed if
            the outputs are nearly right.
        of_equations: whether the fact blames the equations of a step. Then it is reported only if most goldens fail, as
            they do with a wrong equation.
        of_most: whether the number is the maximum over all failures; else all failures must have the same number.
        unless: more specific facts that replace this fact.
        words: returns the text for the number, if the number is a code.
    """

    observe: Callable[[Observation], Value | None]
    sentence: str
    enough: int = HALF
    of_out: bool = False
    of_recurrences: bool = False
    of_any: bool = False
    of_match: bool = False
    of_equations: bool = False
    of_most: bool = False
    unless: tuple[str, ...] = ()
    words: Callable[[Value], str] | None = None

    def text(self, value: Value) -> str:
        """Return the sentence with the number, or its text, inserted."""
        return self.sentence.format(value if self.words is None else self.words(value))


FACTS: dict[str, Fact] = {
    NOT_REPEATABLE: Fact(
        lambda _: None,  # observed in a second call
        "not repeatable: a second call returns other values; is anything random, or state kept?",
        of_any=True,
    ),
    **{
        f"{name}_missing": Fact(
            partial(fault_location.present, name),
            f"{name} is missing or not numeric: return it, or select others by --rnn-goldens-outputs",
        )
        for name in ("out", "h_n", "c_n")
    },
    **{
        f"{name}_shape": Fact(partial(fault_location.present, name), f"{name} has the wrong shape")
        for name in ("out", "h_n", "c_n")
    },
    **{
        f"{name}_less_precise": Fact(
            partial(fault_location.present, name), f"{name} has a lower precision than declared: where is it cast?"
        )
        for name in ("out", "h_n", "c_n")
    },
    "c_n_unexpected": Fact(
        lambda _: None,  # not one of the cell's outputs
        "c_n was returned, but this cell has no c_n: leave it out",
    ),
    "not_finite": Fact(
        fault_location.not_finite,
        "there are NaN or infinite numbers in the outputs",
        of_out=True,
        of_recurrences=True,
    ),
    "no_step_updates": Fact(
        resemblance.no_step_updates,
        "no step updates the state: outputs are zero, and the last states are the initial ones",
        TWO,
        of_recurrences=True,
    ),
    "all_zero": Fact(
        resemblance.all_zero,
        "the output of every step is zero: is it ever written?",
        of_out=True,
        of_recurrences=True,
        unless=("no_step_updates",),
    ),
    "out_is_initial": Fact(
        resemblance.out_is_initial, "out is h0 at every step: is the new state ever kept?", TWO, of_out=True
    ),
    "still_initial": Fact(
        resemblance.still_initial,
        "h_n is h0: is the state passed on, and is the last one returned?",
        TWO,
        unless=("no_step_updates",),
    ),
    "nearly_right": Fact(
        resemblance.nearly_right,
        "the largest error is {:.2g} times the tolerance: approximated or less precise?",
        of_most=True,
        of_recurrences=True,
    ),
    "right_to_float32": Fact(
        resemblance.right_to_float32,
        "everything is right to float32 precision: something is computed in float32",
        of_recurrences=True,
    ),
    "small_error": Fact(
        resemblance.small_error,
        "the largest error is {:.1g} times the largest value: rounded or approximated?",
        of_most=True,
        of_out=True,
        of_recurrences=True,
        unless=("nearly_right", "right_to_float32"),
    ),
    "numbers_of_float32": Fact(
        resemblance.numbers_of_float32,
        "every wrong array has only float32 values: it or its buffer is cast",
        of_recurrences=True,
    ),
    "only_h_n": Fact(
        partial(fault_location.only, "h_n"),
        "out and c_n are right, only h_n is wrong: look at how it is returned",
        of_match=True,
    ),
    "only_c_n": Fact(
        partial(fault_location.only, "c_n"),
        "out and h_n are right, only c_n is wrong: look at how it is returned",
        of_match=True,
    ),
    "only_last_states": Fact(
        fault_location.only_last_states,
        "out is right; the last states are wrong: look at how they are returned",
        unless=("only_h_n", "only_c_n"),
        of_match=True,
    ),
    "h_n_is_c_n": Fact(resemblance.h_n_is_c_n, "h_n is what c_n should be", of_match=True),
    "h_n_factor": Fact(resemblance.h_n_factor, "h_n is {:.6g} times the right one", of_match=True),
    "h_n_same_numbers": Fact(resemblance.h_n_same_numbers, "h_n has the right values in another order", of_match=True),
    "only_out": Fact(
        fault_location.only_out,
        "the last states are right; out is wrong: look at how it is assembled",
        of_match=True,
    ),
    "only_c": Fact(
        step_candidates.only_c,
        "after one step h_n follows from c_n, which is wrong: no single gate explains it",
        TWO,
        of_match=True,
    ),
    "c_right": Fact(
        fault_location.c_right,
        "after one step c_n is right, h_n is wrong: look at the output gate and the tanh",
        TWO,
        unless=("constant_factor", "not_finite"),
    ),
    "fed_times": Fact(
        step_candidates.fed_times,
        "upper layers receive {:.3g} times the output of the layer below; they are otherwise right",
        1,
        of_match=True,
    ),
    "upper_layers_follow": Fact(
        step_candidates.upper_layers_follow,
        "upper layers are right, given their inputs: look at the first layer",
        1,
        of_match=True,
    ),
    "first_layer_right": Fact(
        fault_location.first_layer_right,
        "the first layer's last states are right: look at the upper layers and their inputs",
    ),
    "forward_right": Fact(
        fault_location.forward_right, "the forward direction is right, the reverse direction is wrong", TWO, of_out=True
    ),
    "reverse_right": Fact(
        fault_location.reverse_right, "the reverse direction is right, the forward direction is wrong", TWO, of_out=True
    ),
    "first_row_right": Fact(
        fault_location.first_row_right,
        "the first row of a batch is right, others are wrong",
        of_out=True,
        of_match=True,
    ),
    "only_beyond_lengths": Fact(
        fault_location.only_beyond_lengths, "out is right within the lengths, and wrong beyond them", of_out=True
    ),
    "same_numbers_by_unit": Fact(
        resemblance.same_numbers_by_unit,
        "out has the right values in another order of the units",
        of_out=True,
        of_match=True,
    ),
    "same_numbers_by_step": Fact(
        resemblance.same_numbers_by_step,
        "out has the right values in another order of the steps",
        of_out=True,
        of_match=True,
    ),
    "one_step_late": Fact(
        resemblance.one_step_late, "out is right, but one step late", TWO, of_out=True, of_match=True
    ),
    "one_step_early": Fact(
        resemblance.one_step_early, "out is right, but one step early", TWO, of_out=True, of_match=True
    ),
    "repeats": Fact(
        resemblance.repeats,
        "out is the same at every step: is the state, or x, ever read?",
        TWO,
        of_out=True,
        unless=("all_zero", "out_is_initial", "not_finite"),
    ),
    "constant_factor": Fact(
        resemblance.constant_factor,
        "out is {:.6g} times the right one",
        of_out=True,
        unless=("all_zero",),
        of_match=True,
    ),
    **{
        f"only_gate_{letter}": Fact(
            partial(step_candidates.only_gate, letter),
            "from the equations of one step: if one gate is wrong, it is "
            f"{letter}{', or r, which acts on n' * (letter == 'n')}",
            TWO,
            of_match=True,
            of_equations=True,
            unless=("constant_factor", "all_zero", "only_out", "repeats"),
        )
        for letter in "ifgozn"
    },
    "every_step_follows": Fact(
        step_candidates.every_step_follows,
        "each step is right, given the state before it: look at the initial state",
        TWO,
        of_out=True,
        of_match=True,
    ),
    "no_step_follows": Fact(
        step_candidates.no_step_follows,
        "no step is right, given the state before it: look at the step or its inputs",
        TWO,
        of_out=True,
        unless=("all_zero", "first_row_right", "repeats", "not_finite", "constant_factor"),
        of_match=True,
    ),
    "wrong_from_step": Fact(
        fault_location.wrong_from_step,
        "outputs are right before time step {:.0f} and wrong from there on",
        of_out=True,
        of_recurrences=True,
    ),
    "grows": Fact(fault_location.grows, "the error grows from step to step", of_out=True),
    "first_step_right": Fact(
        fault_location.first_step_right,
        "the first step is right: look at the state passed on, and at which x is read",
        TWO,
        of_out=True,
        unless=("wrong_from_step",),
    ),
    "right_from_zero": Fact(
        fault_location.right_from_zero,
        "the first step from a zero state is right: look at the recurrent part",
        TWO,
        of_out=True,
        unless=("first_step_right", "wrong_from_step"),
    ),
    "wrong_from_first_step": Fact(
        fault_location.wrong_from_first_step,
        "the first step is wrong already",
        TWO,
        of_out=True,
        unless=("all_zero", "not_finite", "constant_factor"),
    ),
}
"""Facts by name, the most informative first."""
