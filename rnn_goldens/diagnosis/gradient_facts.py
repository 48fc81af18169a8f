"""The facts on wrong gradients, the most informative first: how each is observed, its sentence and its conditions."""

from functools import partial
from itertools import permutations

import numpy as np

from rnn_goldens.comparison.calls import ACCUMULATED, DIFFERS
from rnn_goldens.diagnosis.observation import TWO, Fact, Observation, Of, Value
from rnn_goldens.diagnosis.output_facts import right_to_float32
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.shapes import STACKED

_MAX_GATES = 4

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


def _are_shaped(seen: Observation) -> bool:
    return seen.are_shaped


def _only(prefixes: tuple[str, ...], seen: Observation) -> Value | None:
    """Return whether each prefix of a name has a wrong gradient, and all other gradients are right.

    None if there are no other gradients, or if a prefix has no gradient.
    """
    others = {name for name in seen.got if not name.startswith(prefixes)}
    of_prefix = [{name for name in seen.got if name.startswith(prefix)} for prefix in prefixes]
    if not others or not all(of_prefix):
        return None
    return all(names & {*seen.wrong_names} for names in of_prefix) and not others & {*seen.wrong_names}


def _gate_rows(cell: str, seen: Observation) -> Value | None:
    """Return which gates of a cell have wrong rows, if some have none: a bit mask, 1 for the first gate.

    An error in one gate at one step spreads to all gates at the step before. So wrong rows of all gates are
    informative only for a single step of a single layer.
    """
    if seen.golden.cell != cell:
        return None
    gates = LAYOUTS[cell].gates
    weights = [wrong for name, wrong in seen.wrong.items() if name.startswith(("weight", "bias"))]
    rows = [[block.any() for block in np.split(wrong, len(gates))] for wrong in weights]
    wrong = [any(of_gate) for of_gate in zip(*rows, strict=True)]
    if all(wrong):
        is_one_step = seen.golden.stored.x.shape[-2] == seen.layers == 1
        return False if is_one_step and wrong else None
    return float(sum(2**place for place, is_wrong in enumerate(wrong) if is_wrong)) or False


def _gates_in_words(cell: str, value: Value) -> str:
    """Return the gates of a bit mask: ``i and f``."""
    letters = [letter for place, letter in enumerate(LAYOUTS[cell].gates) if int(value) >> place & 1]
    return " and ".join([", ".join(letters[:-1]), letters[-1]] if letters[1:] else letters)


def _only_of_weights(right: str, seen: Observation) -> Value | None:
    """Return whether the weights of the top layer, or of a direction, have right gradients, and all others wrong ones.

    Gradients that should be zero do not count among the others.
    """

    def is_selected(name: str) -> bool:
        if right == "top":
            return name.removesuffix("_reverse").endswith(f"_l{seen.layers - 1}")
        return name.endswith("_reverse") == (right == "reverse")

    weights = [name for name in seen.got if name.startswith(("weight", "bias"))]
    selected, others = ([name for name in weights if is_selected(name) is own] for own in (True, False))
    if not selected or not others:
        return None
    others = [name for name in others if seen.want(name).any()]
    return bool(others) and {*others} <= {*seen.wrong_names} and not {*selected} & {*seen.wrong_names}


def _later_steps_right(seen: Observation) -> Value | None:
    """Return the step from which on the gradient of x is right, if it is wrong at all steps before."""
    one_chain = seen.layers == seen.directions == 1 and seen.golden.lengths is None
    if "x" not in seen.got or not one_chain or (steps := seen.wrong["x"].shape[-2]) == 1:
        return None
    by_step = np.array([seen.wrong["x"][..., t, :].any() for t in range(steps)])
    first = steps - int(by_step[::-1].argmax()) if by_step.any() else 0
    return float(first) if 0 < first < steps and by_step[:first].all() else False


def _transposed(seen: Observation) -> Value | None:
    matrices = [name for name in seen.wrong_names if seen.want(name).ndim == 2]  # noqa: PLR2004
    if not matrices:
        return None
    return matrices == seen.wrong_names and all(seen.near(seen.got[n].T, seen.want(n), n) for n in matrices)


def _gates_moved(seen: Observation) -> Value | None:
    count = len(seen.golden.layout.gates)
    weights = [name for name in seen.wrong_names if name.startswith(tuple(dict(STACKED)))]
    if not 1 < count <= _MAX_GATES or not weights:
        return None
    blocks = {name: np.split(seen.want(name), count) for name in weights}

    def fits(order: tuple[int, ...]) -> bool:
        moved = ((name, np.concatenate([blocks[name][place] for place in order])) for name in weights)
        return all(seen.near(seen.got[name], want, name) for name, want in moved)

    return any(fits(order) for order in list(permutations(range(count)))[1:])


OF_SECOND_CALL = {ACCUMULATED: "gradients_add_up", DIFFERS: "second_gradients_differ"}
"""Meanings of wrong gradients of a second call, and the facts that say so."""

# fmt: off
GRADIENT_FACTS: dict[str, Fact] = {
    "gradients_add_up": Fact(ACCUMULATED, of=Of.ANY),
    "second_gradients_differ": Fact(DIFFERS, of=Of.ANY, unless=("gradients_add_up",)),
    "gradients_not_finite": Fact(
        "there are NaN or infinite numbers in the gradients", lambda seen: not seen.is_finite
    ),
    "gradients_all_zero": Fact(
        "every gradient is zero: are the cotangents read, and is anything detached?",
        lambda seen: not any(array.any() for array in seen.got.values()), needs=lambda seen: len(seen.got) > 1,
    ),
    "wrong_gradients_zero": Fact(
        "the wrong gradients are zero: does the backward pass reach them?",
        lambda seen: not any(seen.got[name].any() for name in seen.wrong_names),
        needs=_are_shaped, unless=("gradients_all_zero",),
    ),
    "gradients_right_to_float32": Fact(
        "all gradients are right to float32 precision: something is computed in float32", right_to_float32
    ),
    "gradients_factor": Fact("every gradient is {:.6g} times the right one", lambda seen: seen.factor(seen.got)),
    "wrong_gradients_factor": Fact(
        "the wrong gradients are {:.6g} times the right ones",
        lambda seen: seen.factor(seen.wrong_names), unless=("gradients_factor",),
    ),
    "gradients_transposed": Fact("the wrong gradients are the right ones, transposed", _transposed),
    "gradient_gates_moved": Fact(
        "the weights' gradients have the right rows in another order of the gates", _gates_moved, needs=_are_shaped
    ),
    **{
        f"{cell}_gate_rows_wrong": Fact(
            "in the weights' gradients only the rows of {} are wrong",
            partial(_gate_rows, cell), enough=TWO, needs=_are_shaped, words=partial(_gates_in_words, cell),
        )
        for cell in ("lstm", "gru")
    },
    **{
        f"only_{name}_wrong": Fact(
            f"only the {'gradients' if prefixes[1:] else 'gradient'} of {' and '.join(prefixes)} "
            f"{'are' if prefixes[1:] else 'is'} wrong: {hint}",
            partial(_only, prefixes), needs=_are_shaped, unless=("wrong_gradients_zero", "gradients_transposed"),
        )
        for name, (prefixes, hint) in _ONLY.items()
    },
    "later_steps_right": Fact(
        "the gradient of x is right from time step {:.0f} on and wrong before: look at the gradient carried back",
        _later_steps_right, needs=_are_shaped,
    ),
    "top_layer_right": Fact(
        "the gradients of the last layer's weights are right, those below are wrong: look at the gradient passed down",
        partial(_only_of_weights, "top"), needs=_are_shaped,
    ),
    **{
        f"{right}_gradients_right": Fact(
            f"the gradients of the {right} direction's weights are right, those of the {wrong} direction's are wrong",
            partial(_only_of_weights, right), needs=_are_shaped,
        )
        for right, wrong in (("forward", "reverse"), ("reverse", "forward"))
    },
}
# fmt: on
