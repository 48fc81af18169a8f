"""Facts on wrong gradients: which arrays and gates they belong to, and what they match."""

from collections.abc import Callable
from itertools import permutations

import numpy as np

from rnn_goldens.diagnosis.observation import Mask, Observation
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.shapes import STACKED

_MAX_GATES = 4


def all_zero(observed: Observation) -> bool | None:
    """Return whether every gradient is zero; None for a single one."""
    return not any(array.any() for array in observed.got.values()) if len(observed.got) > 1 else None


def wrong_zero(observed: Observation) -> bool | None:
    """Return whether the wrong gradients are zero."""
    return not any(observed.got[name].any() for name in observed.wrong_ones) if observed.are_shaped else None


def only(prefixes: tuple[str, ...], observed: Observation) -> bool | None:
    """Return whether each prefix of a name has a wrong gradient, and all other gradients are right.

    None if there are no other gradients, if a prefix has no gradient, or if a shape is wrong.
    """
    others = [name for name in observed.got if not name.startswith(prefixes)]
    present = all(any(name.startswith(prefix) for name in observed.got) for prefix in prefixes)
    if not others or not present or not observed.are_shaped:
        return None
    each_is_wrong = all(any(name.startswith(prefix) for name in observed.wrong_ones) for prefix in prefixes)
    return each_is_wrong and not any(name in observed.wrong_ones for name in others)


def gate_rows(cell: str, observed: Observation) -> bool | float | None:
    """Return which gates of a cell have wrong rows, if some have none: a bit mask, 1 for the first gate.

    An error in one gate at one step spreads to all gates at the step before. So wrong rows of all gates are
    informative only for a single step of a single layer.
    """
    if observed.golden.cell != cell or not observed.are_shaped:
        return None
    gates = LAYOUTS[cell].gates
    weights = [wrong for name, wrong in observed.wrong.items() if name.startswith(("weight", "bias"))]
    rows = [[block.any() for block in np.split(wrong, len(gates))] for wrong in weights]
    wrong = [any(of_gate) for of_gate in zip(*rows, strict=True)]
    if all(wrong):
        is_one_step = observed.golden.stored.x.shape[-2] == observed.golden.network.num_layers == 1
        return False if is_one_step and wrong else None
    return float(sum(2**place for place, is_wrong in enumerate(wrong) if is_wrong)) or False


def gates_in_words(cell: str, value: bool | float) -> str:
    """Return the gates of a bit mask: ``i and f``."""
    letters = [letter for place, letter in enumerate(LAYOUTS[cell].gates) if int(value) >> place & 1]
    return " and ".join([", ".join(letters[:-1]), letters[-1]] if letters[1:] else letters)


def direction_right(direction: str, observed: Observation) -> bool | None:
    """Return whether the gradients of the weights of one direction are right, and those of the other wrong."""
    return _only_of_layers(observed, lambda name: name.endswith("_reverse") == (direction == "reverse"))


def _only_of_layers(observed: Observation, right: Callable[[str], bool]) -> bool | None:
    """Return whether the weights that ``right`` selects have right gradients, and all others wrong ones or zeros."""
    weights = [name for name in observed.got if name.startswith(("weight", "bias"))]
    selected, others = [n for n in weights if right(n)], [n for n in weights if not right(n)]
    if not selected or not others or not observed.are_shaped:
        return None
    wrong = observed.wrong_ones
    others = [name for name in others if observed.want(name).any()]
    return not any(name in wrong for name in selected) and bool(others) and all(name in wrong for name in others)


def top_layer_right(observed: Observation) -> bool | None:
    """Return whether the gradients of the last layer's weights are right, and those below are wrong."""
    top = f"_l{observed.golden.network.num_layers - 1}"
    return _only_of_layers(observed, lambda name: name.removesuffix("_reverse").endswith(top))


def later_steps_right(observed: Observation) -> bool | float | None:
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


def transposed(observed: Observation) -> bool | None:
    """Return whether the wrong gradients are the right ones, transposed."""
    matrices = [name for name in observed.wrong_ones if observed.want(name).ndim == 2]  # noqa: PLR2004
    if not matrices:
        return None
    return matrices == observed.wrong_ones and all(
        observed.near(observed.got[n].T, observed.want(n), n) for n in matrices
    )


def gates_moved(observed: Observation) -> bool | None:
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
