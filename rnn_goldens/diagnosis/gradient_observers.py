"""Observers of facts about wrong gradients: each returns whether its fact holds, or its number."""

from itertools import permutations

import numpy as np

from rnn_goldens.diagnosis.observation import Observation, Value
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.shapes import STACKED

_MAX_GATES = 4

_STEP_BEFORE = "look at the gradient that leaves the first step"
_SUMMED = "it is a sum over batch and time"

ONLY: dict[str, tuple[tuple[str, ...], str]] = {
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


def are_shaped(seen: Observation) -> bool:
    """Return whether all gradients have the right shape."""
    return seen.are_shaped


def only(prefixes: tuple[str, ...], seen: Observation) -> Value | None:
    """Return whether each prefix of a name has a wrong gradient, and all other gradients are right.

    None if there are no other gradients, or if a prefix has no gradient.
    """
    others = {name for name in seen.got if not name.startswith(prefixes)}
    of_prefix = [{name for name in seen.got if name.startswith(prefix)} for prefix in prefixes]
    if not others or not all(of_prefix):
        return None
    return all(names & {*seen.wrong_names} for names in of_prefix) and not others & {*seen.wrong_names}


def gate_rows(cell: str, seen: Observation) -> Value | None:
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


def gates_in_words(cell: str, value: Value) -> str:
    """Return the gates of a bit mask: ``i and f``."""
    letters = [letter for place, letter in enumerate(LAYOUTS[cell].gates) if int(value) >> place & 1]
    return " and ".join([", ".join(letters[:-1]), letters[-1]] if letters[1:] else letters)


def only_of_weights(right: str, seen: Observation) -> Value | None:
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


def later_steps_right(seen: Observation) -> Value | None:
    """Return the step from which on the gradient of x is right, if it is wrong at all steps before."""
    one_chain = seen.layers == seen.directions == 1 and seen.golden.lengths is None
    if "x" not in seen.got or not one_chain or (steps := seen.wrong["x"].shape[-2]) == 1:
        return None
    by_step = np.array([seen.wrong["x"][..., t, :].any() for t in range(steps)])
    first = steps - int(by_step[::-1].argmax()) if by_step.any() else 0
    return float(first) if 0 < first < steps and by_step[:first].all() else False


def transposed(seen: Observation) -> Value | None:
    """Return whether the wrong gradients are matrices that would be right if transposed."""
    matrices = [name for name in seen.wrong_names if seen.want(name).ndim == 2]  # noqa: PLR2004
    if not matrices:
        return None
    return matrices == seen.wrong_names and all(seen.near(seen.got[n].T, seen.want(n), n) for n in matrices)


def gates_moved(seen: Observation) -> Value | None:
    """Return whether the weights' gradients have the right blocks of rows in another order of the gates."""
    count = len(seen.golden.layout.gates)
    weights = [name for name in seen.wrong_names if name.startswith(tuple(dict(STACKED)))]
    if not 1 < count <= _MAX_GATES or not weights:
        return None
    blocks = {name: np.split(seen.want(name), count) for name in weights}

    def fits(order: tuple[int, ...]) -> bool:
        moved = ((name, np.concatenate([blocks[name][place] for place in order])) for name in weights)
        return all(seen.near(seen.got[name], want, name) for name, want in moved)

    return any(fits(order) for order in list(permutations(range(count)))[1:])
