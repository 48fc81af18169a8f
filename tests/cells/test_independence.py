"""One definition, read in several ways, can be wrong in all of them: whoever shares nothing with it has to notice."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from typing import Any

import pytest
from independent.test_every_golden import bits, computed, stored
from made_scenarios import scenario

from rnn_goldens import Golden
from rnn_goldens.cells import DEFINED
from rnn_goldens.cells.cell import with_equations
from rnn_goldens.cells.notation import Term, Weight
from rnn_goldens.generator.certify import certify
from rnn_goldens.generator.exact import exact_answer
from rnn_goldens.golden.shapes import CELLS
from rnn_goldens.implementations import resolve

Equations = Callable[..., Sequence[Term]]

WITNESSES = ("torch", "onnxruntime", "keras")
"""Implementations that share nothing with the definition, each of the package of its name."""


def negated(equations: Equations, at: int) -> Equations:
    """The same equations, with the sign of one term of one of their sums changed: the ``at``-th."""

    def wrong(*arguments: Any) -> Sequence[Term]:
        count = iter(range(1000))
        made: dict[Term, Term] = {}

        def again(term: Term) -> Term:
            if term not in made:
                of = tuple(again(part) for part in term.of)
                if term.primitive == "sum":
                    of = tuple(-part if next(count) == at else part for part in of)
                made[term] = replace(term, of=of) if of != term.of else term
            return made[term]

        return [again(term) for term in equations(*arguments)]

    return wrong


def signs(cell: str) -> int:
    """How many terms the sums of a cell's equations have."""
    found: set[Term] = set()
    todo = list(DEFINED[cell].equations(*(Term("input") for _ in range(1 + len(DEFINED[cell].states))), weights(cell)))
    while todo:
        term = todo.pop()
        if term not in found:
            found.add(term)
            todo += term.of
    return sum(len(term.of) for term in found if term.primitive == "sum")


def weights(cell: str) -> Weight:
    return Weight(DEFINED[cell].gates, (), frozenset({"bias_ih", "bias_hh"}))


WRONG_SIGNS = [(cell, at) for cell in CELLS for at in range(signs(cell))]


@cache
def right(cell: str) -> Golden:
    return certify(scenario(cell, scale=0.34375, state=True)).in_precision("float32")


@cache
def answer_of(witness: str, cell: str) -> Any:
    return resolve(witness)(right(cell))


def with_wrong_sign(cell: str, at: int) -> Golden:
    """The golden that would come of a definition with a wrong sign."""
    asked = scenario(cell, scale=0.34375, state=True)
    wrong = with_equations(DEFINED[cell], negated(DEFINED[cell].equations, at))
    answer = exact_answer(asked, wrong)
    golden = right(cell)
    return replace(golden, stored=replace(golden.stored, out=answer.out, h_n=answer.h_n, c_n=answer.c_n))


def test_every_sum_of_every_cell_is_tried() -> None:
    assert {cell: signs(cell) for cell in CELLS} == {"rnn_tanh": 4, "rnn_relu": 4, "lstm": 18, "gru": 13}


@pytest.mark.slow
@pytest.mark.parametrize("witness", WITNESSES)
@pytest.mark.parametrize(("cell", "at"), WRONG_SIGNS)
def test_a_wrong_sign_in_an_equation_is_caught_by_frameworks(cell: str, at: int, witness: str) -> None:
    if find_spec(witness) is None:
        pytest.skip(f"{witness} is not installed; the other witnesses say the same")
    answer = answer_of(witness, cell)
    assert right(cell).compare(*answer).passed
    assert not with_wrong_sign(cell, at).compare(*answer).passed


@pytest.mark.parametrize(("cell", "at"), WRONG_SIGNS)
def test_a_wrong_sign_in_an_equation_is_caught_by_the_scalar_implementation(cell: str, at: int) -> None:
    golden, wrong = (one.in_precision("float64") for one in (right(cell), with_wrong_sign(cell, at)))
    assert bits(computed(golden)) == bits(stored(golden))
    assert bits(computed(wrong)) != bits(stored(wrong))
