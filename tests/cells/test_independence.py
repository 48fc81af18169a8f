"""Implementations derived from one definition share its errors: independent implementations must find them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from factories.scenarios import scenario
from independent.test_every_golden import bits, computed, stored

from rnn_goldens import Golden
from rnn_goldens.cells import BUILT_IN_CELLS
from rnn_goldens.cells.network import recorded
from rnn_goldens.cells.notation import Term, Weight
from rnn_goldens.cells.step_program import with_equations
from rnn_goldens.generator.ball_evaluation import proven
from rnn_goldens.generator.certification import certify
from rnn_goldens.golden.built_in_cells import CELLS

Equations = Callable[..., Sequence[Term]]


def negated(equations: Equations, at: int) -> Equations:
    """Return the equations with the sign of one term changed: number ``at``, counted over all sums."""

    def wrong(*arguments: Any) -> Sequence[Term]:
        count = iter(range(1000))
        rebuilt: dict[Term, Term] = {}

        def rebuild(term: Term) -> Term:
            if term not in rebuilt:
                of = tuple(rebuild(part) for part in term.of)
                if term.primitive == "sum":
                    of = tuple(-part if next(count) == at else part for part in of)
                rebuilt[term] = replace(term, of=of) if of != term.of else term
            return rebuilt[term]

        return [rebuild(term) for term in equations(*arguments)]

    return wrong


def signs(cell: str) -> int:
    """Return the number of terms in all sums of a cell's equations."""
    found: set[Term] = set()
    todo = list(
        BUILT_IN_CELLS[cell].equations(
            *(Term("input") for _ in range(1 + len(BUILT_IN_CELLS[cell].states))), weights(cell)
        )
    )
    while todo:
        term = todo.pop()
        if term not in found:
            found.add(term)
            todo += term.of
    return sum(len(term.of) for term in found if term.primitive == "sum")


def weights(cell: str) -> Weight:
    return Weight(BUILT_IN_CELLS[cell].layout, frozenset({"bias_ih", "bias_hh"}))


WRONG_SIGNS = [(cell, at) for cell in CELLS for at in range(signs(cell))]


@cache
def right(cell: str) -> Golden:
    return certify(scenario(cell, scale=0.34375, state=True)).in_precision("float32")


def with_wrong_sign(cell: str, at: int) -> Golden:
    """Return the golden that a definition with a wrong sign would produce."""
    inputs = scenario(cell, scale=0.34375, state=True)
    wrong = with_equations(BUILT_IN_CELLS[cell], negated(BUILT_IN_CELLS[cell].equations, at))
    expected, _ = proven(recorded(replace(inputs.case(), cell=wrong)))
    golden = right(cell)
    return replace(golden, stored=replace(golden.stored, expected=expected))


def test_every_term_of_every_sum_is_tried() -> None:
    assert {cell: signs(cell) for cell in CELLS} == {"rnn_tanh": 4, "rnn_relu": 4, "lstm": 18, "gru": 13}


@pytest.mark.parametrize(("cell", "at"), WRONG_SIGNS)
def test_the_scalar_implementation_finds_a_wrong_sign_in_an_equation(cell: str, at: int) -> None:
    golden, wrong = (one.in_precision("float64") for one in (right(cell), with_wrong_sign(cell, at)))
    assert bits(computed(golden)) == bits(stored(golden))
    assert bits(computed(wrong)) != bits(stored(wrong))
