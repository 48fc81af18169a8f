"""The tolerance: a worst-case bound on the rounding errors of any correct implementation, to first order.

The error of an output is at most the sum, over everything that is computed before it, of what may be lost there times
the absolute value of the exact derivative of the output by it. It is linear in two roundoffs, of accumulation and of
storage, so the bound is two numbers an element. Derived in docs/numerics.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rnn_goldens.cells import Case
from rnn_goldens.generator.carried import Network, Seed, errors
from rnn_goldens.generator.linearized import Linearized, flattest, linearized
from rnn_goldens.generator.losses import ACCUMULATION, STORAGE
from rnn_goldens.generator.recorded import Float64, recorded
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import Bound, roundoff_sum


@dataclass(frozen=True, eq=False)
class ErrorBound:
    """What is known of the errors of a case.

    Attributes:
        tolerance: the bound itself.
        flattest: the smallest derivative of any activation on the way: small where one is saturated.
        undecided: precisions in which rounding may decide which side of a kink is taken, so that no first-order bound
            holds.
    """

    tolerance: Bound
    flattest: float
    undecided: frozenset[str]


def error_bound(case: Case) -> ErrorBound:
    """Bound the errors of any correct implementation of a case, whose arrays are float64."""
    unrolled = recorded(case)
    network = [[linearized(one, of_input=layer > 0) for one in ones] for layer, ones in enumerate(unrolled)]
    out, last = [], []
    undecided: set[str] = set()
    for layer, ones in enumerate(network):
        for direction, one in enumerate(ones):
            found = _of_one(network, layer, direction)
            out.append(found.out)
            last.append(found.last)
            undecided.update(_undecided(one, found.kinks))
    outputs = [
        np.concatenate(out[-len(network[-1]) :], axis=-1),
        *(np.stack(s, axis=1) for s in zip(*last, strict=True)),
    ]
    if not case.batched:
        outputs = [outputs[0][:, 0], *(part[:, :, 0] for part in outputs[1:])]
    names = ("out", *(f"{name}_n" for name in case.cell.states))
    rounded = {name: round_up(error) for name, error in zip(names, outputs, strict=True)}
    tolerance = Bound(*({name: error[kind] for name, error in rounded.items()} for kind in (ACCUMULATION, STORAGE)))
    return ErrorBound(tolerance, min(flattest(one) for ones in unrolled for one in ones), frozenset(undecided))


@dataclass(frozen=True, eq=False)
class _Errors:
    """Of one layer in one direction.

    Attributes:
        out: (2, batch, time, hidden); nothing in layers whose output is not the network's.
        last: of each state after the last visit, (2, batch, units).
        kinks: of each value at a kink, (2, visits, batch, units).
    """

    out: Float64
    last: list[Float64]
    kinks: dict[int, Float64]


def _of_one(network: Network, layer: int, direction: int) -> _Errors:
    one = network[layer][direction]
    unrolled, on_top = one.unrolled, layer == len(network) - 1
    visits, states = range(len(unrolled.times)), range(len(unrolled.program.after))
    sizes = [unrolled.values[k].shape[-1] for k in unrolled.program.after]
    last = [Seed(visits[-1], None, state, sizes[state]) for state in states]
    out = [Seed(visit, None, 0, sizes[0]) for visit in visits[:-1]] if on_top else []
    kinks = [Seed(visit, k, 0, unrolled.values[k].shape[-1]) for k in one.kinks for visit in visits]
    found = dict(zip((*last, *out, *kinks), errors(network, layer, direction, (*last, *out, *kinks)), strict=True))
    at_time = np.zeros((2, unrolled.within.shape[1], len(visits), sizes[0]))
    for seed in (*out, last[0]) if on_top else ():
        within = unrolled.within[seed.visit][:, None]
        at_time[:, :, unrolled.times[seed.visit]] = np.where(within, found[seed], 0)
    by_kink = {k: np.stack([found[seed] for seed in kinks if seed.value == k], axis=1) for k in one.kinks}
    return _Errors(at_time, [found[seed] for seed in last], by_kink)


def _undecided(one: Linearized, errors_at: dict[int, Float64]) -> Iterator[str]:
    """Precisions in which a value may come out on the wrong side of a kink."""
    for operation in one.unrolled.program.operations:
        for distance, error in _from_kinks(one, operation.primitive, operation.of, operation.detail, errors_at):
            for precision in PRECISIONS.values():
                wrong_side = np.abs(distance) <= roundoff_sum(error[ACCUMULATION], error[STORAGE], precision)
                if (wrong_side & one.unrolled.within[..., None]).any():
                    yield precision.name


def _from_kinks(
    one: Linearized, primitive: str, of: tuple[int, ...], detail: tuple[object, ...], errors_at: dict[int, Float64]
) -> Iterator[tuple[Float64, Float64]]:
    """How far from each of a primitive's kinks its argument is, and how far that may be off."""
    values = one.unrolled.values
    nothing = np.zeros((2, 1, 1, 1))
    if primitive == "relu":
        yield values[of[0]], errors_at.get(of[0], nothing)
    elif primitive == "clip":
        for limit in detail:
            yield values[of[0]] - float(limit), errors_at.get(of[0], nothing)  # type: ignore[arg-type]
    elif primitive == "maximum":
        yield values[of[0]] - values[of[1]], sum((errors_at.get(k, nothing) for k in of), nothing)


def round_up(error: Float64) -> Float64:
    """To eight significant bits, upwards: a bound needs no more, and files stay small."""
    mantissas, exponents = np.frexp(error)
    rounded: Float64 = np.ldexp(np.ceil(mantissas * 256), exponents - 8)
    return rounded
