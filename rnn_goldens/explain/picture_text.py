"""Shows what is wrong in a deviation of networks beside what is right: as equations, steps or numbers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import product
from typing import Any

import numpy as np

from rnn_goldens.cells import BUILT_IN_CELLS, Array, Case, Cell, Network, Weights
from rnn_goldens.deviations import Deviation
from rnn_goldens.deviations.alteration import Alteration
from rnn_goldens.explain.equations_text import LONGEST, block_name, difference, of_first_cell, side_by_side, written
from rnn_goldens.explain.small_networks import SAMPLES, Size, SmallNetwork, drawn, formula
from rnn_goldens.explain.steps_text import steps
from rnn_goldens.golden.shapes import STACKED

_ROWS_SHOWN = 6
_COLUMNS = 4
_ACTIVATIONS = ("sigmoid", "tanh", "relu")

_SIMPLE = (1, 0.5, 2, 0.25, 3, 0.1, 5, 10, 50)
_POINTS = tuple(
    dict.fromkeys([*(s * p for p in _SIMPLE for s in (-1, 1)), *2.0 ** np.arange(-11, 6), *np.arange(0.0, 15.0, 0.3)])
)
"""Arguments of an activation, from simple to complex."""

_TERMS = (1, 2, 3, *(n + 1 for n in (4, 8, 16, 32, 64)))

_BEYOND = (3, 5, 9, 17, 33, 65, 129, 257)
"""Sizes that exceed the usual sizes of vectors, tiles and buffers by one."""

_CHANGES: tuple[dict[str, Any], ...] = (
    *({"rows": n} for n in (1, 3, 102, 130, 258)),
    *({"inputs": n} for n in _BEYOND),
    *({"units": n} for n in _BEYOND),
    *({"times": n} for n in sorted((*_BEYOND, 36))),
)
"""Other sizes of a network of two inputs and two units, from small to large."""


def picture(deviation: Deviation) -> list[str]:
    """Return correct (-) and wrong (+) lines, found by running the deviation; empty if that shows nothing."""
    wrong, cells, needs = deviation.alteration, deviation.cells, deviation.needs
    pictures: list[Callable[[], list[str]]] = [
        lambda: other_equations(deviation),
        lambda: changed_weights(wrong, cells, needs),
        lambda: [*shown, *products(wrong)] if (shown := activations(wrong)) else [],
        lambda: steps(wrong, cells[0], needs),
        lambda: second_product(wrong),
        lambda: products(wrong),
        lambda: numbers(wrong, cells[0], needs),
    ]
    for lines_of_picture in pictures:
        try:
            lines = lines_of_picture()
        except ValueError:  # a number without a name, or a network of a size that the code does not accept
            continue
        if lines:
            return lines
    return []


def other_equations(deviation: Deviation, longest: int = LONGEST) -> list[str]:
    """Return the equations of the first cell that the deviation changes, and the names of other changed cells."""
    found = {
        cell: lines for cell, f in deviation.alteration.equations.items() if (lines := difference(cell, f, longest))
    }
    return of_first_cell(list(found), next(iter(found.values()))) if found else []


# Changed weights.


def changed_weights(wrong: Alteration, cells: Sequence[str], needs: Sequence[str]) -> list[str]:
    """Return equations with changed weights, or changed rows if no formula fits; empty if nothing is changed."""
    size = Size(1 + ("multilayer" in needs), 1 + ("bidirectional" in needs), units=2, inputs=2)
    names, first = list[str](), None
    for cell in cells:
        one, small = (SmallNetwork(BUILT_IN_CELLS[cell], size, samples) for samples in (1, SAMPLES))
        changed = [
            suffix for suffix in small.config.suffixes if _differ(one, suffix, _wrong_weights(one, wrong, suffix))
        ]
        if changed:
            suffix = changed[0]
            place = "" if names or len(changed) == len(small.config.suffixes) else f", {_place(suffix, size)}"
            names.append(f"{cell}{place}")
            found = _wrong_weights(small, wrong, suffix)
            try:
                blocks = small.changed_blocks(suffix, found)
            except ValueError:
                return _elements(names[-1], small, suffix, found)
            right, other = (written(small.cell, small.cell.equations, weights=texts) for texts in ({}, blocks))
            first = first or (list(side_by_side(right, other)), _order_of_gates(small.cell, blocks))
    return [*of_first_cell(names, first[0]), *first[1]] if first else []


def _wrong_weights(small: SmallNetwork, wrong: Alteration, suffix: str) -> Weights:
    """Return the weights that a wrong network uses; the first axis is the sample."""
    cases = (_with_changed_inputs(wrong, small.case(sample)) for sample in range(small.samples))
    found = [wrong.network().weights(case, suffix) for case in cases]
    return {name: np.stack([weights[name] for weights in found]) for name in found[0]}


def _with_changed_inputs(wrong: Alteration, case: Case) -> Case:
    return reduce(lambda changed, change: change(changed), wrong.inputs, case)


def _differ(small: SmallNetwork, suffix: str, wrong: Weights) -> bool:
    return any(not np.array_equal(array, wrong[name]) for name, array in small.weights(suffix).items())


def _place(suffix: str, size: Size) -> str:
    """Return the layer and direction of a suffix, as far as the network has several."""
    layer, _, reverse = suffix.partition("_")
    places = [f"layer {layer[1:]}"] if size.layers > 1 else []
    return ", ".join([*places, f"{reverse or 'forward'} direction"] if size.directions > 1 else places)


def _order_of_gates(cell: Cell, blocks: Mapping[tuple[str, int], str]) -> list[str]:
    """Return the order in which the rows of the weights are read as gates, if only the order is wrong."""
    read = {}
    for name in dict.fromkeys(name for name, _ in blocks):
        own = [block_name(cell, name, number) for number in range(len(cell.gates))]
        texts = [blocks.get((name, number), right) for number, right in enumerate(own)]
        if sorted(texts) != sorted(own):
            return []
        read[_short(name)] = " ".join(cell.gates[texts.index(block)] for block in own)
    heading = f"the rows of {', '.join(read)}, by gate, hidden_size rows each"
    return [heading, *_two(" ".join(cell.gates), next(iter(read.values())))]


def _elements(title: str, small: SmallNetwork, suffix: str, wrong: Weights) -> list[str]:
    """Return the changed rows of the weights number by number; raises ValueError for a number that is no weight."""
    right = {name: array[0] for name, array in small.weights(suffix).items() if name in dict(STACKED)}
    names: dict[float, str] = {}
    for name, array in right.items():
        for row, column in np.ndindex(len(array), array[0].size):
            gate, within = divmod(row, small.size.units)
            place = f"{within},{column}" if array.ndim > 1 else f"{within}"
            names[float(np.atleast_2d(array.T).T[row, column])] = f"{block_name(small.cell, name, gate)}[{place}]"
    if any(value not in names for name in right for value in wrong[name][0].flat):
        raise ValueError("a number that is no weight")
    pairs = []
    for name, array in right.items():
        for row, numbers in enumerate(zip(array, wrong[name][0], strict=True)):
            a, b = (" ".join(names[value] for value in np.atleast_1d(own)) for own in numbers)
            if a != b:
                pairs += [f"  - row {row} of {_short(name)}: {a}", f"  + row {row} of {_short(name)}: {b}"]
    left = len(pairs) // 2 - _ROWS_SHOWN
    heading = f"{title} with 2 inputs and 2 units: the right rows (-) and the wrong ones (+)"
    return [heading, *pairs[: 2 * _ROWS_SHOWN], *([f"  and {left} more"] if left > 0 else [])]


def _short(weight: str) -> str:
    return weight.replace("weight", "W").replace("bias", "b")


# Numbers.


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
    for value, terms in product((1.0, 1 / 3), _TERMS):
        v, matrix = np.full((1, terms), value), np.ones((1, terms))
        right, other = (float(n.product(v, matrix)[0, 0]) for n in (Network(), network))
        if right != other:
            times = f"{terms} numbers {value:.10g}" if terms > 1 else f"the number {value:.10g}"
            return [f"a dot product of {times} with ones", *_two(f"{right:.10g}", f"{other:.10g}")]
    return []


def second_product(wrong: Alteration) -> list[str]:
    """Return the product at the second time step, if it also contains the first product."""
    network, matrix = wrong.network(), np.ones((1, 1))
    first, second = (drawn(name, SAMPLES, 1) for name in ("first", "second"))
    network.product(first, matrix)
    right, other = "W @ v_2", formula(network.product(second, matrix), {"W @ v_2": second, "W @ v_1": first})
    return ["a product at time step 2: right (-) and wrong (+)", *_two(right, other)] if other != right else []


def numbers(wrong: Alteration, cell: str, needs: Sequence[str]) -> list[str]:
    """Return the first number that differs: in the inputs, the weights or the outputs."""
    least = Size(1 + ("multilayer" in needs), 1 + ("bidirectional" in needs), units=2, inputs=2)
    for change, state in product(_CHANGES, (True, False)):
        size = replace(least, **change, state=state)
        lengths = tuple(1 + row % size.times for row in range(size.rows)) if "lengths" in needs else None
        small = SmallNetwork(BUILT_IN_CELLS[cell], replace(size, lengths=lengths), samples=1)
        right = Network().run(case := small.case())
        for what, own, other in _compared(wrong, case, right):
            differs = own != other if own.shape == other.shape else np.array(False)
            if np.any(differs):
                place = tuple(int(k) for k in np.argwhere(differs)[0])
                named = zip(case.cell.layout.outputs, right, strict=True)
                of = [name for name, array in named if other[place] and np.any(array == other[place])]
                known = f", a number of {of[-1]} of the right network" if of else ""
                where = f"{what}[{', '.join(map(str, place))}], {cell}, {small.size}"
                return [where, *_two(f"{own[place]:.10g}", f"{other[place]:.10g}{known}")]
    return []


def _compared(wrong: Alteration, case: Case, right: Sequence[Array]) -> Iterator[tuple[str, Array, Array]]:
    changed = _with_changed_inputs(wrong, case)
    yield "x", case.x, changed.x
    yield from ((f"{s}0", a, b) for s, a, b in zip(case.cell.states, case.state, changed.state, strict=True))
    weights, other = Network().weights(case, "l0"), wrong.network().weights(changed, "l0")
    yield from ((_short(name), array, other[name]) for name, array in weights.items())
    yield from zip(case.cell.layout.outputs, right, wrong(case), strict=False)


def _two(right: str, wrong: str) -> list[str]:
    return [f"  - {right}", f"  + {wrong}"]
