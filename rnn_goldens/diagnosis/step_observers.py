"""Observers of facts about single steps: the equations are applied to actual values of the step or layer before."""

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from rnn_goldens.diagnosis.match import Array
from rnn_goldens.diagnosis.observation import Observation, Value

FACTORS = tuple(np.linspace(-3, 3, 61))
"""Factors tried between the output of a layer and the input of the next: scaling of dropout, a half, a sign."""

NARROWED = 40
"""Number of times that the interval around the best factor is narrowed to two thirds."""

SLACK = 1e-4
"""Largest accepted distance of a gate from its range. Gates are solved from rounded values."""

SMALL = 1e-2
"""Smallest divisor. Division by a smaller number would give only rounding errors."""

APART = 4
"""An error that comes from the first layer is at least this many times as large as those added by upper layers."""


def steps_follow(expected: bool, seen: Observation) -> bool | None:
    """Return whether every step's output, row by row, follows from the previous one by the definition, or if none does.

    None if this cannot be computed, for example for an LSTM, or if the last step of out differs from h_n.
    """
    from rnn_goldens.cells import Network, case_of

    out = seen.got["out"]
    if not seen.is_one_chain or seen.golden.time == 1 or not np.isfinite(out).all():
        return None
    if "c" in seen.golden.layout.states or not seen.is_defined:
        return None
    if "h_n" in seen.got and not seen.near(out[..., -1, :], seen.got["h_n"][0]):
        return None
    case = case_of(seen.golden, np.float64).as_batch()
    network, batch = Network(), out if out.ndim == 3 else out[None]  # noqa: PLR2004 - (batch, time, units)
    w = network.weights(case, "l0")
    steps = [network.step(case, "l0", w, case.x, t, (batch[:, t - 1],))[0] for t in range(1, batch.shape[1])]
    pairs = ((t, row, state) for t, step in enumerate(steps, 1) for row, state in enumerate(step))
    return all(seen.near(batch[row, t], state) is expected for t, row, state in pairs)


def upper_layers_follow(seen: Observation) -> Value | None:
    """Return whether upper layers are right, given the actual output of the layer below, and the first is wrong."""
    if not _is_one_step_of_layers(seen):
        return None
    error = np.abs(seen.got["h_n"][0] - seen.want("h_n")[0]).max()
    of_upper = max(np.abs(got - state).max() for got, state in _upper(seen, 1.0))
    return bool(seen.wrong["h_n"][0].any() and error > APART * of_upper) and _upper_follow(seen, 1.0)


def fed_times(seen: Observation) -> Value | None:
    """Return the factor by which upper layers seem to multiply their input; False if no factor makes them right."""
    if seen.layers == 1 and seen.out_is_wrong:
        return False  # there is no upper layer
    if not _is_one_step_of_layers(seen) or seen.wrong["h_n"][0].any() or not seen.out_is_wrong:
        return None
    if _upper_follow(seen, 1.0):
        return False  # upper layers are right
    off = partial(_off, seen)
    nearest = int(np.argmin([off(factor) for factor in FACTORS]))
    if not 0 < nearest < len(FACTORS) - 1:
        return False
    low, high = FACTORS[nearest - 1], FACTORS[nearest + 1]
    for _ in range(NARROWED):
        third = (high - low) / 3
        low, high = (low, high - third) if off(low + third) < off(high - third) else (low + third, high)
    factor = float(low + high) / 2
    return factor if _upper_follow(seen, factor) else False


def _is_one_step_of_layers(seen: Observation) -> bool:
    is_one_step = seen.layers > 1 and seen.directions == 1 and seen.golden.time == 1
    return is_one_step and seen.is_defined and bool(np.isfinite(seen.got["h_n"]).all())


def _upper_follow(seen: Observation, factor: float) -> bool:
    return all(seen.near(got, state, "h_n") for got, state in _upper(seen, factor))


def _off(seen: Observation, factor: float) -> float:
    return float(sum(np.square(got - state).sum() for got, state in _upper(seen, factor)))


def _upper(seen: Observation, factor: float) -> Iterator[tuple[Array, Array]]:
    """Yield the actual state of each upper layer, and the state computed from ``factor`` times the layer below."""
    from rnn_goldens.cells import Network, case_of

    case = case_of(seen.golden, np.float64).as_batch()
    network = Network()
    h_n = seen.got["h_n"] if seen.golden.stored.x.ndim == 3 else seen.got["h_n"][:, None]  # noqa: PLR2004 - (batch, time, input)
    for layer in range(1, seen.layers):
        suffix = f"l{layer}"
        layer_input = factor * h_n[layer - 1][:, None]
        state = network.step(case, suffix, network.weights(case, suffix), layer_input, 0, network.start(case, layer))
        yield h_n[layer], state[0]


def only_gate(letter: str, seen: Observation) -> bool | None:
    """Return whether only this gate can be wrong: any other one would exceed its range. None if others can, too."""
    possible = _possible(seen)
    return None if possible is None or (letter in possible and len(possible) > 1) else letter in possible


def only_c(seen: Observation) -> bool | None:
    """Return whether h follows from the actual c after one step of an LSTM, and no single gate explains c."""
    possible = _possible(seen) if "c_n" in seen.got else None
    return None if possible is None else not possible and bool(seen.wrong["c_n"].any())


def _possible(seen: Observation) -> set[str] | None:
    """Return the gates that can be wrong if all others are right; None if unknown."""
    from rnn_goldens.cells import case_of
    from rnn_goldens.cells.steps import steps_of

    is_one_step = seen.is_one_chain and seen.golden.time == 1 and seen.golden.cell in ("gru", "lstm")
    if not is_one_step or not seen.out_is_wrong or seen.error < SMALL:  # rounding errors are in no single gate
        return None
    (step,) = steps_of(case_of(seen.golden, np.float64))
    h, before, gates = seen.got["h_n"][0], step.state_before, step.gates
    if seen.golden.cell == "gru":  # h = (1 - z) n + z h0
        z, n = gates["z"], gates["n"]
        return _solvable({"z": (h - n, before["h"] - n), "n": (h - z * before["h"], 1 - z)})
    c, tanh_c = seen.got["c_n"][0], np.tanh(seen.got["c_n"][0])  # c = f c0 + i g, h = o tanh(c)
    c_is_right = not seen.wrong["c_n"].any()
    if seen.near(h, gates["o"] * tanh_c, "h_n") == c_is_right:  # nothing is wrong, or more than one gate
        return None
    if c_is_right:
        return _solvable({"o": (h, tanh_c)})
    i, f, g = gates["i"], gates["f"], gates["g"]
    return _solvable({"f": (c - i * g, before["c"]), "i": (c - f * before["c"], g), "g": (c - f * before["c"], i)})


def _solvable(equations: Mapping[str, tuple[Array, Array]]) -> set[str]:
    """Return the gates that solve product = gate · factor within their range: a small factor gives a small product."""
    found = set()
    for gate, (product, factor) in equations.items():
        divisible, lowest = np.abs(factor) > SMALL, -1.0 if gate in "gn" else 0.0
        quotient = product[divisible] / factor[divisible]
        is_within = ((quotient >= lowest - SLACK) & (quotient <= 1 + SLACK)).all()
        if is_within and (np.abs(product[~divisible]) <= 2 * SMALL).all():
            found.add(gate)
    return found
