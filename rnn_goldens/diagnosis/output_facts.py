"""The facts on wrong outputs, the most informative first: how each is observed, its sentence and its conditions."""

from dataclasses import replace
from functools import partial

import numpy as np

from rnn_goldens.diagnosis import step_facts
from rnn_goldens.diagnosis.match import Array, off_by
from rnn_goldens.diagnosis.observation import ENOUGH_STEPS, ONE, TWO, Fact, Observation, Of, Value
from rnn_goldens.golden.shapes import TIME
from rnn_goldens.golden.tolerance import Exact

SMALL = 1e-3
"""Largest error, as a fraction of the largest value, that counts as rounding or approximation."""

OUT, RECURRENCE, MATCH = Of.OUT, Of.RECURRENCE, Of.MATCH


# Conditions.


def _shows_a_trend(seen: Observation) -> bool:
    return seen.is_one_chain and seen.golden.time >= ENOUGH_STEPS and seen.out_is_wrong


def _has_a_first_step(seen: Observation) -> bool:
    """Return whether the first of several steps can be seen in out: other layers and directions mix all steps."""
    return seen.layers == seen.directions == 1 and seen.golden.time > 1


def _has_c(seen: Observation) -> bool:
    return "c_n" in seen.wrong


def _starts_at_h0(seen: Observation) -> bool:
    return seen.golden.stored.h0 is not None and bool(seen.golden.stored.h0.any())


# What the outputs resemble.


def _no_step_updates(seen: Observation) -> Value | None:
    initial = {f"{name.removesuffix('0')}_n": state for name, state in seen.golden.stored.states.items()}
    last = {name: values for name, values in seen.got.items() if name != seen.main}
    if not last.keys() <= initial.keys() or not any(initial[name].any() for name in last):
        return None
    unchanged = all(np.array_equal(values, initial[name]) for name, values in last.items())
    return unchanged and not seen.got[seen.main].any()


def _out_is_initial(seen: Observation) -> bool:
    initial = seen.golden.stored.h0
    assert initial is not None
    last = initial[-seen.directions :]
    if seen.golden.stored.x.ndim == 3:  # noqa: PLR2004 - (batch, time, input)
        last = np.moveaxis(last, 0, 1)
    at_a_step = last.reshape(*last.shape[:-2], -1)
    return bool((seen.got["out"] == at_a_step[..., None, :]).all())


def _times_the_tolerance(seen: Observation) -> Value:
    most = off_by(seen.expected, seen.got)
    return most if most > 1 and seen.is_nearly_right else False


def right_to_float32(seen: Observation) -> Value | None:
    """Return whether float64 values are within the float32 tolerance."""
    if seen.expected.dtype != "float64" or isinstance(seen.expected.tolerance, Exact) or not seen.are_shaped:
        return None
    single = replace(seen.expected, dtype="float32")
    return not any(single.wrong(name, values).any() for name, values in seen.got.items())


def _only_float32_values(seen: Observation) -> Value:
    return all(_is_float32(seen.got[name]) and not _is_float32(seen.want(name)) for name in seen.wrong_names)


def _is_float32(values: Array) -> bool:
    return np.array_equal(values, values.astype(np.float32), equal_nan=True)


def _same_numbers(seen: Observation, name: str, axis: int | None) -> bool:
    """Return whether an output is wrong, and has the right values in another order along an axis."""
    got, want = (np.sort(values, axis=axis) for values in (seen.got[name], seen.want(name)))
    return bool(seen.wrong[name].any()) and seen.near(got, want, name)


def _repeats(values: Array) -> bool:
    return bool((values == values[..., :1, :]).all())


# Where the outputs are wrong.


def _present(name: str, seen: Observation) -> Value | None:
    """Return False for an output that is present in the right shape; None for others, which ``facts`` reports."""
    return False if name in seen.got else None


def _only(name: str, seen: Observation) -> Value:
    return seen.wrong_names == [name]


def _half_right(half: int, seen: Observation) -> Value | None:
    """Return whether only the other direction's half of out is wrong; None if layers mix the directions."""
    if seen.directions == 1:
        return False  # there is no other direction
    if seen.layers > 1:
        return None
    halves = np.split(seen.wrong["out"], 2, axis=-1)
    return not halves[half].any() and bool(halves[1 - half].any())


def _first_row_right(seen: Observation) -> Value:
    """Return whether all rows after the first are wrong, and the first is right; empty sequences do not count."""
    out = seen.wrong["out"]
    if out.ndim < 3 or len(out) == 1:  # noqa: PLR2004 - (batch, time, units)
        return False  # the only row is wrong
    others = out[1:] if seen.golden.lengths is None else out[1:][seen.golden.lengths[1:] > 0]
    return not out[0].any() and len(others) > 0 and bool(others.any(axis=(1, 2)).all())


def _only_beyond_lengths(seen: Observation) -> Value:
    lengths = seen.golden.lengths
    if lengths is None or (lengths == seen.golden.time).all():
        return False  # there is no padding
    within = np.arange(seen.golden.time) < lengths[:, None]
    return not seen.wrong["out"][within].any() and bool(seen.wrong["out"][~within].any())


def _first_layer_right(seen: Observation) -> Value:
    first = [seen.wrong[name][: seen.directions].any() for name in seen.wrong if name != "out"]
    return seen.layers > 1 and not any(first) and seen.out_is_wrong and seen.last_states_are_wrong


def _first_step_right(seen: Observation) -> Value | None:
    """Return whether the first step is right and a later one is wrong, with a wrong last state."""
    if not _has_a_first_step(seen) or not seen.out_is_wrong or not seen.last_states_are_wrong:
        return None
    return not seen.wrong["out"][..., 0, :].any()


def _right_from_zero(seen: Observation) -> Value | None:
    """Return whether the first step is right, if it starts from a zero state."""
    if _starts_at_h0(seen):
        return None
    if seen.is_one_chain and seen.golden.time == 1:
        return False if seen.out_is_wrong else None
    return _first_step_right(seen)


def _wrong_from_step(seen: Observation) -> Value:
    """Return the step from which on out is wrong, if several steps before it are right; else False."""
    axis = seen.golden.axis(seen.main, TIME)
    assert axis is not None
    by_step = np.array([of_step.any() for of_step in np.moveaxis(seen.wrong[seen.main], axis, 0)])
    first = int(by_step.argmax())
    return float(first) if first > 1 and by_step[first:].all() else False


def _grows(seen: Observation) -> Value:
    error = np.abs(seen.got["out"] - seen.want("out")).max(axis=-1).reshape(-1, seen.golden.time).max(axis=0)
    return bool((np.diff(error) > 0).all() and error[-1] > 10 * error[0])


NOT_REPEATABLE = "not_repeatable"
"""The name of the fact that the outputs of two calls differ."""

# fmt: off
OUTPUT_FACTS: dict[str, Fact] = {
    NOT_REPEATABLE: Fact(
        "not repeatable: a second call returns other values; is anything random, or state kept?", of=Of.ANY
    ),
    **{
        f"{name}_{what}": Fact(f"{name} {words}", partial(_present, name))
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
        _no_step_updates, RECURRENCE, TWO,
    ),
    "all_zero": Fact(
        "the output of every step is zero: is it ever written?",
        lambda seen: not seen.got[seen.main].any(), OUT | RECURRENCE, unless=("no_step_updates",),
    ),
    "out_is_initial": Fact(
        "out is h0 at every step: is the new state ever kept?",
        _out_is_initial, OUT, TWO, needs=lambda seen: _starts_at_h0(seen) and seen.golden.lengths is None,
    ),
    "still_initial": Fact(
        "h_n is h0: is the state passed on, and is the last one returned?",
        lambda seen: np.array_equal(seen.got["h_n"], seen.golden.stored.states["h0"]),
        enough=TWO, needs=_starts_at_h0, unless=("no_step_updates",),
    ),
    "nearly_right": Fact(
        "the largest error is {:.2g} times the tolerance: approximated or less precise?",
        _times_the_tolerance, Of.MOST | RECURRENCE, needs=lambda seen: not isinstance(seen.golden.tolerance, Exact),
    ),
    "right_to_float32": Fact(
        "everything is right to float32 precision: something is computed in float32", right_to_float32, RECURRENCE
    ),
    "small_error": Fact(
        "the largest error is {:.1g} times the largest value: rounded or approximated?",
        lambda seen: seen.error if seen.wrong_names and seen.error <= SMALL else False,
        Of.MOST | OUT | RECURRENCE, unless=("nearly_right", "right_to_float32"),
    ),
    "numbers_of_float32": Fact(
        "every wrong array has only float32 values: it or its buffer is cast",
        _only_float32_values, RECURRENCE, needs=lambda seen: seen.golden.dtype == "float64",
    ),
    **{
        f"only_{name}": Fact(
            f"out and {other} are right, only {name} is wrong: look at how it is returned",
            partial(_only, name), MATCH, needs=_has_c,
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
        MATCH, needs=_has_c,
    ),
    "h_n_factor": Fact(
        "h_n is {:.6g} times the right one",
        lambda seen: seen.wrong_names[:1] == ["h_n"] and seen.factor(["h_n"]), MATCH,
    ),
    "h_n_same_numbers": Fact(
        "h_n has the right values in another order",
        lambda seen: not seen.out_is_wrong and _same_numbers(seen, "h_n", None),
        MATCH, needs=lambda seen: seen.got["h_n"].size > 1,
    ),
    "only_out": Fact(
        "the last states are right; out is wrong: look at how it is assembled",
        lambda seen: seen.wrong_names == ["out"], MATCH,
    ),
    "only_c": Fact(
        "after one step h_n follows from c_n, which is wrong: no single gate explains it",
        step_facts.only_c, MATCH, TWO,
    ),
    "c_right": Fact(
        "after one step c_n is right, h_n is wrong: look at the output gate and the tanh",  # later steps mix h and c
        lambda seen: seen.wrong_names == ["out", "h_n"], enough=TWO,
        needs=lambda seen: _has_c(seen) and seen.is_one_chain and seen.golden.time == 1,
        unless=("constant_factor", "not_finite"),
    ),
    "fed_times": Fact(
        "upper layers receive {:.3g} times the output of the layer below; they are otherwise right",
        step_facts.fed_times, MATCH, ONE,
    ),
    "upper_layers_follow": Fact(
        "upper layers are right, given their inputs: look at the first layer",
        step_facts.upper_layers_follow, MATCH, ONE,
    ),
    "first_layer_right": Fact(
        "the first layer's last states are right: look at the upper layers and their inputs", _first_layer_right
    ),
    "forward_right": Fact(
        "the forward direction is right, the reverse direction is wrong", partial(_half_right, 0), OUT, TWO
    ),
    "reverse_right": Fact(
        "the reverse direction is right, the forward direction is wrong", partial(_half_right, 1), OUT, TWO
    ),
    "first_row_right": Fact("the first row of a batch is right, others are wrong", _first_row_right, OUT | MATCH),
    "only_beyond_lengths": Fact(
        "out is right within the lengths, and wrong beyond them", _only_beyond_lengths, OUT
    ),
    "same_numbers_by_unit": Fact(
        "out has the right values in another order of the units",
        lambda seen: _same_numbers(seen, "out", -1),
        OUT | MATCH, needs=lambda seen: seen.golden.network.hidden_size > 1,
    ),
    "same_numbers_by_step": Fact(
        "out has the right values in another order of the steps",
        lambda seen: _same_numbers(seen, "out", -2), OUT | MATCH, needs=lambda seen: seen.golden.time > 1,
    ),
    "one_step_late": Fact(
        "out is right, but one step late",
        lambda seen: seen.near(seen.got["out"][..., 1:, :], seen.want("out")[..., :-1, :]),
        OUT | MATCH, TWO, _shows_a_trend,
    ),
    "one_step_early": Fact(
        "out is right, but one step early",
        lambda seen: seen.near(seen.got["out"][..., :-1, :], seen.want("out")[..., 1:, :]),
        OUT | MATCH, TWO, _shows_a_trend,
    ),
    "repeats": Fact(
        "out is the same at every step: is the state, or x, ever read?",
        lambda seen: _repeats(seen.got["out"]) and not _repeats(seen.want("out")),
        OUT, TWO, _shows_a_trend, ("all_zero", "out_is_initial", "not_finite"),
    ),
    "constant_factor": Fact(
        "out is {:.6g} times the right one",
        lambda seen: seen.factor(["out"]), OUT | MATCH, needs=lambda seen: seen.out_is_wrong, unless=("all_zero",),
    ),
    **{
        f"only_gate_{letter}": Fact(
            f"from the equations of one step: if one gate is wrong, it is {letter}{more}",
            partial(step_facts.only_gate, letter), MATCH | Of.EQUATIONS, TWO,
            unless=("constant_factor", "all_zero", "only_out", "repeats"),
        )
        for letter, more in {**dict.fromkeys("ifgoz", ""), "n": ", or r, which acts on n"}.items()
    },
    "every_step_follows": Fact(
        "each step is right, given the state before it: look at the initial state",
        partial(step_facts.steps_follow, True), OUT | MATCH, TWO, lambda seen: seen.out_is_wrong,
    ),
    "no_step_follows": Fact(
        "no step is right, given the state before it: look at the step or its inputs",
        partial(step_facts.steps_follow, False), OUT | MATCH, TWO, lambda seen: seen.out_is_wrong,
        ("all_zero", "first_row_right", "repeats", "not_finite", "constant_factor"),
    ),
    "wrong_from_step": Fact(
        "outputs are right before time step {:.0f} and wrong from there on",
        _wrong_from_step, OUT | RECURRENCE, needs=_shows_a_trend,
    ),
    "grows": Fact("the error grows from step to step", _grows, OUT, needs=_shows_a_trend),
    "first_step_right": Fact(
        "the first step is right: look at the state passed on, and at which x is read",
        _first_step_right, OUT, TWO, unless=("wrong_from_step",),
    ),
    "right_from_zero": Fact(
        "the first step from a zero state is right: look at the recurrent part",
        _right_from_zero, OUT, TWO, unless=("first_step_right", "wrong_from_step"),
    ),
    "wrong_from_first_step": Fact(
        "the first step is wrong already",
        lambda seen: seen.wrong["out"][..., 0, :].any(), OUT, TWO,
        _has_a_first_step, ("all_zero", "not_finite", "constant_factor"),
    ),
}
# fmt: on
