"""Equations as lines of text, generated from their terms: correct and wrong ones in the same way.

The names of variables in the code do not matter, so two texts differ only where the equations compute different values.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product

from rnn_goldens.cells import BUILT_IN_CELLS, Cell
from rnn_goldens.cells.notation import Term, Weight
from rnn_goldens.cells.program import Equations
from rnn_goldens.cells.steps import ACTIVATIONS
from rnn_goldens.explain.symbols import added
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

_NOTHING = "0"
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

    Args:
        cell: the cell.
        equations: its correct or wrong equations.
        bias: whether there are biases.
        weights: the text of a gate's block of a weight, by the weight's name and the gate's number.
        sums: whether the sum of products of a gate has its own line, ``z_i``.
    """
    names = ("x", *cell.states)
    inputs = [Term("input") for _ in names]
    after = equations(*inputs, Weight(cell.layout, frozenset(cell.layout.present(bias=bias))))
    text = _Text(cell, dict(zip(inputs, names, strict=True)), weights or {})
    text.name_gates(after)
    if sums:
        text.name_sums(after)
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
    names: dict[Term, str]
    weights: Mapping[tuple[str, int], str] = field(default_factory=dict)
    gates: list[Term] = field(default_factory=list)
    sums: list[Term] = field(default_factory=list)

    def name_gates(self, after: Sequence[Term]) -> None:
        """Name the activation of each gate's rows with the gate's letter, in the order of the equations."""
        found = self._activations(after, ("clip",)) | self._activations(after, ACTIVATIONS)  # a hard sigmoid is a clip
        if len(self.cell.gates) > 1:
            self.gates = [found[gate][0] for gate in self.cell.gates if len(found.get(gate, [])) == 1]
            self.names |= {term: gate for gate, (term, *more) in found.items() if not more}

    def _activations(self, after: Sequence[Term], kinds: Sequence[str]) -> dict[str, list[Term]]:
        """Return the activations of these kinds by the gate whose rows each of them depends on."""
        found: dict[str, list[Term]] = {}
        for term in _all(after):
            if term.primitive in kinds and len(rows := _rows(term.of[0], after)) == 1:
                found.setdefault(self.cell.gates[rows.pop()], []).append(term)
        return found

    def name_sums(self, after: Sequence[Term]) -> None:
        """Name the sum of each gate's rows ``z_`` followed by the gate's letter."""
        found: dict[int, list[Term]] = {}
        for term in _all(after):
            of_rows = all(part.primitive in ("product", "block", "vector") for part in term.of)
            if term.primitive == "sum" and of_rows and len(rows := _rows(term, after)) == 1:
                found.setdefault(rows.pop(), []).append(term)
        of_one = {row: terms[0] for row, terms in sorted(found.items()) if len(terms) == 1}
        self.sums = list(of_one.values())
        self.names |= {term: f"z_{self.cell.gates[row]}" for row, term in of_one.items()}

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
        if kind in ("product", "block", "vector"):
            return self._weight(term)
        if kind == "sum":
            return self._sum(term)
        if kind == "instead" and term.of[1].primitive == "constant":
            return f"detached({self.of(term.of[0])})"
        numbers = map(_number, term.detail)
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
        return added([text for text in texts if text != _NOTHING] or [_NOTHING])

    def _weight(self, term: Term) -> str:
        name = str(term.detail[0])
        if name in self.cell.layout.further:
            text = name.replace("weight_", "W_")
            return text if term.primitive == "vector" else f"{text} @ {self.of(term.of[0], '@')}"
        if term.primitive == "vector":
            return self._block("b", *term.detail[:2])
        product, block = (term, 0) if term.primitive == "product" else (term.of[0], term.detail[0])
        matrix = self._block("W", product.detail[0], block)
        if matrix == _NOTHING:
            return _NOTHING
        left = f"({matrix})" if " + " in matrix or " - " in matrix else matrix
        return f"{left} @ {self.of(product.of[0], '@')}"

    def _block(self, kind: str, name: object, number: object) -> str:
        """Return a block's name, such as ``W_hf``: i or h for the input or the state, then the gate's letter."""
        assert isinstance(name, str)
        assert isinstance(number, int)
        own = f"{kind}_{name.partition('_')[2][0]}{self.cell.gates[number]}"
        return self.weights.get((name, number), own)


def _number(value: object) -> str:
    assert isinstance(value, Fraction)
    return f"{float(value):g}"


def _all(after: Sequence[Term]) -> list[Term]:
    """Return every term once."""
    found: dict[Term, None] = {}
    left = list(after)
    while left:
        term = left.pop()
        if term not in found:
            found[term] = None
            left += term.of
    return list(found)


def _rows(term: Term, after: Sequence[Term]) -> set[int]:
    """Return the indices of gates whose rows a term contains, except through another activation or a new state."""
    if term.primitive == "block":
        return {int(str(term.detail[0]))}
    if term.primitive == "vector":
        return {int(str(term.detail[1]))} if term.detail[0] in dict(STACKED) else set()
    if term.primitive == "product" and term.detail[0] in dict(STACKED):
        return {0}
    if term.primitive in ACTIVATIONS or term in after:
        return set()
    return {row for part in term.of for row in _rows(part, after)}
