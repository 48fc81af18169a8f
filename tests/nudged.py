"""The bound by differences: every number of a small network is moved a little, one after the other."""

import numpy as np

from rnn_goldens.cells import Array, Case, Network, State, Weights
from rnn_goldens.generator.error_bound import error_bound
from rnn_goldens.generator.losses import loss
from rnn_goldens.generator.recorded import Unrolled, recorded


class Nudged(Network):
    """Moves one number of one value: the ``value``-th that is computed at one visit of one layer and direction."""

    def __init__(self, suffix: str, t: int, value: int, at: tuple[int, int], by: float) -> None:
        self.suffix, self.t, self.value, self.at, self.by = suffix, t, value, at, by

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        program = case.cell.apart.program(w)
        values = [layer_input[:, t], *state]
        for k, operation in enumerate(program.operations, program.inputs):
            arguments = [values[of] for of in operation.of] + [w[name] for name in operation.weights]
            value = getattr(self, operation.primitive)(*arguments, *operation.detail)
            if (suffix, t, k) == (self.suffix, self.t, self.value):
                value = np.atleast_2d(np.array(value, dtype=np.float64))
                value[self.at] += self.by
            values.append(value)
        return tuple(values[k] for k in program.after)


def reached(one: Unrolled, visit: int, shape: tuple[int, ...]) -> Array:
    """Which numbers of a value count at a visit: those of sequences that have the step, and what is one for all."""
    within = one.within[visit][:, None]
    return np.broadcast_to(within if shape[0] == len(within) else within.any(), shape)


def lost_on_the_way(case: Case) -> list[Array]:
    """The bound, by differences: what each number may lose, times how each output changes with it; (2, …) each."""
    step, total = 2.0**-20, [0.0 for _ in Network().run(case)]
    for layer, directions in zip(case.config.layers, recorded(case), strict=True):
        for suffix, one in zip(layer, directions, strict=True):
            for k in range(one.program.inputs, len(one.values)):
                lost = loss(one, k)
                if lost is None or not lost.any():
                    continue
                for visit, t in enumerate(one.times):
                    for at in np.argwhere(reached(one, visit, lost.shape[2:])):
                        place = tuple(at)
                        up, down = (Nudged(suffix, t, k, place, by).run(case) for by in (step, -step))
                        here = lost[:, visit][(slice(None), *place)]
                        for output, (more, less) in enumerate(zip(up, down, strict=True)):
                            change = np.abs(more - less) / (2 * step)
                            total[output] = total[output] + here.reshape(2, *[1] * change.ndim) * change
    return [np.asarray(part) for part in total]


def assert_attained(case: Case) -> None:
    """Errors of the worst sign everywhere reach the bound, and none exceed it."""
    tolerance = error_bound(case).tolerance
    for name, worst in zip(tolerance.storage, lost_on_the_way(case), strict=True):
        bound = np.stack([tolerance.accumulation[name], tolerance.storage[name]])
        assert (bound >= worst * (1 - 1e-6)).all()
        assert (bound <= worst * (1 + 2**-7)).all()  # rounded up to eight bits
