"""Facts on single steps: the definition is applied to the actual values of the previous step or layer."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from rnn_goldens.diagnosis.match import Array
from rnn_goldens.diagnosis.observation import Mask, Observation

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


def every_step_follows(observed: Observation) -> bool | None:
    """Return whether every step is right, given the actual state before it."""
    follows = _follows(observed)
    return None if follows is None or not observed.out_is_wrong else bool(follows.all())


def no_step_follows(observed: Observation) -> bool | None:
    """Return whether no step is right, given the actual state before it."""
    follows = _follows(observed)
    return None if follows is None or not observed.out_is_wrong else not follows.any()


def _follows(observed: Observation) -> Mask | None:
    """Return whether each step's output, row by row, follows from the previous one by the definition.

    None if this cannot be computed, for example for an LSTM, or if the last step of out differs from h_n.
    """
    from rnn_goldens.cells import Network, case_of

    out = observed.got["out"]
    if not observed.is_one_chain or observed.steps == 1 or not np.isfinite(out).all():
        return None
    if "c" in observed.golden.layout.states or not observed.is_defined:
        return None
    if "h_n" in observed.got and not observed.near(out[..., -1, :], observed.got["h_n"][0]):
        return None
    case = case_of(observed.golden, np.float64).as_batch()
    network, batch = Network(), out if out.ndim == 3 else out[None]  # noqa: PLR2004 - (batch, time, units)
    w = network.weights(case, "l0")
    steps = [network.step(case, "l0", w, case.x, t, (batch[:, t - 1],))[0] for t in range(1, batch.shape[1])]
    return np.array(
        [[observed.near(*row) for row in zip(batch[:, t + 1], step, strict=True)] for t, step in enumerate(steps)]
    )


def upper_layers_follow(observed: Observation) -> bool | None:
    """Return whether upper layers are right, given the actual output of the layer below, and the first is wrong."""
    if not _is_one_step_of_layers(observed):
        return None
    error = np.abs(observed.got["h_n"][0] - observed.want("h_n")[0]).max()
    of_upper = max(np.abs(got - state).max() for got, state in _upper(observed, 1.0))
    return bool(observed.wrong["h_n"][0].any() and error > APART * of_upper) and _upper_follow(observed, 1.0)


def fed_times(observed: Observation) -> bool | float | None:
    """Return the factor by which upper layers seem to multiply their input; False if no factor makes them right."""
    if observed.layers == 1 and observed.out_is_wrong:
        return False  # there is no upper layer
    if not _is_one_step_of_layers(observed) or observed.wrong["h_n"][0].any() or not observed.out_is_wrong:
        return None
    if _upper_follow(observed, 1.0):
        return False  # upper layers are right
    off = [_off(observed, factor) for factor in FACTORS]
    nearest = int(np.argmin(off))
    if not 0 < nearest < len(FACTORS) - 1:
        return False
    factor = _minimum(lambda tried: _off(observed, tried), FACTORS[nearest - 1], FACTORS[nearest + 1])
    return factor if _upper_follow(observed, factor) else False


def _minimum(off: Callable[[float], float], low: float, high: float) -> float:
    """Return the number between ``low`` and ``high`` at which a function is smallest, to float32 precision."""
    for _ in range(NARROWED):
        third = (high - low) / 3
        low, high = (low, high - third) if off(low + third) < off(high - third) else (low + third, high)
    return (low + high) / 2


def _is_one_step_of_layers(observed: Observation) -> bool:
    is_one_step = observed.layers > 1 and observed.directions == 1 and observed.steps == 1
    return is_one_step and observed.is_defined and bool(np.isfinite(observed.got["h_n"]).all())


def _upper_follow(observed: Observation, factor: float) -> bool:
    return all(observed.near(got, state, "h_n") for got, state in _upper(observed, factor))


def _off(observed: Observation, factor: float) -> float:
    return float(sum(np.square(got - state).sum() for got, state in _upper(observed, factor)))


def _upper(observed: Observation, factor: float) -> Iterator[tuple[Array, Array]]:
    """Yield the actual state of each upper layer, and the state computed from ``factor`` times the layer below."""
    from rnn_goldens.cells import Network, case_of

    case = case_of(observed.golden, np.float64).as_batch()
    network = Network()
    h_n = observed.got["h_n"] if observed.golden.stored.x.ndim == 3 else observed.got["h_n"][:, None]  # noqa: PLR2004 - (batch, time, input)
    for layer in range(1, observed.layers):
        suffix = f"l{layer}"
        layer_input = factor * h_n[layer - 1][:, None]
        state = network.step(case, suffix, network.weights(case, suffix), layer_input, 0, network.start(case, layer))
        yield h_n[layer], state[0]


def only_gate(letter: str, observed: Observation) -> bool | None:
    """Return whether only this gate can be wrong: any other one would exceed its range. None if others can, too."""
    possible = _possible(observed)
    if possible is None or (letter in possible and len(possible) > 1):
        return None
    return letter in possible


def only_c(observed: Observation) -> bool | None:
    """Return whether h follows from the actual c after one step of an LSTM, and no single gate explains c."""
    if "c_n" not in observed.got:
        return None
    possible = _possible(observed)
    return None if possible is None else not possible and bool(observed.wrong["c_n"].any())


def _possible(observed: Observation) -> set[str] | None:
    """Return the gates that can be wrong if all others are right; None if unknown."""
    from rnn_goldens.cells import case_of
    from rnn_goldens.cells.steps import steps_of

    if (
        not observed.is_one_chain
        or observed.steps > 1
        or not observed.out_is_wrong
        or observed.error < SMALL  # rounding errors are in no single gate
        or observed.golden.cell not in ("gru", "lstm")
    ):
        return None
    (step,) = steps_of(case_of(observed.golden, np.float64))
    h = observed.got["h_n"][0]
    if observed.golden.cell == "gru":
        return _of_gru(step.gates, step.state_before["h"], h)
    return _of_lstm(observed, step.gates, step.state_before["c"], (h, observed.got["c_n"][0]))


def _of_gru(right: Mapping[str, Array], before: Array, h: Array) -> set[str]:
    """Return the gates for which h = (1 - z) n + z h0 has a solution in the gate's range."""
    z, n = right["z"], right["n"]
    solved = {"z": _is_within(h - n, before - n, 0.0), "n": _is_within(h - z * before, 1 - z, -1.0)}
    return {gate for gate, possible in solved.items() if possible}


def _of_lstm(
    observed: Observation, right: Mapping[str, Array], before: Array, got: tuple[Array, Array]
) -> set[str] | None:
    """Return the gates for which c = f c0 + i g, h = o tanh(c) is solvable; None unless exactly one gate is wrong."""
    h, c = got
    h_follows, c_is_right = observed.near(h, right["o"] * np.tanh(c), "h_n"), not observed.wrong["c_n"].any()
    if h_follows == c_is_right:  # nothing is wrong, or more than one gate
        return None
    if c_is_right:
        return {"o"} if _is_within(h, np.tanh(c), 0.0) else set()
    i, f, g = right["i"], right["f"], right["g"]
    solved = {
        "f": _is_within(c - i * g, before, 0.0),
        "i": _is_within(c - f * before, g, 0.0),
        "g": _is_within(c - f * before, i, -1.0),
    }
    return {gate for gate, possible in solved.items() if possible}


def _is_within(product: Array, factor: Array, lowest: float) -> bool:
    """Return whether a gate from ``lowest`` to 1 gives these products. Small factors must give small products."""
    solvable = np.abs(factor) > SMALL
    quotient = product[solvable] / factor[solvable]
    return bool(
        ((quotient >= lowest - SLACK) & (quotient <= 1 + SLACK)).all()
        and (np.abs(product[~solvable]) <= 2 * SMALL).all()
    )
