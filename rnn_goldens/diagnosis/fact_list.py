"""The facts there are: how each is seen, and how it is said. What it asks to be done is part of the sentence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from rnn_goldens.diagnosis import asked_alone, resemblance, where_wrong
from rnn_goldens.diagnosis.repeated import NOT_REPEATABLE
from rnn_goldens.diagnosis.seen import Seen

Value = bool | float
"""Whether a fact is so; a number, if it is, where the fact has one."""

IN_WORDS = {
    "bias": ("have biases", "have no biases"),
    "state": ("are given an initial state", "are given no initial state"),
    "multilayer": ("have several layers", "have one layer"),
    "bidirectional": ("run in both directions", "run in one direction"),
    "lengths": ("have sequences of several lengths", "have sequences of one length"),
    "unbatched": ("have no batch axis", "have a batch axis"),
    "saturated": ("saturate an activation", "saturate no activation"),
    "long": ("are long", "are short"),
}
"""Features that a cause may hang on: what goldens do that have it, and those that have it not."""


def leave_out(options: Sequence[str]) -> str:
    """How to leave out the goldens that have one of some options."""
    quoted = ", ".join(f'"{option}"' for option in options)
    return f"to leave them out, without=[{quoted}]"


SIZES_IN_WORDS = {"steps": "time step", "rows": "row", "units": "unit", "inputs": "input"}
"""Sizes that a cause may hang on."""

HALF = 0
"""In place of a number of failures: so many of them as there are in half."""

FEW = 2
"""What few goldens can show, simple ones, and chance does not in two."""


@dataclass(frozen=True)
class Fact:
    """What may be seen in outputs, or in gradients.

    Attributes:
        see: whether it is so, or with which number; None where it can not be seen.
        sentence: how it is said; the number goes into its braces.
        enough: so many failures have to show it, or all that there are.
        of_out: whether out alone shows it.
        of_any: whether it is told if it is so of one, whatever others show.
        of_likeness: whether it says what outputs resemble, or where they are wrong, which tells nothing where they are
            nearly right.
        of_most: whether its number is the largest of all failures, rather than the same in all.
        unless: facts beside which it is not told, for they say more.
        words: what the sentence says for a number that stands for something else.
    """

    see: Callable[[Seen], Value | None]
    sentence: str
    enough: int = HALF
    of_out: bool = False
    of_any: bool = False
    of_likeness: bool = False
    of_most: bool = False
    unless: tuple[str, ...] = ()
    words: Callable[[Value], str] | None = None

    def said(self, value: Value) -> str:
        """The sentence, with the number in it, or the words for the number."""
        return self.sentence.format(value if self.words is None else self.words(value))


FACTS: dict[str, Fact] = {
    NOT_REPEATABLE: Fact(
        lambda _: None,  # it is seen in a second answer
        "not repeatable: asked again, it gives other numbers; is something random or left over?",
        of_any=True,
    ),
    **{
        f"{name}_missing": Fact(
            partial(where_wrong.there, name),
            f"{name} is missing, or holds no real numbers: look at what is returned for it",
        )
        for name in ("out", "h_n", "c_n")
    },
    **{
        f"{name}_shape": Fact(partial(where_wrong.there, name), f"{name} has another shape than it should")
        for name in ("out", "h_n", "c_n")
    },
    **{
        f"{name}_less_precise": Fact(
            partial(where_wrong.there, name), f"{name} is of a lower precision than what is asked: where is it cast?"
        )
        for name in ("out", "h_n", "c_n")
    },
    "c_n_unexpected": Fact(
        lambda _: None,  # it is not in the outputs of the cell
        "c_n came, which this cell does not have: return out and h_n alone",
    ),
    "not_finite": Fact(where_wrong.not_finite, "there are NaN or infinite numbers in the outputs", of_out=True),
    "all_zero": Fact(resemblance.all_zero, "out is zero everywhere: is it ever written?", of_out=True),
    "out_is_initial": Fact(
        resemblance.out_is_initial, "out is h0 at every step: is the new state ever kept?", FEW, of_out=True
    ),
    "still_initial": Fact(
        resemblance.still_initial, "h_n is h0: is the state carried on, and is the last one returned?", FEW
    ),
    "nearly_right": Fact(
        resemblance.nearly_right,
        "at most {:.2g} times the tolerance: approximated, of lower precision, or rounded on the way",
        of_most=True,
    ),
    "right_to_float32": Fact(
        resemblance.right_to_float32, "all is right to float32's precision: something is computed in float32"
    ),
    "numbers_of_float32": Fact(
        resemblance.numbers_of_float32, "every number of what is wrong is one of float32: it is cast, or its buffer is"
    ),
    "only_h_n": Fact(
        partial(where_wrong.only, "h_n"),
        "out and c_n are right, h_n alone is wrong: look at how it is returned",
        of_likeness=True,
    ),
    "only_c_n": Fact(
        partial(where_wrong.only, "c_n"),
        "out and h_n are right, c_n alone is wrong: look at how it is returned",
        of_likeness=True,
    ),
    "only_last_states": Fact(
        where_wrong.only_last_states,
        "out is right; the last states are wrong: look at how they are returned",
        unless=("only_h_n", "only_c_n"),
        of_likeness=True,
    ),
    "h_n_is_c_n": Fact(resemblance.h_n_is_c_n, "h_n is what c_n should be", of_likeness=True),
    "h_n_factor": Fact(resemblance.h_n_factor, "h_n is {:.6g} times the right one", of_likeness=True),
    "h_n_same_numbers": Fact(
        resemblance.h_n_same_numbers, "h_n holds the right numbers in another order", of_likeness=True
    ),
    "only_out": Fact(
        where_wrong.only_out,
        "the last states are right; out is wrong: look at how it is put together",
        of_likeness=True,
    ),
    "only_c": Fact(
        asked_alone.only_c,
        "after one step h_n follows from the c_n that came: c is wrong, by no single gate",
        FEW,
        of_likeness=True,
    ),
    "c_right": Fact(
        where_wrong.c_right,
        "after one step c_n is right, h_n is wrong: look at what follows c, o and the tanh",
        FEW,
        unless=("constant_factor", "not_finite"),
    ),
    "fed_times": Fact(
        asked_alone.fed_times,
        "upper layers are fed {:.3g} times what the layer below gives, and go on rightly from that",
        1,
        of_likeness=True,
    ),
    "upper_layers_follow": Fact(
        asked_alone.upper_layers_follow,
        "upper layers are right, given what they are fed: look at the first layer",
        1,
        of_likeness=True,
    ),
    "first_layer_right": Fact(
        where_wrong.first_layer_right,
        "the first layer's last states are right: look above it, and at what upper layers get",
    ),
    "forward_right": Fact(
        where_wrong.forward_right, "the forward direction is right, the reverse direction is wrong", FEW, of_out=True
    ),
    "reverse_right": Fact(
        where_wrong.reverse_right, "the reverse direction is right, the forward direction is wrong", FEW, of_out=True
    ),
    "first_row_right": Fact(
        where_wrong.first_row_right,
        "the first row of a batch is right, others are wrong",
        of_out=True,
        of_likeness=True,
    ),
    "only_beyond_lengths": Fact(
        where_wrong.only_beyond_lengths, "out is right within the lengths, and wrong beyond them", of_out=True
    ),
    "same_numbers_by_unit": Fact(
        resemblance.same_numbers_by_unit,
        "out holds the right numbers in another order of the units",
        of_out=True,
        of_likeness=True,
    ),
    "same_numbers_by_step": Fact(
        resemblance.same_numbers_by_step,
        "out holds the right numbers in another order of the steps",
        of_out=True,
        of_likeness=True,
    ),
    "one_step_late": Fact(
        resemblance.one_step_late, "out is right, but one step late", FEW, of_out=True, of_likeness=True
    ),
    "one_step_early": Fact(
        resemblance.one_step_early, "out is right, but one step early", FEW, of_out=True, of_likeness=True
    ),
    "repeats": Fact(
        resemblance.repeats,
        "out is the same at every step: is the state, or x, ever read?",
        FEW,
        of_out=True,
        unless=("all_zero", "out_is_initial", "not_finite"),
    ),
    "constant_factor": Fact(
        resemblance.constant_factor,
        "out is {:.6g} times the right one",
        of_out=True,
        unless=("all_zero",),
        of_likeness=True,
    ),
    **{
        f"only_gate_{letter}": Fact(
            partial(asked_alone.only_gate, letter),
            "one step, solved back: if a single gate is off, it is "
            f"{letter}{', or r, which acts through it' * (letter == 'n')}",
            FEW,
            of_likeness=True,
            unless=("constant_factor", "all_zero", "only_out"),
        )
        for letter in "ifgozn"
    },
    "every_step_follows": Fact(
        asked_alone.every_step_follows,
        "each step is right, given the state before it: look at the start",
        FEW,
        of_out=True,
        of_likeness=True,
    ),
    "no_step_follows": Fact(
        asked_alone.no_step_follows,
        "no step follows from the state before it: look at the step, or what it is fed",
        FEW,
        of_out=True,
        unless=("all_zero", "first_row_right", "repeats", "not_finite"),
        of_likeness=True,
    ),
    "wrong_from_step": Fact(
        where_wrong.wrong_from_step, "out is right before time step {:.0f}, and wrong from there on", of_out=True
    ),
    "grows": Fact(where_wrong.grows, "the error grows from step to step", of_out=True),
    "first_step_right": Fact(
        where_wrong.first_step_right,
        "the first step is right: look at what is carried on, and at which x is read",
        FEW,
        of_out=True,
        unless=("wrong_from_step",),
    ),
    "right_from_zero": Fact(
        where_wrong.right_from_zero,
        "a first step from a state of zero is right: look at what the state goes through",
        FEW,
        of_out=True,
        unless=("first_step_right", "wrong_from_step"),
    ),
    "wrong_from_first_step": Fact(
        where_wrong.wrong_from_first_step,
        "the first step is wrong already",
        FEW,
        of_out=True,
        unless=("all_zero", "not_finite", "constant_factor"),
    ),
}
"""By name, what tells most first."""
