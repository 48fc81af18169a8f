"""The facts about wrong outputs and gradients: how each is observed, and its sentence, with a hint on what to check."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from rnn_goldens.comparison.calls import ACCUMULATED, DIFFERS
from rnn_goldens.diagnosis import fault_location, gradient_errors, resemblance, step_candidates
from rnn_goldens.diagnosis.observation import Observation
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS

Value = bool | float
"""The value of a fact: whether it holds, or a number."""

NOT_REPEATABLE = "not_repeatable"
"""The name of the fact that the outputs of two calls differ."""

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


_OF_OUTPUTS: dict[str, Fact] = {
    NOT_REPEATABLE: Fact(
        lambda _: None,  # observed in a second call
        "not repeatable: a second call returns other values; is anything random, or state kept?",
        of_any=True,
    ),
    **{
        f"{name}_{what}": Fact(partial(fault_location.present, name), f"{name} {sentence}")
        for what, sentence in (
            ("missing", "is missing or not numeric: return it, or select others by --rnn-goldens-outputs"),
            ("shape", "has the wrong shape"),
            ("less_precise", "has a lower precision than declared: where is it cast?"),
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

_STEP_BEFORE = "look at the gradient that leaves the first step"
_SUMMED = "it is a sum over batch and time"

_ONLY: dict[str, tuple[tuple[str, ...], str]] = {
    "biases": (("bias_ih", "bias_hh"), "each is a sum over batch and time"),
    "start": (("h0", "c0"), _STEP_BEFORE),
    "input": (("weight_ih", "bias_ih"), "look at the gradient of W_ih x + b_ih"),
    "recurrent": (("weight_hh", "bias_hh"), "look at the gradient of W_hh h + b_hh"),
    "x": (("x",), "look at what passes through weight_ih, and how it is combined"),
    "h0": (("h0",), _STEP_BEFORE),
    "c0": (("c0",), _STEP_BEFORE),
    "weight_ih": (("weight_ih",), "look at which input it is multiplied with"),
    "weight_hh": (("weight_hh",), "look at which h it is multiplied with"),
    "bias_ih": (("bias_ih",), _SUMMED),
    "bias_hh": (("bias_hh",), _SUMMED),
}
"""Prefixes of the names of gradients, and the hint if only these are wrong."""

OF_SECOND_CALL = {ACCUMULATED: "gradients_add_up", DIFFERS: "second_gradients_differ"}
"""Meanings of wrong gradients of a second call, and the facts that say so."""

_OF_GRADIENTS: dict[str, Fact] = {
    "gradients_add_up": Fact(lambda _: None, ACCUMULATED, of_any=True),
    "second_gradients_differ": Fact(lambda _: None, DIFFERS, of_any=True, unless=("gradients_add_up",)),
    "gradients_not_finite": Fact(fault_location.not_finite, "there are NaN or infinite numbers in the gradients"),
    "gradients_all_zero": Fact(
        gradient_errors.all_zero, "every gradient is zero: are the cotangents read, and is anything detached?"
    ),
    "wrong_gradients_zero": Fact(
        gradient_errors.wrong_zero,
        "the wrong gradients are zero: does the backward pass reach them?",
        unless=("gradients_all_zero",),
    ),
    "gradients_right_to_float32": Fact(
        resemblance.right_to_float32, "all gradients are right to float32 precision: something is computed in float32"
    ),
    "gradients_factor": Fact(
        lambda observed: resemblance.factor(observed, observed.got), "every gradient is {:.6g} times the right one"
    ),
    "wrong_gradients_factor": Fact(
        lambda observed: resemblance.factor(observed, observed.wrong_ones),
        "the wrong gradients are {:.6g} times the right ones",
        unless=("gradients_factor",),
    ),
    "gradients_transposed": Fact(gradient_errors.transposed, "the wrong gradients are the right ones, transposed"),
    "gradient_gates_moved": Fact(
        gradient_errors.gates_moved, "the weights' gradients have the right rows in another order of the gates"
    ),
    **{
        f"{cell}_gate_rows_wrong": Fact(
            partial(gradient_errors.gate_rows, cell),
            "in the weights' gradients only the rows of {} are wrong",
            TWO,
            words=partial(gradient_errors.gates_in_words, cell),
        )
        for cell in ("lstm", "gru")
    },
    **{
        f"only_{name}_wrong": Fact(
            partial(gradient_errors.only, prefixes),
            f"only the {'gradients' if prefixes[1:] else 'gradient'} of {' and '.join(prefixes)} "
            f"{'are' if prefixes[1:] else 'is'} wrong: {hint}",
            unless=("wrong_gradients_zero", "gradients_transposed"),
        )
        for name, (prefixes, hint) in _ONLY.items()
    },
    "later_steps_right": Fact(
        gradient_errors.later_steps_right,
        "the gradient of x is right from time step {:.0f} on and wrong before: look at the gradient carried back",
    ),
    "top_layer_right": Fact(
        gradient_errors.top_layer_right,
        "the gradients of the last layer's weights are right, those below are wrong: look at the gradient passed down",
    ),
    **{
        f"{right}_gradients_right": Fact(
            partial(gradient_errors.direction_right, right),
            f"the gradients of the {right} direction's weights are right, those of the {wrong} direction's are wrong",
        )
        for right, wrong in (("forward", "reverse"), ("reverse", "forward"))
    },
}

FACTS_OF = {OUTPUTS: _OF_OUTPUTS, GRADIENTS: _OF_GRADIENTS}
"""Facts about outputs and about gradients, by name, the most informative first."""

FACTS: dict[str, Fact] = {**_OF_OUTPUTS, **_OF_GRADIENTS}
"""All facts by name."""
