"""Changed weights as changed equations: a deviation changes weights that are symbols, which shows the change."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np

from rnn_goldens.cells import BUILT_IN_CELLS, Array, Case, Cell, Network, Weights
from rnn_goldens.deviations.alteration import Alteration
from rnn_goldens.explain.equations_text import of_first_cell, side_by_side, written
from rnn_goldens.explain.symbols import Symbol, added, scaled, symbols, text_of
from rnn_goldens.golden.shapes import Config, weight_shapes

_UNITS = 2
_ROWS_SHOWN = 6

Pattern = Callable[[int, int, int], tuple[int, int] | None]


class Element(NamedTuple):
    """A number in a gate's block of a weight.

    Attributes:
        weight: ``weight_ih``, ``bias_hh`` and so on.
        gate: the gate's letter.
        row: row in the block.
        column: column in the block; 0 for a bias.
        layer: suffix of the weight's name, such as ``_l0``; "" if there is only one layer and direction.
    """

    weight: str
    gate: str
    row: int
    column: int
    layer: str = ""

    @property
    def block(self) -> str:
        """The block's name in equations."""
        kind, _, source = self.weight.partition("_")
        return f"{'W' if kind == 'weight' else 'b'}_{source[0]}{self.gate}{self.layer}"

    def __str__(self) -> str:
        place = f"{self.row},{self.column}" if self.weight.startswith("weight") else f"{self.row}"
        return f"{self.block}[{place}]"


_PATTERNS: dict[str, Pattern] = {
    "{}": lambda row, column, _: (row, column),
    "{}^T": lambda row, column, _: (column, row),
    "diag({})": lambda row, column, _: (row, row) if row == column else None,
    "{}[:, ::-1]": lambda row, column, last: (row, last - column),
    "{}[0]": lambda _row, column, _: (0, column),
}
"""The text of a changed block, and a function from the index of a number to the index that it is taken from."""


@dataclass(frozen=True)
class Changed:
    """A deviation's change of the weights of one layer.

    Attributes:
        blocks: by weight and gate, the text of each changed block.
        right: the weights as symbols.
        wrong: the changed weights.
    """

    cell: Cell
    blocks: Mapping[tuple[str, int], str]
    right: Weights
    wrong: Weights


def equations_with_changed_weights(wrong: Alteration, cells: Sequence[str]) -> list[str]:
    """Return equations with changed weights, or changed rows if no formula fits; empty if nothing is changed."""
    found = [changed for cell in cells if (changed := _changed(wrong, BUILT_IN_CELLS[cell])) is not None]
    if not found:
        return []
    odd = next((changed for changed in found if "" in changed.blocks.values()), None)
    if odd is not None:
        return _elements(odd)
    first = found[0]
    right, other = (written(first.cell, first.cell.equations, weights=w) for w in ({}, first.blocks))
    return [
        *of_first_cell([changed.cell.name for changed in found], side_by_side(right, other)),
        *_order_of_gates(first),
    ]


def _changed(wrong: Alteration, cell: Cell) -> Changed | None:
    case = _case(cell)
    right = Network().weights(case, "l0")
    for change in wrong.inputs:
        case = change(case)
    found = wrong.network().weights(case, "l0")
    texts = {
        (name, number): block_text(block, Element(name, gate, 0, 0))
        for name, array in found.items()
        for number, (gate, block) in enumerate(zip(cell.gates, np.split(array, len(cell.gates)), strict=True))
    }
    blocks = {place: text or "" for place, text in texts.items() if text != _own(cell, *place)}
    return Changed(cell, blocks, right, found) if blocks else None


def _own(cell: Cell, name: str, number: int) -> str:
    return Element(name, cell.gates[number], 0, 0).block


def _case(cell: Cell) -> Case:
    config = Config(_UNITS, _UNITS)
    x = np.full((1, 1, _UNITS), Symbol({"x": 1.0}))
    state = tuple(np.full((1, 1, _UNITS), Symbol({name: 1.0})) for name in cell.states)
    return Case(cell, config, symbolic_weights(cell, config), x, state)


def symbolic_weights(cell: Cell, config: Config) -> Weights:
    """Return every weight as symbols that are named by weight and index."""
    return {name: _symbolic(cell, config, name, shape) for name, shape in weight_shapes(cell.layout, config).items()}


def _symbolic(cell: Cell, config: Config, name: str, shape: tuple[int, ...]) -> Array:
    kind, source, suffix = name.split("_", 2)
    layer = f"_{suffix}" if len(config.suffixes) > 1 else ""

    def element(row: int, column: int = 0) -> Element:
        gate, within = divmod(row, config.hidden_size)
        return Element(f"{kind}_{source}", cell.gates[gate], within, column, layer)

    return symbols(element, shape)


def block_text(block: Array, own: Element) -> str | None:
    """Return a gate's block as a formula of whole blocks; None if no known formula fits."""
    rows = block.reshape(len(block), -1)
    sources = dict.fromkeys(
        (e.weight, e.gate, e.layer) for value in rows.flat if isinstance(value, Symbol) for e in _elements_of(value)
    )
    numbers = {value.number if isinstance(value, Symbol) else float(value) for value in rows.flat}
    parts = [_source_text(rows, source) for source in sources]
    if len(numbers) != 1 or None in parts:
        return None
    (number,) = numbers
    if number or not parts:
        parts.append("infinity" if number == np.inf else "-infinity" if number == -np.inf else f"{number:g}")
    named = [part for part in parts if part is not None]
    return added(sorted(named, key=lambda part: part != own.block))


def _elements_of(value: Symbol) -> Iterator[Element]:
    return (atom for atom in value.terms if isinstance(atom, Element))


def _source_text(rows: Array, source: tuple[str, str, str]) -> str | None:
    """Return the text of one block in terms of another, if one pattern and factor fit everywhere."""
    found: dict[tuple[int, int], tuple[Element, float]] = {}
    for place in np.ndindex(*rows.shape):
        value = rows[place]
        if isinstance(value, Symbol):
            own = [(e, value.terms[e]) for e in _elements_of(value) if (e.weight, e.gate, e.layer) == source]
            if len(own) > 1:
                return None
            if own:
                found[place[0], place[1]] = own[0]
    factors = {factor for _, factor in found.values()}
    last = rows.shape[1] - 1
    for text, pattern in _PATTERNS.items():
        want = {(r, c): pattern(r, c, last) for r, c in np.ndindex(*rows.shape)}
        if {k: v for k, v in want.items() if v} == {k: (e.row, e.column) for k, (e, _) in found.items()}:
            (block,) = {e.block for e, _ in found.values()}
            return scaled(text.format(block), factors.pop()) if len(factors) == 1 else None
    return None


def _order_of_gates(changed: Changed) -> list[str]:
    """Return the order in which the rows of the weights are read as gates, if only the order is wrong."""
    cell, read = changed.cell, {}
    for name in changed.wrong:
        texts = [changed.blocks.get((name, k), _own(cell, name, k)) for k in range(len(cell.gates))]
        own = [_own(cell, name, k) for k in range(len(cell.gates))]
        if texts != own and sorted(texts) == sorted(own):
            read[name] = " ".join(cell.gates[texts.index(block)] for block in own)
    if not read or any(name not in read for name, _ in changed.blocks):
        return []
    names = ", ".join(("W_" if name.startswith("weight") else "b_") + name[-2:] for name in read)
    return [
        "",
        f"the rows of {names}, by gate, hidden_size rows each",
        f"  - {' '.join(cell.gates)}",
        f"  + {next(iter(read.values()))}",
    ]


def _elements(changed: Changed) -> list[str]:
    """Return the changed rows of the weights number by number."""
    pairs = list(chain.from_iterable(_rows(name, changed) for name in changed.wrong))
    left = len(pairs) - _ROWS_SHOWN
    return [
        f"{changed.cell.name} with {_UNITS} inputs and {_UNITS} units: the right rows (-) and the wrong ones (+)",
        *(f"  {line}" for pair in pairs[:_ROWS_SHOWN] for line in pair),
        *([f"  and {left} more"] if left > 0 else []),
    ]


def _rows(name: str, changed: Changed) -> Iterator[tuple[str, str]]:
    kind = "W_" if name.startswith("weight") else "b_"
    for number, (right, wrong) in enumerate(zip(changed.right[name], changed.wrong[name], strict=True)):
        a, b = (" ".join(map(text_of, np.atleast_1d(row))) for row in (right, wrong))
        if a != b:
            yield f"- row {number} of {kind}{name[-2:]}: {a}", f"+ row {number} of {kind}{name[-2:]}: {b}"
