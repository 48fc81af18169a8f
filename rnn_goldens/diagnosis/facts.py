"""What can be seen in wrong outputs where no name fits: facts, each said only where it holds of all that failed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from rnn_goldens.diagnosis import asked_alone, resemblance, where_wrong
from rnn_goldens.diagnosis.seen import Seen, of_another_shape, seen

if TYPE_CHECKING:
    from rnn_goldens.diagnosis.causes import Evidence
    from rnn_goldens.golden.data import GoldenData

Value = bool | float
"""Whether a fact is so; a number, if it is, where the fact has one."""

FEWEST_PASSED = 2
"""So many goldens without a feature have to pass, for it to be blamed."""

FEWEST_SEEN = 2
"""So many failures have to show a fact that most can not show, or all that there are."""

SAME = 0.01
"""So near are numbers that are one and the same, as a part of it."""

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
    """

    see: Callable[[Seen], Value | None]
    sentence: str
    of_few: bool = False


@np.errstate(all="ignore")
def facts(golden: "GoldenData", out: object, h_n: object = None, c_n: object = None) -> dict[str, Value]:
    """Which facts are so of outputs, and which are not; those that can not be seen in this golden are left out.

    Args:
        golden: what was asked.
        out: as for ``GoldenData.compare``, as are the others.
        h_n: likewise.
        c_n: likewise.
    """
    outputs = seen(golden, out, h_n, c_n)
    if outputs is None:
        return {f"{name}_shape": True for name in of_another_shape(golden, out, h_n, c_n)}
    found = {code: fact.see(outputs) for code, fact in FACTS.items()}
    return {code: value for code, value in found.items() if value is not None}


def facts_of(failed: "Sequence[Evidence]", passed: "Sequence[Evidence]") -> list[str]:
    """What holds of all that failed, as far as it can be seen, in sentences; what tells most comes first."""
    found = [_sentence(*blamed) for blamed in blamed_features(failed, passed)]
    for code, (value, showing) in true_of_all(failed).items():
        where = "" if showing == len(failed) else f" (in the {showing} that can show it)"
        found.append(FACTS[code].sentence.format(value) + where)
    return found or list(_contrast(failed, passed))


def true_of_all(failed: "Sequence[Evidence]") -> dict[str, tuple[Value, int]]:
    """The facts that hold of all that failed and can show it, by name; with which value, and how many can."""
    found = {}
    for code, fact in FACTS.items():
        values = [evidence.facts[code] for evidence in failed if code in evidence.facts]
        needed = min(FEWEST_SEEN, len(failed)) if fact.of_few else len(failed) / 2
        if values and len(values) >= needed and _all_the_same(values):
            found[code] = (values[0], len(values))
    return found


def _contrast(failed: "Sequence[Evidence]", passed: "Sequence[Evidence]") -> Iterator[str]:
    """Where nothing holds of all: the feature that most of them share and most that pass do not; or that all fail."""
    if not passed:
        yield "every golden fails, the simplest too"
    best, said = 0.0, ""
    for feature, words in IN_WORDS.items():
        fail = [sum((feature in e.features) == has for e in failed) for has in (True, False)]
        all_of = [
            n + sum((feature in e.features) == has for e in passed) for n, has in zip(fail, (True, False), strict=True)
        ]
        if all(all_of) and (contrast := abs(fail[0] / all_of[0] - fail[1] / all_of[1])) > best:
            best = contrast
            said = "; ".join(f"{n} of {of} that {word} fail" for n, of, word in zip(fail, all_of, words, strict=True))
    if said:
        yield said


def _all_the_same(values: Sequence[Value]) -> bool:
    return all(values) and max(values) - min(values) <= SAME * max(abs(value) for value in values)


def blamed_features(failed: "Sequence[Evidence]", passed: "Sequence[Evidence]") -> Iterator[tuple[str, bool, int, int]]:
    """Features that all that fail have, or have not; how many that pass are otherwise, and how many are the same."""
    for feature in IN_WORDS:
        for has in (True, False):
            if all((feature in e.features) == has for e in failed):
                others = sum((feature in e.features) != has for e in passed)
                same = len(passed) - others
                if others >= FEWEST_PASSED and same <= others / 2:
                    yield feature, has, others, same


def _sentence(feature: str, has: bool, others: int, same: int) -> str:
    words = IN_WORDS[feature][0 if has else 1]
    but = f"; so do {same} that pass" if same else ""
    return f"all that fail {words}; {others} that do not pass{but}"


FACTS: dict[str, Fact] = {
    **{
        f"{name}_shape": Fact(partial(where_wrong.shape, name), f"{name} has another shape than it should")
        for name in ("out", "h_n", "c_n")
    },
    "not_finite": Fact(where_wrong.not_finite, "there are NaN or infinite numbers in the outputs"),
    "all_zero": Fact(resemblance.all_zero, "out is zero everywhere: is it ever written?"),
    "still_initial": Fact(resemblance.still_initial, "h_n is h0: the state is not carried on", of_few=True),
    "right_to_float32": Fact(
        resemblance.right_to_float32, "all is right to float32's precision: something is computed in float32"
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
    "forward_right": Fact(where_wrong.forward_right, "the forward direction is right, the reverse direction is wrong"),
    "reverse_right": Fact(where_wrong.reverse_right, "the reverse direction is right, the forward direction is wrong"),
    "first_row_right": Fact(where_wrong.first_row_right, "the first row of a batch is right, others are wrong"),
    "only_beyond_lengths": Fact(
        where_wrong.only_beyond_lengths, "out is right within the lengths, and wrong beyond them"
    ),
    "same_numbers_by_unit": Fact(
        resemblance.same_numbers_by_unit, "out holds the right numbers in another order of the units"
    ),
    "same_numbers_by_step": Fact(
        resemblance.same_numbers_by_step, "out holds the right numbers in another order of the steps"
    ),
    "one_step_late": Fact(resemblance.one_step_late, "out is right, but one step late", of_few=True),
    "one_step_early": Fact(resemblance.one_step_early, "out is right, but one step early", of_few=True),
    "repeats": Fact(resemblance.repeats, "out is the same at every step: is the state, or x, ever read?", of_few=True),
    "constant_factor": Fact(resemblance.constant_factor, "out is {:.3g} times the right one"),
    **{
        f"only_gate_{letter}": Fact(
            partial(asked_alone.only_gate, letter),
            f"one step, solved back: {letter} is off; no other gate alone could give these numbers",
            of_few=True,
        )
        for letter in "ifgozn"
    },
    "every_step_follows": Fact(
        asked_alone.every_step_follows, "each step is right, given the state before it: look at the start", of_few=True
    ),
    "no_step_follows": Fact(
        asked_alone.no_step_follows, "no step follows from the state before it: look at the step itself", of_few=True
    ),
    "wrong_from_step": Fact(
        where_wrong.wrong_from_step, "out is right up to time step {:.0f}, and wrong from there on"
    ),
    "grows": Fact(where_wrong.grows, "the error grows from step to step"),
    "first_step_right": Fact(
        where_wrong.first_step_right, "the first step is right: look at what the state goes through", of_few=True
    ),
    "wrong_from_first_step": Fact(where_wrong.wrong_from_first_step, "the first step is wrong already", of_few=True),
}
"""By name, what tells most first."""
