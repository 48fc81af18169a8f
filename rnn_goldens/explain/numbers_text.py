"""The effect of a deviation on numbers, if it changes neither equations nor the order of steps."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rnn_goldens.cells import BUILT_IN_CELLS, Array, Case, Network, Weights
from rnn_goldens.deviations.alteration import Alteration
from rnn_goldens.explain.symbols import Symbol
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.shapes import Config, state_shapes, weight_shapes

_COLUMNS = 4
_ACTIVATIONS = ("sigmoid", "tanh", "relu")

_SIMPLE = (1, 0.5, 2, 0.25, 3, 0.1, 5, 10, 50)
_POINTS = tuple(
    dict.fromkeys([*(s * p for p in _SIMPLE for s in (-1, 1)), *2.0 ** np.arange(-11, 6), *np.arange(0.0, 15.0, 0.3)])
)
"""Arguments of an activation, from simple to complex."""

_TERMS = (1, 2, 3, *(n + 1 for n in (4, 8, 16, 32, 64)))


@dataclass(frozen=True)
class _Size:
    """The sizes of a network and its inputs."""

    rows: int = 1
    units: int = 2
    inputs: int = 2
    times: int = 3


_BEYOND = (3, 5, 9, 17, 33, 65, 129)
"""Sizes that exceed the usual sizes of vectors, tiles and buffers by one."""

_SIZES = (
    *(_Size(rows) for rows in (1, 3, 102, 130)),
    *(_Size(inputs=n) for n in _BEYOND),
    *(_Size(units=n) for n in _BEYOND),
    *(_Size(times=n) for n in (*_BEYOND[:5], 36, *_BEYOND[5:])),
)
"""The sizes to try, from small to large."""


def activations(wrong: Alteration) -> list[str]:
    """Return a table of activations, correct and wrong, at a few arguments; empty if they are equal."""
    lines: list[str] = []
    for name in _ACTIVATIONS:
        z = np.array(_POINTS)
        right, other = (np.asarray(getattr(network, name)(z)) for network in (Network(), wrong.network()))
        differs = np.flatnonzero(~np.isclose(right, other, rtol=1e-12, atol=0))[:_COLUMNS]
        if len(differs):
            at = sorted(differs, key=lambda k: z[k])
            rows = {"z": z, f"{name}(z), right": right, "wrong": other}
            lines += [f"  {title:<18}{''.join(f'{values[k]:>15.10g}' for k in at)}" for title, values in rows.items()]
    return ["an activation at a few arguments", *lines] if lines else []


def products(wrong: Alteration) -> list[str]:
    """Return the first dot product that differs, of a vector of ones or of thirds with ones."""
    network = wrong.network()
    for value in (1.0, 1 / 3):
        for terms in _TERMS:
            v, matrix = np.full((1, terms), value), np.ones((1, terms))
            right, other = (float(n.product(v, matrix)[0, 0]) for n in (Network(), network))
            if right != other:
                times = f"{terms} numbers {value:.10g}" if terms > 1 else f"the number {value:.10g}"
                return [f"a dot product of {times} with ones", *_two(f"{right:.10g}", f"{other:.10g}")]
    return []


def second_product(wrong: Alteration) -> list[str]:
    """Return a product of symbols at the second time step, if it also contains the first product."""
    network, matrix = wrong.network(), np.ones((1, 1))
    first, second = (np.array([[Symbol({f"W @ v_{step}": 1.0})]]) for step in (1, 2))
    network.product(first, matrix)
    right, other = str(second[0, 0]), str(network.product(second, matrix)[0, 0])
    return ["a product at time step 2: right (-) and wrong (+)", *_two(right, other)] if right != other else []


def numbers(wrong: Alteration, cell: str, needs: Sequence[str]) -> list[str]:
    """Return the first number that differs: in the inputs, the weights or the outputs."""
    for size in _SIZES:
        for state in (True, False):
            case = _case(cell, needs, size, state=state)
            for what, right, other in _compared(wrong, case):
                differs = right.shape == other.shape and right != other
                if np.any(differs):
                    place = tuple(int(k) for k in np.argwhere(differs)[0])
                    where = f"{what}[{', '.join(map(str, place))}], {_described(case)}"
                    return [where, *_two(f"{right[place]:.10g}", f"{other[place]:.10g}{_name(case, other[place])}")]
    return []


def _two(right: str, wrong: str) -> list[str]:
    return [f"  - {right}", f"  + {wrong}"]


def _compared(wrong: Alteration, case: Case) -> Iterator[tuple[str, Array, Array]]:
    changed = case
    for change in wrong.inputs:
        changed = change(changed)
    yield "x", case.x, changed.x
    yield from ((f"{s}0", a, b) for s, a, b in zip(case.cell.states, case.state, changed.state, strict=True))
    right, other = Network().weights(case, "l0"), wrong.network().weights(changed, "l0")
    yield from ((f"{'W' if n.startswith('w') else 'b'}_{n[-2:]}", right[n], other[n]) for n in right)
    yield from zip(case.cell.layout.outputs, Network().run(case), wrong(case), strict=False)


def _case(cell: str, needs: Sequence[str], size: _Size, *, state: bool) -> Case:
    layers, bidirectional = 1 + ("multilayer" in needs), "bidirectional" in needs
    config = Config(size.inputs, size.units, layers, bidirectional)
    weights: Weights = {
        name: _numbers_of(shape, at) for at, (name, shape) in enumerate(weight_shapes(LAYOUTS[cell], config).items())
    }
    fill: Callable[[tuple[int, ...], int], Array] = _numbers_of if state else lambda shape, _: np.zeros(shape)
    states = tuple(fill(s, 90 + at) for at, s in enumerate(state_shapes(LAYOUTS[cell], config, (size.rows,)).values()))
    lengths = 1 + np.arange(size.rows) % size.times if "lengths" in needs else None
    return Case(
        BUILT_IN_CELLS[cell],
        config,
        weights,
        _numbers_of((size.rows, size.times, size.inputs), 80),
        states,
        lengths,
        state,
    )


def _numbers_of(shape: tuple[int, ...], seed: int) -> Array:
    """Return numbers of many digits, within ±1."""
    return np.sin(np.arange(1, 1 + np.prod(shape)) + seed).reshape(shape)


def _described(case: Case) -> str:
    layers = "1 layer" if case.config.num_layers == 1 else f"{case.config.num_layers} layers"
    inputs = "" if case.config.input_size == _Size.inputs else f", {case.config.input_size} inputs"
    return (
        f"{case.cell.name}, {layers}, {case.config.hidden_size} units{inputs}, batch {len(case.x)}, "
        f"{case.x.shape[1]} time steps{'' if case.state_given else ', no initial state'}"
        f"{'' if case.lengths is None else ', ragged'}"
    )


def _name(case: Case, value: float) -> str:
    """Return the name of the correct network's output that contains a wrong number; "" if none does."""
    named = zip(case.cell.layout.outputs, Network().run(case), strict=True)
    last = [name for name, array in named if value and np.any(array == value)]
    return f", a number of {last[-1]} of the right network" if last else ""
