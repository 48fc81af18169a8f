"""The facts there are: how each is seen, and how it is said. What it asks to be done is part of the sentence."""

from collections.abc import Callable
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


@dataclass(frozen=True)
class Fact:
    """What may be seen in outputs.

    Attributes:
        see: whether it is so, or with which number; None where it can not be seen.
        sentence: how it is said; the number goes into its braces.
        of_few: whether only few goldens can show it, simple ones, and that is enough.
        of_out: whether out alone shows it.
        of_any: whether it is told if it is so of one, whatever others show.
    """

    see: Callable[[Seen], Value | None]
    sentence: str
    of_few: bool = False
    of_out: bool = False
    of_any: bool = False


FACTS: dict[str, Fact] = {
    NOT_REPEATABLE: Fact(
        lambda _: None,  # it is seen in a second answer
        "not repeatable: asked again, it gives other numbers; is something random or left over?",
        of_any=True,
    ),
    **{
        f"{name}_shape": Fact(partial(where_wrong.shape, name), f"{name} has another shape than it should")
        for name in ("out", "h_n", "c_n")
    },
    "not_finite": Fact(where_wrong.not_finite, "there are NaN or infinite numbers in the outputs"),
    "all_zero": Fact(resemblance.all_zero, "out is zero everywhere: is it ever written?", of_out=True),
    "still_initial": Fact(resemblance.still_initial, "h_n is h0: the state is not carried on", of_few=True),
    "right_to_float32": Fact(
        resemblance.right_to_float32, "all is right to float32's precision: something is computed in float32"
    ),
    "numbers_of_float32": Fact(
        resemblance.numbers_of_float32, "every number of what is wrong is one of float32: it is cast, or its buffer is"
    ),
    "only_last_states": Fact(where_wrong.only_last_states, "out is right; the last states are wrong"),
    "only_out": Fact(where_wrong.only_out, "the last states are right; out is wrong"),
    "c_right": Fact(where_wrong.c_right, "c_n is right, h_n is wrong: look at what follows the cell, o and its tanh"),
    "fed_times": Fact(
        asked_alone.fed_times,
        "upper layers are fed {:.3g} times what the layer below gives, and go on rightly from that",
        of_few=True,
    ),
    "upper_layers_follow": Fact(
        asked_alone.upper_layers_follow,
        "upper layers are right, given what they are fed: look at the first layer",
        of_few=True,
    ),
    "first_layer_right": Fact(
        where_wrong.first_layer_right, "the first layer's last states are right: look at what upper layers get"
    ),
    "forward_right": Fact(
        where_wrong.forward_right, "the forward direction is right, the reverse direction is wrong", of_out=True
    ),
    "reverse_right": Fact(
        where_wrong.reverse_right, "the reverse direction is right, the forward direction is wrong", of_out=True
    ),
    "first_row_right": Fact(
        where_wrong.first_row_right, "the first row of a batch is right, others are wrong", of_out=True
    ),
    "only_beyond_lengths": Fact(
        where_wrong.only_beyond_lengths, "out is right within the lengths, and wrong beyond them", of_out=True
    ),
    "same_numbers_by_unit": Fact(
        resemblance.same_numbers_by_unit, "out holds the right numbers in another order of the units", of_out=True
    ),
    "same_numbers_by_step": Fact(
        resemblance.same_numbers_by_step, "out holds the right numbers in another order of the steps", of_out=True
    ),
    "one_step_late": Fact(resemblance.one_step_late, "out is right, but one step late", of_few=True, of_out=True),
    "one_step_early": Fact(resemblance.one_step_early, "out is right, but one step early", of_few=True, of_out=True),
    "repeats": Fact(
        resemblance.repeats, "out is the same at every step: is the state, or x, ever read?", of_few=True, of_out=True
    ),
    "constant_factor": Fact(resemblance.constant_factor, "out is {:.3g} times the right one", of_out=True),
    **{
        f"only_gate_{letter}": Fact(
            partial(asked_alone.only_gate, letter),
            f"one step, solved back: {letter} is off; no other gate alone could give these numbers",
            of_few=True,
        )
        for letter in "ifgozn"
    },
    "every_step_follows": Fact(
        asked_alone.every_step_follows,
        "each step is right, given the state before it: look at the start",
        of_few=True,
        of_out=True,
    ),
    "no_step_follows": Fact(
        asked_alone.no_step_follows,
        "no step follows from the state before it: look at the step itself",
        of_few=True,
        of_out=True,
    ),
    "wrong_from_step": Fact(
        where_wrong.wrong_from_step, "out is right before time step {:.0f}, and wrong from there on", of_out=True
    ),
    "grows": Fact(where_wrong.grows, "the error grows from step to step", of_out=True),
    "first_step_right": Fact(
        where_wrong.first_step_right,
        "the first step is right: look at what the state goes through",
        of_few=True,
        of_out=True,
    ),
    "wrong_from_first_step": Fact(
        where_wrong.wrong_from_first_step, "the first step is wrong already", of_few=True, of_out=True
    ),
}
"""By name, what tells most first."""
