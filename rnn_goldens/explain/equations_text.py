"""Equations as lines of text, generated from their terms: correct and wrong ones in the same way.

The names of variables in the code do not matter, so two texts differ only where the equations compute different values.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from rnn_goldens.cells import BUILT_IN_CELLS, Cell
from rnn_goldens.cells.notation import Term, Weight
from rnn_goldens.cells.step_program import Equations
from rnn_goldens.cells.steps import ACTIVATIONS
from rnn_goldens.deviations.equation_edits import all_terms
from rnn_goldens.golden.shapes import STACKED

LONGEST = 100
"""Longer lines are less readable than the code."""

LONGEST_BACKWARD = 130
"""The limit for equations with a wrong gradient, which are longer because of ``instead`` and ``detached``."""

_BINDS = {
    **dict.fromkeys(("sum", "negative", "mix"), "+"),
    **dict.fromkeys(("multiply", "scaled", "divide"), "*"),
    **dict.fromkeys(("product", "block"), "@"),
}
"""Operator precedence of primitives that are not written as calls."""

_OPERATORS = {
    "constant": "{}",
    "same": "{}",
    "negative": "-{}",
    "multiply": "{} * {}",
    "scaled": "{1} * {0}",
    "divide": "{} / {}",
    "mix": "(1 - {0}) * {2} + {0} * {1}",
}

_OF_WEIGHTS = ("product", "block", "vector")

NOTHING = "0"
"""The text for a weight that is left out."""


def written(
    cell: Cell,
    equations: Equations,
    *,
    bias: bool = True,
    weights: Mapping[tuple[str, int], str] | None = None,
    sums: bool = False,
) -> list[str]:
    """Return a line for each gate and each new state, which has a prime: ``h' = o * tanh(c')``.

    ``weights`` are texts of blocks by the weight's name and the gate's number; with ``sums``, the sum of products of a
    gate has its own line, ``z_i``.
    """
    names = ("x", *cell.states)
    inputs = [Term("input") for _ in names]
    after = equations(*inputs, Weight(cell.layout, frozenset(cell.layout.present(bias=bias))))
    text = _Text(cell, after, dict(zip(inputs, names, strict=True)), weights or {})
    if len(cell.gates) > 1:  # the activation of each gate's rows; a hard sigmoid is a clip
        text.gates = text.named(text.by_row(("clip",)) | text.by_row(ACTIVATIONS), "{}")
    if sums:
        text.sums = text.named(text.by_row(("sum",)), "z_{}")
    states = {term: f"{state}'" for term, state in reversed(list(zip(after, cell.states, strict=True)))}
    own = {term: text.inner(term) for term in states if term not in text.names}
    for term in list(own):  # c' occurs in h', so it is named first
        text.names[term] = states[term]
        own |= {other: text.inner(other) for other in own if other is not term}
    lines = [f"{text.names[term]} = {text.inner(term)}" for term in (*text.sums, *text.gates)]
    return [*lines, *(f"{states[term]} = {own.get(term) or text.names[term]}" for term in states)]


def difference(cell_name: str, wrong: Equations, longest: int = LONGEST) -> list[str]:
    """Return the lines of the correct equations, marked with ``-``, and of the wrong ones, marked with ``+``.

    Biases are left out unless only they differ. If lines are too long, each gate's sum has its own line; if lines are
    still too long, the result is empty.
    """
    cell = BUILT_IN_CELLS[cell_name]
    for sums, bias in product((False, True), (True, False)):
        right, other = (written(cell, equations, bias=bias, sums=sums) for equations in (cell.equations, wrong))
        if right != other and all(len(line) <= longest for line in other):
            return list(side_by_side(right, other))
    return []


def of_first_cell(cells: Sequence[str], lines: Iterable[str]) -> list[str]:
    """Return the first cell's equations, and the names of the other cells, which are wrong in the same way."""
    first, *others = cells
    same = [f"  wrong in the same way: {', '.join(others)}"] if others else []
    return [f"{first}: the right equations (-) and the wrong ones (+)", *(f"  {line}" for line in lines), *same]


def side_by_side(right: list[str], wrong: list[str]) -> Iterator[str]:
    """Yield the correct and wrong lines with their marks, matched by the left side of the equations."""
    a, b = ({line.partition(" = ")[0]: line for line in lines} for lines in (right, wrong))
    for name in dict.fromkeys([*a, *b]):
        if a.get(name) == b.get(name):
            yield f"  {a[name]}"
        else:
            yield from [f"{mark} {lines[name]}" for mark, lines in (("-", a), ("+", b)) if name in lines]


@dataclass(eq=False)
class _Text:
    """Converts terms to text; a named term is written by its name."""

    cell: Cell
    after: Sequence[Term]
    names: dict[Term, str]
    weights: Mapping[tuple[str, int], str]
    gates: list[Term] = field(default_factory=list)
    sums: list[Term] = field(default_factory=list)

    def named(self, found: Mapping[int, list[Term]], name: str) -> list[Term]:
        """Name the terms that are the only ones of their gate by its letter; return them in the order of gates."""
        alone = {row: terms[0] for row, terms in sorted(found.items()) if len(terms) == 1}
        self.names |= {term: name.format(self.cell.gates[row]) for row, term in alone.items()}
        return list(alone.values())

    def by_row(self, kinds: Sequence[str]) -> dict[int, list[Term]]:
        """Return activations, or sums of products, by the index of the only gate whose rows they contain."""
        found: dict[int, list[Term]] = {}
        for term in all_terms(self.after):
            of_weights = all(part.primitive in _OF_WEIGHTS for part in term.of)
            if term.primitive in kinds and (of_weights or term.primitive != "sum"):
                rows = {row for part in term.of for row in self._rows(part)}
                if len(rows) == 1:
                    found.setdefault(rows.pop(), []).append(term)
        return found

    def _rows(self, term: Term) -> Iterator[int]:
        """Yield the indices of gates whose rows a term contains, except through another activation or a new state."""
        if term.primitive in ("block", "vector", "product"):
            name = term.of[0].detail[0] if term.primitive == "block" else term.detail[0]
            if name in dict(STACKED):
                yield _block_of(term)
        elif term.primitive not in ACTIVATIONS and term not in self.after:
            for part in term.of:
                yield from self._rows(part)

    def of(self, term: Term, around: str = "") -> str:
        """Return a term by its name or its operation; in brackets if the enclosing operation requires them."""
        if term in self.names:
            return self.names[term]
        text = self.inner(term)
        own = _BINDS.get(term.primitive, "")
        return f"({text})" if own and around and (own != "*" or around != "*") else text

    def inner(self, term: Term) -> str:
        """Return the term's operation."""
        kind = term.primitive
        if kind in _OF_WEIGHTS:
            return self._weight(term)
        if kind == "sum":
            return self._sum(term)
        if kind == "instead" and term.of[1].primitive == "constant":
            return f"detached({self.of(term.of[0])})"
        numbers = [f"{float(number):g}" for number in term.detail]  # type: ignore[arg-type] # fractions
        if kind in _OPERATORS:
            around = "@" if kind == "divide" else "*"
            return _OPERATORS[kind].format(*(self.of(part, around) for part in term.of), *numbers)
        return f"{kind}({', '.join([*map(self.of, term.of), *numbers])})"

    def _sum(self, term: Term) -> str:
        parts = list(term.of)
        if parts[-1].primitive == "constant" and parts[0].primitive == "negative":
            parts = [parts[-1], *parts[:-1]]  # 1 - z, not -z + 1
        texts = []
        for named in self.sums:  # z - mean(z) is one sum
            if len(parts) > len(named.of) and tuple(parts[: len(named.of)]) == tuple(named.of):
                texts, parts = [self.names[named]], parts[len(named.of) :]
        for part in parts:
            minus = part.primitive == "negative" and part not in self.names
            texts.append(f"-{self.of(part.of[0], '*')}" if minus else self.of(part))
        return added([text for text in texts if text != NOTHING] or [NOTHING])

    def _weight(self, term: Term) -> str:
        """Return a weight's block, such as ``b_if``, or its product with a vector, such as ``W_hf @ h``."""
        product = term.of[0] if term.primitive == "block" else term
        place = str(product.detail[0]), _block_of(term)
        text = self.weights.get(place, block_name(self.cell, *place))
        if term.primitive == "vector" or text == NOTHING:
            return text
        left = f"({text})" if " + " in text or " - " in text else text
        return f"{left} @ {self.of(product.of[0], '@')}"


def _block_of(term: Term) -> int:
    """Return the index of the gate of a block or a vector; 0 of a product with a whole matrix."""
    places = {"block": 0, "vector": 1}
    return int(str(term.detail[places[term.primitive]])) if term.primitive in places else 0


def block_name(cell: Cell, weight: str, number: int) -> str:
    """Return the name of a gate's block of a weight, such as ``W_hf``: i or h for input or state, then the letter."""
    kind, _, source = weight.partition("_")
    short = {"weight": "W", "bias": "b"}.get(kind, kind)
    return f"{short}_{source[0]}{cell.gates[number]}" if weight in dict(STACKED) else f"{short}_{source}"


def scaled(text: str, factor: float) -> str:
    """Return a multiple of a text."""
    return text if factor == 1 else f"-{text}" if factor == -1 else f"{factor:g} * {text}"


def added(parts: Sequence[str]) -> str:
    """Return the parts as a sum; parts that begin with a minus are subtracted."""
    return " + ".join(parts).replace("+ -", "- ")
