"""The facts about wrong gradients: how each is observed, and its sentence."""

from collections.abc import Callable
from itertools import permutations

import numpy as np

from rnn_goldens.comparison.calls import ACCUMULATED, DIFFERS
from rnn_goldens.diagnosis.fact_list import FACTS, TWO, Fact, Value
from rnn_goldens.diagnosis.observation import Mask, Observation
from rnn_goldens.diagnosis.resemblance import factor, right_to_float32
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.shapes import STACKED

_MAX_GATES = 4

_ALONE = {
    "x": "look at what passes through weight_ih, and how it is combined",
    "h0": "look at the gradient that leaves the first step",
    "c0": "look at the gradient that leaves the first step",
    "weight_ih": "look at which input it is multiplied with",
    "weight_hh": "look at which h it is multiplied with",
    "bias_ih": "it is a sum over batch and time",
    "bias_hh": "it is a sum over batch and time",
}
"""Prefixes of names, and the hint if only gradients with the prefix are wrong."""

_TOGETHER = {
    "biases": (("bias_ih", "bias_hh"), "each is a sum over batch and time"),
    "start": (("h0", "c0"), "look at the gradient that leaves the first step"),
    "input": (("weight_ih", "bias_ih"), "look at the gradient of W_ih x + b_ih"),
    "recurrent": (("weight_hh", "bias_hh"), "look at the gradient of W_hh h + b_hh"),
}
"""Pairs of prefixes, and the hint if only gradients with these prefixes are wrong."""


def _not_finite(observed: Observation) -> bool:
    return any(not np.isfinite(array).all() for array in observed.got.values())


def _all_zero(observed: Observation) -> bool | None:
    return not any(array.any() for array in observed.got.values()) if len(observed.got) > 1 else None


def _wrong_zero(observed: Observation) -> bool | None:
    return not any(observed.got[name].any() for name in observed.wrong_ones) if observed.are_shaped else None


def _only(*prefixes: str) -> Callable[[Observation], bool | None]:
    """Return a function that observes whether each prefix has a wrong gradient, and all other gradients are right.

    The function returns None if there are no other gradients, if a prefix has no gradient, or if a shape is wrong.
    """

    def observe(observed: Observation) -> bool | None:
        others = [name for name in observed.got if not name.startswith(prefixes)]
        present = all(any(name.startswith(prefix) for name in observed.got) for prefix in prefixes)
        if not others or not present or not observed.are_shaped:
            return None
        each_is_wrong = all(any(name.startswith(prefix) for name in observed.wrong_ones) for prefix in prefixes)
        return each_is_wrong and not any(name in observed.wrong_ones for name in others)

    return observe


def _gate_rows(cell: str) -> Fact:
    """Return the fact that only the rows of some gates are wrong: its number is a bit mask, 1 for the first gate.

    An error in one gate at one step spreads to all gates at the step before. So wrong rows of all gates are
    informative only for a single step of a single layer.
    """
    gates = LAYOUTS[cell].gates

    def observe(observed: Observation) -> bool | float | None:
        if observed.golden.cell != cell or not observed.are_shaped:
            return None
        weights = [wrong for name, wrong in observed.wrong.items() if name.startswith(("weight", "bias"))]
        rows = [[block.any() for block in np.split(wrong, len(gates))] for wrong in weights]
        wrong = [any(of_gate) for of_gate in zip(*rows, strict=True)]
        if all(wrong):
            is_one_step = observed.golden.stored.x.shape[-2] == observed.golden.network.num_layers == 1
            return False if is_one_step and wrong else None
        return float(sum(2**place for place, is_wrong in enumerate(wrong) if is_wrong)) or False

    def words(value: Value) -> str:
        letters = [letter for place, letter in enumerate(gates) if int(value) >> place & 1]
        return " and ".join([", ".join(letters[:-1]), letters[-1]] if letters[1:] else letters)

    return Fact(observe, "in the weights' gradients only the rows of {} are wrong", TWO, words=words)


def _only_of_layers(observed: Observation, right: Callable[[str], bool]) -> bool | None:
    """Return whether the weights that ``right`` selects have right gradients, and all others wrong ones or zeros."""
    weights = [name for name in observed.got if name.startswith(("weight", "bias"))]
    selected, others = [n for n in weights if right(n)], [n for n in weights if not right(n)]
    if not selected or not others or not observed.are_shaped:
        return None
    wrong = observed.wrong_ones
    others = [name for name in others if observed.want(name).any()]
    return not any(name in wrong for name in selected) and bool(others) and all(name in wrong for name in others)


def _top_layer_right(observed: Observation) -> bool | None:
    top = f"_l{observed.golden.network.num_layers - 1}"
    return _only_of_layers(observed, lambda name: name.removesuffix("_reverse").endswith(top))


def _later_steps_right(observed: Observation) -> bool | float | None:
    """Return the step from which on the gradient of x is right, if it is wrong at all steps before."""
    one_chain = observed.golden.network.num_layers == 1 and observed.golden.network.num_directions == 1
    if "x" not in observed.got or not observed.are_shaped or not one_chain or observed.golden.lengths is not None:
        return None
    steps = observed.wrong["x"].shape[-2]
    wrong_here: Mask = np.atleast_1d(observed.wrong["x"].any(axis=-1)).reshape(-1, steps)
    by_step = np.atleast_1d(wrong_here.any(axis=0))
    if steps == 1:
        return None
    first = steps - int(by_step[::-1].argmax()) if by_step.any() else 0
    return float(first) if 0 < first < steps and by_step[:first].all() else False


def _transposed(observed: Observation) -> bool | None:
    matrices = [name for name in observed.wrong_ones if observed.want(name).ndim == 2]  # noqa: PLR2004
    if not matrices:
        return None
    return matrices == observed.wrong_ones and all(
        observed.near(observed.got[n].T, observed.want(n), n) for n in matrices
    )


def _gates_moved(observed: Observation) -> bool | None:
    """Return whether all wrong gradients with rows for gates have the right rows in another order of the gates."""
    count = len(observed.golden.layout.gates)
    weights = [name for name in observed.wrong_ones if name.startswith(tuple(dict(STACKED)))]
    if not observed.are_shaped or not 1 < count <= _MAX_GATES or not weights:
        return None
    blocks = {name: np.split(observed.want(name), count) for name in weights}

    def fits(order: tuple[int, ...]) -> bool:
        moved = ((name, np.concatenate([blocks[name][place] for place in order])) for name in weights)
        return all(observed.near(observed.got[name], want, name) for name, want in moved)

    return any(fits(order) for order in list(permutations(range(count)))[1:])


def _not_observable(_: Observation) -> None:
    """Return None: the fact is observed in a second call."""


OF_SECOND_CALL = {ACCUMULATED: "gradients_add_up", DIFFERS: "second_gradients_differ"}
"""Meanings of wrong gradients of a second call, and the corresponding facts."""

GRADIENT_FACTS: dict[str, Fact] = {
    "gradients_add_up": Fact(_not_observable, ACCUMULATED, of_any=True),
    "second_gradients_differ": Fact(_not_observable, DIFFERS, of_any=True, unless=("gradients_add_up",)),
    "gradients_not_finite": Fact(_not_finite, "there are NaN or infinite numbers in the gradients"),
    "gradients_all_zero": Fact(_all_zero, "every gradient is zero: are the cotangents read, and is anything detached?"),
    "wrong_gradients_zero": Fact(
        _wrong_zero,
        "the wrong gradients are zero: does the backward pass reach them?",
        unless=("gradients_all_zero",),
    ),
    "gradients_right_to_float32": Fact(
        right_to_float32, "all gradients are right to float32 precision: something is computed in float32"
    ),
    "gradients_factor": Fact(
        lambda observed: factor(observed, observed.got), "every gradient is {:.6g} times the right one"
    ),
    "wrong_gradients_factor": Fact(
        lambda observed: factor(observed, observed.wrong_ones),
        "the wrong gradients are {:.6g} times the right ones",
        unless=("gradients_factor",),
    ),
    "gradients_transposed": Fact(_transposed, "the wrong gradients are the right ones, transposed"),
    "gradient_gates_moved": Fact(
        _gates_moved, "the weights' gradients have the right rows in another order of the gates"
    ),
    **{f"{cell}_gate_rows_wrong": _gate_rows(cell) for cell in ("lstm", "gru")},
    **{
        f"only_{names}_wrong": Fact(
            _only(*pair),
            f"only the gradients of {' and '.join(pair)} are wrong: {hint}",
            unless=("wrong_gradients_zero", "gradients_transposed"),
        )
        for names, (pair, hint) in _TOGETHER.items()
    },
    **{
        f"only_{name}_wrong": Fact(
            _only(name),
            f"only the gradient of {name} is wrong: {hint}",
            unless=("wrong_gradients_zero", "gradients_transposed"),
        )
        for name, hint in _ALONE.items()
    },
    "later_steps_right": Fact(
        _later_steps_right,
        "the gradient of x is right from time step {:.0f} on and wrong before: look at the gradient carried back",
    ),
    "top_layer_right": Fact(
        _top_layer_right,
        "the gradients of the last layer's weights are right, those below are wrong: look at the gradient passed down",
    ),
    "forward_gradients_right": Fact(
        lambda observed: _only_of_layers(observed, lambda name: not name.endswith("_reverse")),
        "the gradients of the forward direction's weights are right, those of the reverse direction's are wrong",
    ),
    "reverse_gradients_right": Fact(
        lambda observed: _only_of_layers(observed, lambda name: name.endswith("_reverse")),
        "the gradients of the reverse direction's weights are right, those of the forward direction's are wrong",
    ),
}
"""Facts by name, the most informative first. The names differ from those in ``FACTS``."""

EVERY_FACT: dict[str, Fact] = {**FACTS, **GRADIENT_FACTS}
"""The facts about outputs and about gradients."""
