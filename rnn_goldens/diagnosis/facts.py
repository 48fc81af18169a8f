"""The facts about wrong outputs or gradients that no deviation explains, and which of them a golden shows."""

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from rnn_goldens.comparison.actual import Actual
from rnn_goldens.comparison.call_patterns import ACCUMULATED, DIFFERS
from rnn_goldens.diagnosis import gradient_observers as gradients
from rnn_goldens.diagnosis import output_observers as outputs
from rnn_goldens.diagnosis import step_observers as steps
from rnn_goldens.diagnosis.observation import ONE, TWO, Fact, Observation, Of, Value, observe
from rnn_goldens.golden.expected import GRADIENTS
from rnn_goldens.golden.precision import NUMBER_TYPES
from rnn_goldens.golden.tolerance import Equal, Exact

NOT_REPEATABLE = "not_repeatable"
"""The name of the fact that the outputs of two calls differ."""

OF_SECOND_CALL = {ACCUMULATED: "gradients_add_up", DIFFERS: "second_gradients_differ"}
"""Meanings of wrong gradients of a second call, and the facts that say so."""

GRADIENT, OUT, RECURRENCE, ANY, MATCH, EQUATIONS, MOST = Of

# fmt: off
FACTS: dict[str, Fact] = {
    NOT_REPEATABLE: Fact(
        "not repeatable: a second call returns other values; is anything random, or state kept?", of=ANY
    ),
    **{
        f"{name}_{what}": Fact(f"{name} {words}", partial(outputs.present, name))
        for what, words in (
            ("missing", "is missing or not numeric: return it, or select others by --rnn-goldens-outputs"),
            ("shape", "has the wrong shape"),
            ("less_precise", "has a lower precision than declared: where is it cast?"),
        )
        for name in ("out", "h_n", "c_n")
    },
    "c_n_unexpected": Fact("c_n was returned, but this cell has no c_n: leave it out"),
    "not_finite": Fact(
        "there are NaN or infinite numbers in the outputs", lambda seen: not seen.is_finite, OUT | RECURRENCE
    ),
    "no_step_updates": Fact(
        "no step updates the state: outputs are zero, and the last states are the initial ones",
        outputs.no_step_updates, RECURRENCE, TWO,
    ),
    "all_zero": Fact(
        "the output of every step is zero: is it ever written?",
        lambda seen: not seen.got[seen.main].any(), OUT | RECURRENCE, unless=("no_step_updates",),
    ),
    "out_is_initial": Fact(
        "out is h0 at every step: is the new state ever kept?",
        outputs.out_is_initial, OUT, TWO,
        needs=lambda seen: outputs.starts_at_h0(seen) and seen.golden.lengths is None,
    ),
    "still_initial": Fact(
        "h_n is h0: is the state passed on, and is the last one returned?",
        lambda seen: np.array_equal(seen.got["h_n"], seen.golden.stored.states["h0"]),
        enough=TWO, needs=outputs.starts_at_h0, unless=("no_step_updates",),
    ),
    "dequantized": Fact(
        "out is dequantized, (integer - h_zero) * h_scale: return the integers",
        outputs.is_dequantized, RECURRENCE, needs=outputs.are_wrong_integers,
    ),
    "unsigned": Fact(
        "negative outputs are returned as unsigned integers: return signed ones",
        outputs.is_unsigned, RECURRENCE, needs=outputs.are_wrong_integers,
    ),
    "nearly_right": Fact(
        "the largest error is {:.2g} times the tolerance: approximated or less precise?",
        outputs.times_the_tolerance,
        MOST | RECURRENCE,
        needs=lambda seen: not isinstance(seen.golden.tolerance, Exact | Equal),
    ),
    "right_to_float32": Fact(
        "everything is right to float32 precision: something is computed in float32",
        outputs.right_to_float32, RECURRENCE,
    ),
    "small_error": Fact(
        "the largest error is {:.1g} times the largest value: rounded or approximated?",
        lambda seen: seen.error if seen.wrong_names and seen.error <= outputs.SMALL else False,
        MOST | OUT | RECURRENCE, unless=("nearly_right", "right_to_float32"),
    ),
    "numbers_of_float32": Fact(
        "every wrong array has only float32 values: it or its buffer is cast",
        outputs.only_float32_values, RECURRENCE, needs=lambda seen: seen.golden.dtype == "float64",
    ),
    **{
        f"only_{name}": Fact(
            f"out and {other} are right, only {name} is wrong: look at how it is returned",
            partial(outputs.only, name), MATCH, needs=outputs.has_c,
        )
        for name, other in (("h_n", "c_n"), ("c_n", "h_n"))
    },
    "only_last_states": Fact(
        "out is right; the last states are wrong: look at how they are returned",
        lambda seen: seen.wrong_names == [*seen.wrong][1:], MATCH, unless=("only_h_n", "only_c_n"),
    ),
    "h_n_is_c_n": Fact(
        "h_n is what c_n should be",
        lambda seen: seen.wrong["h_n"].any() and seen.near(seen.got["h_n"], seen.want("c_n"), "c_n"),
        MATCH, needs=outputs.has_c,
    ),
    "h_n_factor": Fact(
        "h_n is {:.6g} times the right one",
        lambda seen: seen.wrong_names[:1] == ["h_n"] and seen.factor(["h_n"]), MATCH,
    ),
    "h_n_same_numbers": Fact(
        "h_n has the right values in another order",
        lambda seen: not seen.out_is_wrong and outputs.same_numbers(seen, "h_n", None),
        MATCH, needs=lambda seen: seen.got["h_n"].size > 1,
    ),
    "only_out": Fact(
        "the last states are right; out is wrong: look at how it is assembled",
        lambda seen: seen.wrong_names == ["out"], MATCH,
    ),
    "only_c": Fact(
        "after one step h_n follows from c_n, which is wrong: no single gate explains it",
        steps.only_c, MATCH, TWO,
    ),
    "c_right": Fact(
        "after one step c_n is right, h_n is wrong: look at the output gate and the tanh",  # later steps mix h and c
        lambda seen: seen.wrong_names == ["out", "h_n"], enough=TWO,
        needs=lambda seen: outputs.has_c(seen) and seen.is_one_chain and seen.golden.time == 1,
        unless=("constant_factor", "not_finite"),
    ),
    "fed_times": Fact(
        "upper layers receive {:.3g} times the output of the layer below; they are otherwise right",
        steps.fed_times, MATCH, ONE,
    ),
    "upper_layers_follow": Fact(
        "upper layers are right, given their inputs: look at the first layer",
        steps.upper_layers_follow, MATCH, ONE,
    ),
    "first_layer_right": Fact(
        "the first layer's last states are right: look at the upper layers and their inputs", outputs.first_layer_right
    ),
    "forward_right": Fact(
        "the forward direction is right, the reverse direction is wrong", partial(outputs.half_right, 0), OUT, TWO
    ),
    "reverse_right": Fact(
        "the reverse direction is right, the forward direction is wrong", partial(outputs.half_right, 1), OUT, TWO
    ),
    "first_row_right": Fact(
        "the first row of a batch is right, others are wrong", outputs.first_row_right, OUT | MATCH
    ),
    "only_beyond_lengths": Fact(
        "out is right within the lengths, and wrong beyond them", outputs.only_beyond_lengths, OUT
    ),
    "same_numbers_by_unit": Fact(
        "out has the right values in another order of the units",
        lambda seen: outputs.same_numbers(seen, "out", -1),
        OUT | MATCH, needs=lambda seen: seen.golden.network.hidden_size > 1,
    ),
    "same_numbers_by_step": Fact(
        "out has the right values in another order of the steps",
        lambda seen: outputs.same_numbers(seen, "out", -2), OUT | MATCH, needs=lambda seen: seen.golden.time > 1,
    ),
    "one_step_late": Fact(
        "out is right, but one step late",
        lambda seen: seen.near(seen.got["out"][..., 1:, :], seen.want("out")[..., :-1, :]),
        OUT | MATCH, TWO, outputs.shows_a_trend,
    ),
    "one_step_early": Fact(
        "out is right, but one step early",
        lambda seen: seen.near(seen.got["out"][..., :-1, :], seen.want("out")[..., 1:, :]),
        OUT | MATCH, TWO, outputs.shows_a_trend,
    ),
    "repeats": Fact(
        "out is the same at every step: is the state, or x, ever read?",
        lambda seen: outputs.repeats(seen.got["out"]) and not outputs.repeats(seen.want("out")),
        OUT, TWO, outputs.shows_a_trend, ("all_zero", "out_is_initial", "not_finite"),
    ),
    "constant_factor": Fact(
        "out is {:.6g} times the right one",
        lambda seen: seen.factor(["out"]), OUT | MATCH, needs=lambda seen: seen.out_is_wrong, unless=("all_zero",),
    ),
    **{
        f"only_gate_{letter}": Fact(
            f"from the equations of one step: if one gate is wrong, it is {letter}{more}",
            partial(steps.only_gate, letter), MATCH | EQUATIONS, TWO,
            unless=("constant_factor", "all_zero", "only_out", "repeats"),
        )
        for letter, more in {**dict.fromkeys("ifgoz", ""), "n": ", or r, which acts on n"}.items()
    },
    "every_step_follows": Fact(
        "each step is right, given the state before it: look at the initial state",
        partial(steps.steps_follow, True), OUT | MATCH, TWO, lambda seen: seen.out_is_wrong,
    ),
    "no_step_follows": Fact(
        "no step is right, given the state before it: look at the step or its inputs",
        partial(steps.steps_follow, False), OUT | MATCH, TWO, lambda seen: seen.out_is_wrong,
        ("all_zero", "first_row_right", "repeats", "not_finite", "constant_factor"),
    ),
    "wrong_from_step": Fact(
        "outputs are right before time step {:.0f} and wrong from there on",
        outputs.wrong_from_step, OUT | RECURRENCE, needs=outputs.passes_steps_on,
    ),
    **{
        f"wrong_from_{name}": Fact(
            f"outputs are right before {name} {{:.0f}} and wrong from there on",
            partial(outputs.wrong_from_place, axes), OUT | RECURRENCE, needs=lambda seen: seen.out_is_wrong,
        )
        for name, axes in outputs.PLACES.items()
    },
    **{
        f"unread_from_{name}": Fact(
            f"inputs from {name} {{:.0f}} on have no effect: does a loop stop early?",
            partial(outputs.unread_from_place, axis), MATCH | RECURRENCE, needs=lambda seen: seen.out_is_wrong,
        )
        for name, axis in outputs.SUMMED.items()
    },
    "grows": Fact("the error grows from step to step", outputs.grows, OUT, needs=outputs.shows_a_trend),
    "first_step_right": Fact(
        "the first step is right: look at the state passed on, and at which x is read",
        outputs.first_step_right, OUT, TWO, unless=("wrong_from_step",),
    ),
    "right_from_zero": Fact(
        "the first step from a zero state is right: look at the recurrent part",
        outputs.right_from_zero, OUT, TWO, unless=("first_step_right", "wrong_from_step"),
    ),
    "wrong_from_first_step": Fact(
        "the first step is wrong already",
        lambda seen: seen.wrong["out"][..., 0, :].any(), OUT, TWO,
        outputs.has_a_first_step, ("all_zero", "not_finite", "constant_factor"),
    ),
    "gradients_add_up": Fact(ACCUMULATED, of=GRADIENT | ANY),
    "second_gradients_differ": Fact(DIFFERS, of=GRADIENT | ANY, unless=("gradients_add_up",)),
    "gradients_not_finite": Fact(
        "there are NaN or infinite numbers in the gradients", lambda seen: not seen.is_finite, GRADIENT
    ),
    "gradients_all_zero": Fact(
        "every gradient is zero: are the cotangents read, and is anything detached?",
        lambda seen: not any(array.any() for array in seen.got.values()), GRADIENT,
        needs=lambda seen: len(seen.got) > 1,
    ),
    "wrong_gradients_zero": Fact(
        "the wrong gradients are zero: does the backward pass reach them?",
        lambda seen: not any(seen.got[name].any() for name in seen.wrong_names),
        GRADIENT, needs=gradients.are_shaped, unless=("gradients_all_zero",),
    ),
    "gradients_right_to_float32": Fact(
        "all gradients are right to float32 precision: something is computed in float32", outputs.right_to_float32,
        GRADIENT,
    ),
    "gradients_factor": Fact(
        "every gradient is {:.6g} times the right one", lambda seen: seen.factor(seen.got), GRADIENT
    ),
    "wrong_gradients_factor": Fact(
        "the wrong gradients are {:.6g} times the right ones",
        lambda seen: seen.factor(seen.wrong_names), GRADIENT, unless=("gradients_factor",),
    ),
    "gradients_transposed": Fact(
        "the wrong gradients are the right ones, transposed", gradients.transposed, GRADIENT
    ),
    "gradient_gates_moved": Fact(
        "the weights' gradients have the right rows in another order of the gates",
        gradients.gates_moved, GRADIENT, needs=gradients.are_shaped,
    ),
    **{
        f"{cell}_gate_rows_wrong": Fact(
            "in the weights' gradients only the rows of {} are wrong",
            partial(gradients.gate_rows, cell), GRADIENT, TWO, gradients.are_shaped,
            words=partial(gradients.gates_in_words, cell),
        )
        for cell in ("lstm", "gru")
    },
    **{
        f"only_{name}_wrong": Fact(
            f"only the {'gradients' if prefixes[1:] else 'gradient'} of {' and '.join(prefixes)} "
            f"{'are' if prefixes[1:] else 'is'} wrong: {hint}",
            partial(gradients.only, prefixes), GRADIENT, needs=gradients.are_shaped,
            unless=("wrong_gradients_zero", "gradients_transposed"),
        )
        for name, (prefixes, hint) in gradients.ONLY.items()
    },
    "later_steps_right": Fact(
        "the gradient of x is right from time step {:.0f} on and wrong before: look at the gradient carried back",
        gradients.later_steps_right, GRADIENT, needs=gradients.are_shaped,
    ),
    "top_layer_right": Fact(
        "the gradients of the last layer's weights are right, those below are wrong: look at the gradient passed down",
        partial(gradients.only_of_weights, "top"), GRADIENT, needs=gradients.are_shaped,
    ),
    **{
        f"{right}_gradients_right": Fact(
            f"the gradients of the {right} direction's weights are right, those of the {wrong} direction's are wrong",
            partial(gradients.only_of_weights, right), GRADIENT, needs=gradients.are_shaped,
        )
        for right, wrong in (("forward", "reverse"), ("reverse", "forward"))
    },
}
# fmt: on
"""Facts about outputs, then about gradients, by name, the most informative first."""


def facts_about(of: str) -> dict[str, Fact]:
    """Return the facts about outputs, or about gradients, by name."""
    return {code: fact for code, fact in FACTS.items() if (GRADIENT in fact.of) is (of == GRADIENTS)}


@np.errstate(all="ignore")
def facts(actual: Actual) -> dict[str, Value]:
    """Return the facts that can be observed in this golden, each with its number or with whether it holds.

    Facts about gradients, and most facts about outputs, describe networks only.
    """
    of_all = facts_about(actual.of).items()
    known = {code: fact for code, fact in of_all if actual.golden.is_network or RECURRENCE in fact.of}
    if actual.of == GRADIENTS:
        actual = actual.own  # some gradients of added elements may have any value
        gradients = observe(actual)
        return _observed_facts(gradients, known) if gradients.wrong_names else {}
    found: dict[str, Value] = dict.fromkeys((code for code in _not_comparable(actual) if code in FACTS), True)
    shaped = [n for n, values in actual.numbers.items() if values.shape == actual.expected.values[n].shape]
    if shaped == list(actual.golden.layout.outputs):
        found |= _observed_facts(observe(actual), known)
    elif (main := actual.golden.layout.result) in shaped:
        of_out = {code: fact for code, fact in known.items() if OUT in fact.of}
        found |= _observed_facts(observe(actual, [main]), of_out)
    return found | dict.fromkeys((code for code in _less_precise(actual) if code in FACTS), True)


def _observed_facts(seen: Observation, facts: Mapping[str, Fact]) -> dict[str, Value]:
    values = {code: fact.value(seen) for code, fact in facts.items() if not (MATCH in fact.of and seen.is_nearly_right)}
    return {code: value for code, value in values.items() if value is not None}


def _not_comparable(actual: Actual) -> Iterator[str]:
    """Yield facts on unexpected and missing outputs and wrong shapes: ``h_n_missing``, ``out_shape``."""
    yield from (f"{name}_unexpected" for name in actual.problems if name not in actual.golden.layout.outputs)
    for name, want in actual.expected.values.items():
        if name not in actual.numbers:
            yield f"{name}_missing"
        elif actual.numbers[name].shape != want.shape:
            yield f"{name}_shape"


def _less_precise(actual: Actual) -> Iterator[str]:
    """Yield facts on outputs with a lower precision than declared: ``out_less_precise``."""
    declared = NUMBER_TYPES[actual.golden.dtype].bits
    for name, output in actual.arrays.items():
        if output.bits is not None and output.bits < declared:
            yield f"{name}_less_precise"
