"""A small network on symbols, correct and wrong: what each step reads, and what the network returns."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from rnn_goldens.cells import BUILT_IN_CELLS, Array, Case, Cell, Network, State, Weights
from rnn_goldens.deviations.alteration import Alteration, Outputs
from rnn_goldens.explain.equations_text import side_by_side
from rnn_goldens.explain.small_networks import LETTERS, ROWS, Size, case_of_size, sizes, symbol_name
from rnn_goldens.explain.symbols import Symbol, text_of
from rnn_goldens.explain.weights_text import Element, block_text

MAX_LINES = 12
"""Largest number of lines. If there are more, lines without a difference are left out, then the last steps."""

_STEP = "step(x, state before) is one time step of the cell"


def unrolled(wrong: Alteration, cell_name: str, needs: Sequence[str]) -> list[str]:
    """Return the correct and wrong lines of the smallest network in which they differ; empty if there is none."""
    cell = BUILT_IN_CELLS[cell_name]
    for size in sizes(needs):
        case = case_of_size(cell, size)
        right, other = (_lines(w, case, size) for w in (Alteration(), wrong))
        if right != other:
            heading = f"{cell_name}, {size}: right (-) and wrong (+)"
            return [heading, *(f"  {line}" for line in _shortened(right, other)), *_legend(size, cell)]
    return []


class _RecordedSteps(Network):
    """Records each step instead of computing it. All other code is that of the network."""

    defined: dict[str, str]
    weights_of: Mapping[str, Weights]
    rows: int

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        """Return new symbols for the state after the step."""
        layer, _, reverse = suffix.removeprefix("l").partition("_")
        changed = _with(case.cell, self.weights_of[suffix], w)
        count = len(layer_input)
        after: list[Array] = [np.empty(part.shape, dtype=object) for part in state]
        for row in range(count):
            read = ", ".join(map(_vector, [layer_input[row, t], *(part[row] for part in state)]))
            own = _row_of(read) if count < self.rows else row
            names = [
                self._fresh(symbol_name(f"{LETTERS[s][int(layer) + 2 * bool(reverse)]}{t + 1}", own, self.rows, 0, 1))
                for s in case.cell.states
            ]
            self.defined[", ".join(names)] = f"step({read}){changed}"
            for part, name in zip(after, names, strict=True):
                units = part.shape[-1]
                part[row] = [Symbol({symbol_name(name, 0, 1, unit, units): 1.0}) for unit in range(units)]
        return tuple(after)

    def _fresh(self, name: str) -> str:
        taken = set(chain.from_iterable(names.split(", ") for names in self.defined))
        while name in taken:
            name += "'"
        return name


def _row_of(read: str) -> int:
    found = re.search(rf"\d([{ROWS}])", read)
    return ROWS.index(found[1]) if found else 0


def _with(cell: Cell, own: Weights, w: Weights) -> str:
    """Return the weights that differ from those of the layer, as text."""
    found = []
    for name, array in own.items():
        for gate, right, wrong in zip(
            cell.gates, *(np.split(v, len(cell.gates)) for v in (array, w[name])), strict=True
        ):
            block = Element(name, gate, 0, 0).block
            text = block_text(wrong, Element(name, gate, 0, 0)) or "other numbers"
            if text != block_text(right, Element(name, gate, 0, 0)):
                found.append(f"{block} = {text}")
    return f" with {', '.join(found)}" if found else ""


def _vector(values: Array) -> str:
    """Return the name of a state if ``values`` are all its units in order, else the values one by one."""
    texts = [text_of(value) for value in values]
    base = texts[0].removesuffix("[0]")
    if len(texts) == 1 or texts == [f"{base}[{k}]" for k in range(len(texts))]:
        return base
    return texts[0] if set(texts) == {"0"} else f"({', '.join(texts)})"


@dataclass(frozen=True)
class _Run:
    outputs: Outputs
    defined: Mapping[str, str] = field(default_factory=dict)

    def lines(self, names: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> list[str]:
        """Return the definitions that the outputs use, then the outputs, and their shapes if they are wrong."""
        own = [_written(output) for output in self.outputs]
        used = self._used(" ".join(own))
        lines = [f"{names} = {text}" for names, text in self.defined.items() if names in used]
        for name, text, output, shape in zip(names, own, self.outputs, shapes, strict=True):
            lines.append(f"{name} = {text}{'' if output.shape == shape else f'   of shape {output.shape}'}")
        return _without_idle_primes(lines)

    def _used(self, text: str) -> set[str]:
        """Return the definitions that a text depends on."""
        found: set[str] = set()
        left = [text]
        while left:
            mentioned = set(re.findall(r"[a-z]\d+[a-d]?'*", left.pop()))
            new = {names for names in self.defined if names not in found and mentioned & set(names.split(", "))}
            found |= new
            left += [self.defined[names] for names in new]
        return found


def _without_idle_primes(lines: list[str]) -> list[str]:
    """Remove the prime of a name unless the name without the prime is used, too."""
    text = "\n".join(lines)
    for name in dict.fromkeys(re.findall(r"[a-z]\d+[a-d]?'", text)):
        if not re.search(rf"\b{name[:-1]}(?![\w'])", text):
            text = text.replace(name, name[:-1])
    return text.splitlines()


def _lines(wrong: Alteration, case: Case, size: Size) -> list[str]:
    recorder = type("Recorder", (*wrong.steps, _RecordedSteps), {})()
    recorder.defined, recorder.rows = {}, size.rows
    recorder.weights_of = {suffix: Network().weights(case, suffix) for suffix in case.config.suffixes}
    outputs = wrong.around(recorder.run, case)
    names = case.cell.layout.outputs[: len(outputs)]
    return _Run(outputs, recorder.defined).lines(names, _shapes(case))


def _shapes(case: Case) -> list[tuple[int, ...]]:
    units = case.config.num_directions * case.config.output_size
    return [(*case.x.shape[:-1], units), *(part.shape for part in case.state)]


def _written(array: Array) -> str:
    """Return an array as text: blanks along the last axis, bars before that; axes of size 1 are not shown."""
    rows = array.reshape(-1, _width(array.shape))
    return " | ".join(
        " ".join(text_of(value) if _is_one(value) else f"({text_of(value)})" for value in row) for row in rows
    )


def _is_one(value: object) -> bool:
    return " " not in text_of(value)


def _width(shape: tuple[int, ...]) -> int:
    return next((size for size in reversed(shape) if size > 1), 1)


def _shortened(right: list[str], wrong: list[str]) -> list[str]:
    lines = sorted(side_by_side(right, wrong), key=lambda line: "step(" not in line)
    if len(lines) > MAX_LINES:
        lines = [line for line in lines if line[0] in "-+"]
    if len(lines) > MAX_LINES:
        steps = [line for line in lines if "step(" in line]
        outputs = [line for line in lines if "step(" not in line]
        shown = max(2, MAX_LINES - len(outputs)) // 2 * 2
        lines = [*steps[:shown], *([f"  … {len(steps) - shown} more"] if len(steps) > shown else []), *outputs]
    return lines


def _legend(size: Size, cell: Cell) -> list[str]:
    """Return the explanation of ``step`` and of the letters of layers and directions."""
    states = [LETTERS[name] for name in cell.states]
    kinds = {0: "layer 0 forward"}
    if size.layers > 1:
        kinds[1] = "layer 1"
    if size.directions > 1:
        kinds |= {2: "in reverse"} if size.layers == 1 else {2: "layer 0 in reverse", 3: "layer 1 in reverse"}
    named = [f"{' and '.join(letters[at] for letters in states)}: {words}" for at, words in kinds.items()]
    return textwrap.wrap(
        f"({'; '.join([_STEP, *(named if len(kinds) > 1 else [])])})", 76, initial_indent="  ", subsequent_indent="   "
    )
