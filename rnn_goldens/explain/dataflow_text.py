"""What each step of a small network reads, and what the network returns: right, and with a deviation."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnn_goldens.cells import BUILT_IN_CELLS, Array, Case, Network, State, Weights
from rnn_goldens.deviations.alteration import Alteration
from rnn_goldens.explain.equations_text import block_name, side_by_side
from rnn_goldens.explain.small_networks import LETTERS, SAMPLES, SmallNetwork, drawn, formula, sizes

MAX_LINES = 12
"""Largest number of lines. If there are more, lines without a difference are left out, then the last steps."""

_FEW = 2
"""Samples that suffice to recognise a number, but not a sum of numbers."""

_STEP = "step(x, state before) is one time step of the cell"


def steps(wrong: Alteration, cell_name: str, needs: Sequence[str]) -> list[str]:
    """Return the correct and wrong lines of the smallest network in which they differ; empty if there is none.

    Raises ValueError if the wrong network reads or returns a number that is no sum of multiples of named ones.
    """
    for size in sizes(needs):
        few, small = (SmallNetwork(BUILT_IN_CELLS[cell_name], size, samples) for samples in (_FEW, SAMPLES))
        right = _lines(few, Alteration())
        try:
            other = _lines(few, wrong)
        except ValueError:
            other = _lines(small, wrong)
        if right != other:
            lines = [f"  {line}" for line in _shortened(right, other)]
            return [f"{cell_name}, {size}: right (-) and wrong (+)", *lines, *_legend(small)]
    return []


@dataclass(frozen=True, eq=False)
class _Step:
    """A step of one batch row: its weights, the x and state that it reads, and the names of its new states."""

    suffix: str
    weights: Weights
    reads: Sequence[Array]
    names: tuple[str, ...]


class _Recorder(Network):
    """Records each step, and returns random new states. All other code is that of the network."""

    def begin(self, small: SmallNetwork, sample: int) -> None:
        """Begin to record a sample. The constructor is that of the wrong network."""
        self.small, self.sample = small, sample
        self.named, self.taken = small.names(), list[_Step]()
        self.rows = {value: row for row, x in enumerate(small.arrays["x"][sample]) for value in x.flat}

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:  # noqa: ARG002
        """Return random numbers for the state after the step."""
        layer, _, reverse = suffix.removeprefix("l").partition("_")
        letters = [self.small.letter(name, int(layer), bool(reverse)) for name in self.small.cell.states]
        after = tuple(np.empty_like(part) for part in state)
        for row, read in enumerate(zip(layer_input[:, t], *state, strict=True)):
            own = row
            if len(layer_input) != self.small.size.rows:  # some rows are computed alone
                own = next((self.rows[value] for value in np.ravel(read[0]) if value in self.rows), 0)
            names = tuple(self._fresh(self.small.name(f"{letter}{t + 1}", own)) for letter in letters)
            self.taken.append(_Step(suffix, w, [part.copy() for part in read], names))
            for part, name in zip(after, names, strict=True):
                values = drawn(name, self.small.samples, part.shape[-1])
                self.named |= self.small.by_unit(name, values)
                part[row] = values[self.sample]
                self.rows |= dict.fromkeys(part[row].tolist(), own)
        return after

    def _fresh(self, name: str) -> str:
        while any(name in step.names for step in self.taken):
            name += "'"
        return name


def _lines(small: SmallNetwork, wrong: Alteration) -> list[str]:
    """Return the steps that the outputs depend on, then the outputs, and their shapes if they are wrong."""
    recorders = [type("Recorder", (*wrong.steps, _Recorder), {})() for _ in range(small.samples)]
    for sample, recorder in enumerate(recorders):
        recorder.begin(small, sample)
    runs = [wrong.around(recorder.run, small.case(sample)) for sample, recorder in enumerate(recorders)]
    named = recorders[0].named
    named |= {f"tanh({name})": np.tanh(values) for name, values in named.items()}

    def texts(arrays: Sequence[Array]) -> list[str]:
        return [formula(values, named) for values in np.stack(arrays).reshape(len(arrays), -1).T]

    written, case = {}, small.case()
    units = case.config.num_directions * case.config.output_size
    shapes = [(*case.x.shape[:-1], units), *(part.shape for part in case.state)]
    for name, arrays, shape in zip(small.cell.layout.outputs, zip(*runs, strict=True), shapes, strict=False):
        own = arrays[0].shape
        written[name] = _rows(texts(arrays), own) + ("" if own == shape else f"   of shape {own}")
    defined: dict[str, str] = {}
    for samples in zip(*(recorder.taken for recorder in recorders), strict=True):
        reads = [_vector(texts(parts)) for parts in zip(*(step.reads for step in samples), strict=True)]
        weights = {name: np.stack([step.weights[name] for step in samples]) for name in samples[0].weights}
        changed = small.changed_blocks(samples[0].suffix, weights)
        ending = ", ".join(f"{block_name(small.cell, *place)} = {text}" for place, text in changed.items())
        defined[", ".join(samples[0].names)] = f"step({', '.join(reads)})" + (f" with {ending}" if ending else "")
    used = _used(defined, " ".join(written.values()))
    lines = [f"{names} = {text}" for names, text in (defined | written).items() if names in used or names in written]
    return _without_idle_primes(lines)


def _used(defined: dict[str, str], text: str) -> set[str]:
    found: set[str] = set()
    left = [text]
    while left:
        mentioned = set(re.findall(r"[a-z]\d+[a-d]?'*", left.pop()))
        new = {names for names in defined if names not in found and mentioned & set(names.split(", "))}
        found |= new
        left += [defined[names] for names in new]
    return found


def _without_idle_primes(lines: list[str]) -> list[str]:
    """Remove the prime of a name unless the name without the prime is used, too."""
    text = "\n".join(lines)
    for name in dict.fromkeys(re.findall(r"[a-z]\d+[a-d]?'", text)):
        if not re.search(rf"\b{name[:-1]}(?![\w'])", text):
            text = text.replace(name, name[:-1])
    return text.splitlines()


def _vector(texts: list[str]) -> str:
    """Return the name of a state if ``texts`` are all its units in order, else the texts one by one."""
    base = texts[0].removesuffix("[0]")
    if len(texts) == 1 or texts == [f"{base}[{k}]" for k in range(len(texts))]:
        return base
    return texts[0] if set(texts) == {"0"} else f"({', '.join(texts)})"


def _rows(texts: list[str], shape: tuple[int, ...]) -> str:
    """Return an array as text: blanks along the last axis, bars before that; axes of size 1 are not shown."""
    width = next((size for size in reversed(shape) if size > 1), 1)
    single = [f"({text})" if " " in text else text for text in texts]
    return " | ".join(" ".join(single[at : at + width]) for at in range(0, len(single), width))


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


def _legend(small: SmallNetwork) -> list[str]:
    """Return the explanation of ``step`` and of the letters of layers and directions."""
    size, states = small.size, [LETTERS[name] for name in small.cell.states]
    kinds = {0: "layer 0 forward"}
    if size.layers > 1:
        kinds[1] = "layer 1"
    if size.directions > 1:
        kinds |= {2: "in reverse"} if size.layers == 1 else {2: "layer 0 in reverse", 3: "layer 1 in reverse"}
    named = [f"{' and '.join(letters[at] for letters in states)}: {words}" for at, words in kinds.items()]
    text = f"({'; '.join([_STEP, *(named if len(kinds) > 1 else [])])})"
    return textwrap.wrap(text, 76, initial_indent="  ", subsequent_indent="   ")
