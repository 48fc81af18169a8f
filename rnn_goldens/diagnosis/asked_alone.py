"""Each step asked alone: what the definition makes of the implementation's own numbers before it."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from rnn_goldens.diagnosis.likeness import Array
from rnn_goldens.diagnosis.seen import Mask, Seen

FACTORS = tuple(np.linspace(-3, 3, 61))
"""What layers may be fed by mistake, times what the one below gives: dropout's scalings, a half, a sign."""

NARROWED = 40
"""So often the nearest of them is narrowed to two thirds."""

SLACK = 1e-4
"""So far beyond its range a gate may seem to lie that is solved back from rounded numbers."""

SMALL = 1e-2
"""Divided by less, rounding errors are all one sees."""


def every_step_follows(seen: Seen) -> bool | None:
    """From the state before it."""
    follows = _follows(seen)
    return None if follows is None or not seen.out_is_wrong else bool(follows.all())


def no_step_follows(seen: Seen) -> bool | None:
    """From the state before it."""
    follows = _follows(seen)
    return None if follows is None or not seen.out_is_wrong else not follows.any()


def _follows(seen: Seen) -> Mask | None:
    """Whether each step's output, row by row, is what the definition makes of the one before.

    None if more than that goes in, or out is not the state: its last step is not what is returned as the last state.
    """
    from rnn_goldens.cells import Network, case_of

    out = seen.got["out"]
    if not seen.is_one_chain or seen.steps == 1 or not np.isfinite(out).all():
        return None
    if "c" in seen.golden.layout.states or not seen.is_defined:
        return None
    if "h_n" in seen.got and not seen.near(out[..., -1, :], seen.got["h_n"][0]):
        return None
    case = case_of(seen.golden, np.float64).as_batch()
    network, batch = Network(), out if out.ndim == 3 else out[None]  # noqa: PLR2004 - (batch, time, units)
    w = network.weights(case, "l0")
    steps = [network.step(case, "l0", w, case.x, t, (batch[:, t - 1],))[0] for t in range(1, batch.shape[1])]
    return np.array(
        [[seen.near(*row) for row in zip(batch[:, t + 1], step, strict=True)] for t, step in enumerate(steps)]
    )


def upper_layers_follow(seen: Seen) -> bool | None:
    """Upper layers give what they should of what the layer below them gives, which is wrong."""
    if not _is_one_step_of_layers(seen):
        return None
    return bool(seen.wrong["h_n"][0].any()) and _upper_follow(seen, 1.0)


def fed_times(seen: Seen) -> bool | float | None:
    """Upper layers give what they should of a multiple of what the layer below them gives: which."""
    if seen.layers == 1 and seen.out_is_wrong:
        return False  # nothing is fed there
    if not _is_one_step_of_layers(seen) or seen.wrong["h_n"][0].any() or not seen.out_is_wrong:
        return None
    off = [_off(seen, factor) for factor in FACTORS]
    nearest = int(np.argmin(off))
    if not 0 < nearest < len(FACTORS) - 1:
        return False
    factor = _narrowed(lambda tried: _off(seen, tried), FACTORS[nearest - 1], FACTORS[nearest + 1])
    return factor if _upper_follow(seen, factor) else False


def _narrowed(off: Callable[[float], float], low: float, high: float) -> float:
    """Where between two numbers something is least, as near as float32 tells."""
    for _ in range(NARROWED):
        third = (high - low) / 3
        low, high = (low, high - third) if off(low + third) < off(high - third) else (low + third, high)
    return (low + high) / 2


def _is_one_step_of_layers(seen: Seen) -> bool:
    is_one_step = seen.layers > 1 and seen.directions == 1 and seen.steps == 1
    return is_one_step and seen.is_defined and bool(np.isfinite(seen.got["h_n"]).all())


def _upper_follow(seen: Seen, factor: float) -> bool:
    return all(seen.near(got, state, "h_n") for got, state in _upper(seen, factor))


def _off(seen: Seen, factor: float) -> float:
    return float(sum(np.square(got - state).sum() for got, state in _upper(seen, factor)))


def _upper(seen: Seen, factor: float) -> Iterator[tuple[Array, Array]]:
    """Of each upper layer what came, and what it gives of a multiple of what came of the layer below it."""
    from rnn_goldens.cells import Network, case_of

    case = case_of(seen.golden, np.float64).as_batch()
    network = Network()
    h_n = seen.got["h_n"] if seen.golden.stored.x.ndim == 3 else seen.got["h_n"][:, None]  # noqa: PLR2004 - as above
    for layer in range(1, seen.layers):
        suffix = f"l{layer}"
        fed = factor * h_n[layer - 1][:, None]
        state = network.step(case, suffix, network.weights(case, suffix), fed, 0, network.start(case, layer))
        yield h_n[layer], state[0]


def only_gate(letter: str, seen: Seen) -> bool | None:
    """Whether a gate is the only one that can be off: another would have to lie beyond its range; None if it may be."""
    possible = _possible(seen)
    if possible is None or (letter in possible and len(possible) > 1):
        return None
    return letter in possible


def only_c(seen: Seen) -> bool | None:
    """After one step of an LSTM, h follows from the c that came, which no single gate could give."""
    if "c_n" not in seen.got:
        return None
    possible = _possible(seen)
    return None if possible is None else not possible and bool(seen.wrong["c_n"].any())


def _possible(seen: Seen) -> set[str] | None:
    """The gates that can be off, the others being right; None where one can not tell."""
    from rnn_goldens.cells import case_of
    from rnn_goldens.cells.steps import steps_of

    if not seen.is_one_chain or seen.steps > 1 or not seen.out_is_wrong or seen.golden.cell not in ("gru", "lstm"):
        return None
    (step,) = steps_of(case_of(seen.golden, np.float64))
    h = seen.got["h_n"][0]
    if seen.golden.cell == "gru":
        return _of_gru(step.gates, step.state_before["h"], h)
    return _of_lstm(seen, step.gates, step.state_before["c"], (h, seen.got["c_n"][0]))


def _of_gru(right: Mapping[str, Array], before: Array, h: Array) -> set[str]:
    """Solve h = (1 - z) n + z h0 for one gate after the other."""
    z, n = right["z"], right["n"]
    solved = {"z": _is_within(h - n, before - n, 0.0), "n": _is_within(h - z * before, 1 - z, -1.0)}
    return {gate for gate, possible in solved.items() if possible}


def _of_lstm(seen: Seen, right: Mapping[str, Array], before: Array, got: tuple[Array, Array]) -> set[str] | None:
    """Solve c = f c0 + i g, and h = o tanh(c), for one gate after the other; None if more is off."""
    h, c = got
    h_follows, c_is_right = seen.near(h, right["o"] * np.tanh(c), "h_n"), not seen.wrong["c_n"].any()
    if h_follows == c_is_right:  # nothing is off, or more than one is
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
    """Whether a gate from ``lowest`` to 1 gives these products; where the factor is small, that they are small, too."""
    tells = np.abs(factor) > SMALL
    quotient = product[tells] / factor[tells]
    return bool(
        ((quotient >= lowest - SLACK) & (quotient <= 1 + SLACK)).all() and (np.abs(product[~tells]) <= 2 * SMALL).all()
    )
