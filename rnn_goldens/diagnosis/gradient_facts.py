"""What can be seen in the wrong gradients of a golden where no name fits, and how it is said."""

from collections.abc import Callable, Iterable
from itertools import permutations

import numpy as np

from rnn_goldens.diagnosis.fact_list import FACTS, FEW, Fact, Value
from rnn_goldens.diagnosis.resemblance import right_to_float32
from rnn_goldens.diagnosis.seen import Mask, Seen
from rnn_goldens.golden.shapes import LAYOUTS
from rnn_goldens.judging.calls import ADDED_UP, DIFFERS

_MOST_GATES = 4

_ALONE = {
    "x": "look at what goes through weight_ih, and how it is put together",
    "h0": "look at what comes out of the first step",
    "c0": "look at what comes out of the first step",
    "weight_ih": "look at which input it is multiplied with",
    "weight_hh": "look at which h it is multiplied with",
    "bias_ih": "look at what it is summed over",
    "bias_hh": "look at what it is summed over",
}
"""By the beginning of a name, what to look at if no other gradient is wrong."""

_TOGETHER = {
    "biases": (("bias_ih", "bias_hh"), "look at what they are summed over"),
    "start": (("h0", "c0"), "look at what comes out of the first step"),
    "input": (("weight_ih", "bias_ih"), "look at the gradient of W_ih x + b_ih"),
    "recurrent": (("weight_hh", "bias_hh"), "look at the gradient of W_hh h + b_hh"),
}
"""Of which two are wrong, and no other; and what to look at then."""


def _not_finite(seen: Seen) -> bool:
    return any(not np.isfinite(array).all() for array in seen.got.values())


def _all_zero(seen: Seen) -> bool | None:
    return not any(array.any() for array in seen.got.values()) if len(seen.got) > 1 else None


def _wrong_zero(seen: Seen) -> bool | None:
    return not any(seen.got[name].any() for name in seen.wrong_ones) if seen.are_shaped else None


def _factor(seen: Seen, names: Iterable[str]) -> bool | float | None:
    """By which all of some are the right ones times a number; None if it could be any."""
    names = [name for name in names if seen.want(name).any()]
    if not seen.are_shaped or not names:
        return None
    square = sum(float(np.square(seen.want(name)).sum()) for name in names)
    k = sum(float((seen.got[name] * seen.want(name)).sum()) for name in names) / square
    is_so = np.isfinite(k) and abs(k) > 1e-3  # noqa: PLR2004 - not zero
    return k if is_so and all(seen.near(seen.got[n], k * seen.want(n), n) for n in names) else False


def _only(*begins: str) -> Callable[[Seen], bool | None]:
    """Whether some of each are wrong whose names begin so, and no other is.

    None if no other came, or none that begins so, or what is wrong is a shape.
    """

    def see(seen: Seen) -> bool | None:
        others = [name for name in seen.got if not name.startswith(begins)]
        came = all(any(name.startswith(begin) for name in seen.got) for begin in begins)
        if not others or not came or not seen.are_shaped:
            return None
        each_is = all(any(name.startswith(begin) for name in seen.wrong_ones) for begin in begins)
        return each_is and not any(name in seen.wrong_ones for name in others)

    return see


def _gate_rows(cell: str) -> Fact:
    """The gates of a cell whose rows alone are wrong: the sum of 1 for the first gate, 2 for the second, and so on.

    What is wrong in a gate at one step is wrong in all of them at the step before, so several steps, or layers, do not
    show it where all are.
    """
    gates = LAYOUTS[cell].gates

    def see(seen: Seen) -> bool | float | None:
        if seen.golden.cell != cell or not seen.are_shaped:
            return None
        weights = [wrong for name, wrong in seen.wrong.items() if name.startswith(("weight", "bias"))]
        rows = [[block.any() for block in np.split(wrong, len(gates))] for wrong in weights]
        wrong = [any(of_gate) for of_gate in zip(*rows, strict=True)]
        if all(wrong):
            is_one_step = seen.golden.stored.x.shape[-2] == seen.golden.config.num_layers == 1
            return False if is_one_step and wrong else None
        return float(sum(2**place for place, is_wrong in enumerate(wrong) if is_wrong)) or False

    def words(value: Value) -> str:
        letters = [letter for place, letter in enumerate(gates) if int(value) >> place & 1]
        return " and ".join([", ".join(letters[:-1]), letters[-1]] if letters[1:] else letters)

    return Fact(see, "in the weights' gradients the rows of {} alone are wrong", FEW, words=words)


def _only_of_layers(seen: Seen, right: Callable[[str], bool]) -> bool | None:
    """Whether of the weights some have none that is wrong, and others do; None as above."""
    weights = [name for name in seen.got if name.startswith(("weight", "bias"))]
    kept, others = [n for n in weights if right(n)], [n for n in weights if not right(n)]
    if not kept or not others or not seen.are_shaped:
        return None
    return not any(name in seen.wrong_ones for name in kept) and any(name in seen.wrong_ones for name in others)


def _top_layer_right(seen: Seen) -> bool | None:
    top = f"_l{seen.golden.config.num_layers - 1}"
    return _only_of_layers(seen, lambda name: name.removesuffix("_reverse").endswith(top))


def _later_steps_right(seen: Seen) -> bool | float | None:
    """Of one chain: the step from which on the gradient of x is right, if it is wrong in all before."""
    one_chain = seen.golden.config.num_layers == 1 and seen.golden.config.num_directions == 1
    if "x" not in seen.got or not seen.are_shaped or not one_chain or seen.golden.lengths is not None:
        return None
    steps = seen.wrong["x"].shape[-2]
    wrong_here: Mask = np.atleast_1d(seen.wrong["x"].any(axis=-1)).reshape(-1, steps)
    by_step = np.atleast_1d(wrong_here.any(axis=0))
    if steps == 1:
        return None
    first = steps - int(by_step[::-1].argmax()) if by_step.any() else 0
    return float(first) if 0 < first < steps and by_step[:first].all() else False


def _transposed(seen: Seen) -> bool | None:
    matrices = [name for name in seen.wrong_ones if seen.want(name).ndim == 2]  # noqa: PLR2004
    if not matrices:
        return None
    return matrices == seen.wrong_ones and all(seen.near(seen.got[n].T, seen.want(n), n) for n in matrices)


def _gates_moved(seen: Seen) -> bool | None:
    """The right rows of all gates in all weights, in another order."""
    count = len(seen.golden.layout.gates)
    weights = [name for name in seen.wrong_ones if name.startswith(("weight", "bias"))]
    if not seen.are_shaped or not 1 < count <= _MOST_GATES or not weights:
        return None
    blocks = {name: np.split(seen.want(name), count) for name in weights}

    def fits(order: tuple[int, ...]) -> bool:
        moved = ((name, np.concatenate([blocks[name][place] for place in order])) for name in weights)
        return all(seen.near(seen.got[name], want, name) for name, want in moved)

    return any(fits(order) for order in list(permutations(range(count)))[1:])


def _not_here(_: Seen) -> None:
    """It is seen in a second call."""


OF_SECOND_CALL = {ADDED_UP: "gradients_add_up", DIFFERS: "second_gradients_differ"}
"""What is said of a second call whose gradients alone are wrong, and the fact that it is."""

GRADIENT_FACTS: dict[str, Fact] = {
    "gradients_add_up": Fact(_not_here, ADDED_UP, of_any=True),
    "second_gradients_differ": Fact(_not_here, DIFFERS, of_any=True, unless=("gradients_add_up",)),
    "gradients_not_finite": Fact(_not_finite, "there are NaN or infinite numbers in the gradients"),
    "gradients_all_zero": Fact(_all_zero, "every gradient is zero: are the cotangents read, and is anything detached?"),
    "wrong_gradients_zero": Fact(
        _wrong_zero,
        "the gradients that are wrong are zero: does anything come back to them?",
        unless=("gradients_all_zero",),
    ),
    "gradients_right_to_float32": Fact(
        right_to_float32, "all gradients are right to float32's precision: something is computed in float32"
    ),
    "gradients_factor": Fact(lambda seen: _factor(seen, seen.got), "every gradient is {:.6g} times the right one"),
    "wrong_gradients_factor": Fact(
        lambda seen: _factor(seen, seen.wrong_ones),
        "the gradients that are wrong are {:.6g} times the right ones",
        unless=("gradients_factor",),
    ),
    "gradients_transposed": Fact(_transposed, "the gradients that are wrong are the right ones, transposed"),
    "gradient_gates_moved": Fact(
        _gates_moved, "the weights' gradients hold the right rows of each gate, in another order of the gates"
    ),
    **{f"{cell}_gate_rows_wrong": _gate_rows(cell) for cell in ("lstm", "gru")},
    **{
        f"only_{names}_wrong": Fact(
            _only(*pair),
            f"the gradients of {' and '.join(pair)} alone are wrong: {hint}",
            unless=("wrong_gradients_zero", "gradients_transposed"),
        )
        for names, (pair, hint) in _TOGETHER.items()
    },
    **{
        f"only_{name}_wrong": Fact(
            _only(name),
            f"the gradient of {name} alone is wrong: {hint}",
            unless=("wrong_gradients_zero", "gradients_transposed"),
        )
        for name, hint in _ALONE.items()
    },
    "later_steps_right": Fact(
        _later_steps_right,
        "the gradient of x is right from time step {:.0f} on, and wrong before: look at what is carried back",
    ),
    "top_layer_right": Fact(
        _top_layer_right,
        "the gradients of the last layer's weights are right, those below are wrong: look at what a layer hands down",
    ),
    "forward_gradients_right": Fact(
        lambda seen: _only_of_layers(seen, lambda name: not name.endswith("_reverse")),
        "the gradients of the forward direction's weights are right, those of the reverse direction's are wrong",
    ),
    "reverse_gradients_right": Fact(
        lambda seen: _only_of_layers(seen, lambda name: name.endswith("_reverse")),
        "the gradients of the reverse direction's weights are right, those of the forward direction's are wrong",
    ),
}
"""By name, what tells most first; no name is one of ``FACTS``."""

EVERY_FACT: dict[str, Fact] = {**FACTS, **GRADIENT_FACTS}
"""Those of outputs, and of gradients."""
