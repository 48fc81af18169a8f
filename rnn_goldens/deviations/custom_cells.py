"""Deviations of a custom cell, derived from its equations.

The kinds are: gates in another order, a missing weight, a state from before or after its update, another activation, a
missing factor, and a mixture with z and 1 - z swapped; of the backward pass, a path that is left out. The name of a
deviation determines the bug completely, whatever the equations are.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import combinations, permutations
from typing import Any

import numpy as np

from rnn_goldens.cells import Backward, Cell
from rnn_goldens.cells.notation import Term, Weight
from rnn_goldens.cells.step_program import Equations, with_equations
from rnn_goldens.cells.steps import ACTIVATIONS
from rnn_goldens.deviations.alteration import Alteration, in_steps, in_weights
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.equation_edits import (
    activations,
    all_terms,
    parts_of,
    rewritten,
    uses,
    without_derivative,
    without_paths,
)
from rnn_goldens.deviations.weights import BIASES, in_gate, read_as
from rnn_goldens.golden.built_in_cells import DIALECTS, LAYOUTS
from rnn_goldens.golden.expected import OUTPUTS

MAX_PERMUTED = 4
"""Largest number of gates for which every order is tried; with more, only two gates are exchanged."""

OF_RECURRENCE = "own_step_"
"""The beginning of the names of deviations of custom recurrences."""

Change = Callable[[Cell, Sequence[Term], Sequence[Term]], Sequence[Term]]
"""``change(cell, states before, states after)`` returns the wrong states after a step."""


def derived(cell: Cell, *, bias: bool, of: str = OUTPUTS) -> tuple[Deviation, ...]:
    """Return the deviations of a cell ``of`` outputs or gradients, in a network with or without biases."""
    names = _names(cell, bias) if of == OUTPUTS else _names_of_paths(cell, bias)
    return tuple(found for name in names if (found := named(name)) is not None)


@lru_cache(maxsize=4096)
def named(name: str) -> Deviation | None:
    """Return a derived deviation by name; None if no derived deviation can have the name."""
    for pattern, sentence, wrong in _KINDS if not name.startswith(OF_RECURRENCE) else ():
        if found := re.fullmatch(pattern, name):
            return Deviation(name, sentence(*found.groups()), wrong(*found.groups()), cells=())
    return None


# The names of a cell's deviations.


def _names(cell: Cell, bias: bool) -> Iterator[str]:
    if len(cell.gates) > 1:  # for one gate the catalogue has the same deviations
        base = DIALECTS[cell.name].base if cell.name in DIALECTS else cell.name
        known = base in LAYOUTS and LAYOUTS[base].gates == cell.gates  # the catalogue has every order of these gates
        orders = [] if known else list(_orders(cell.gates))
        yield from (f"own_gates_{order}" for order in orders)
        if bias:
            yield from (f"own_bias_gates_{order}" for order in orders)
        yield from (
            f"own_without_{kind}{side}{gate}"
            for kind in ("W_", "b_")[: 1 + bias]
            for side in "ih"
            for gate in cell.gates
        )
    yield from (f"own_without_{name}" for name in cell.layout.further)
    x, *before, w = _arguments(cell, bias)
    yield from _names_of_terms(cell, before, cell.equations(x, *before, w))


def _arguments(cell: Cell, bias: bool) -> tuple[Any, ...]:
    """Return the terms and weights that the equations of a cell take."""
    inputs = (Term("input") for _ in ("x", *cell.states))
    return *inputs, Weight(cell.layout, frozenset(cell.layout.present(bias=bias)))


def _names_of_terms(cell: Cell, before: Sequence[Term], after: Sequence[Term]) -> Iterator[str]:
    for kind, place, _ in activations(cell, after):
        yield from (f"own_{other}_for_{kind}_{place}" for other in (*ACTIVATIONS, "identity") if other != kind)
    for number, product in enumerate(_of_kind("multiply", after), 1):
        yield from (f"own_product_{number}_without_{factor}" for factor in _factors(cell, before, after, product))
    yield from (f"own_mix_{number}_other_way" for number, _ in enumerate(_of_kind("mix", after), 1))
    if len(after) > 1:
        for when in ("before", "after"):
            uses = len(_uses(when, before, after))
            yield from (f"own_c_{when}_{number}" for number in range(1, uses + 1))
            if uses > 1:
                yield f"own_c_{when}_everywhere"


def _names_of_paths(cell: Cell, bias: bool) -> Iterator[str]:
    """Yield the names of the paths that may be left out, but not of those that the catalogue has for all cells."""
    paths = list(uses(parts_of(cell, *_arguments(cell, bias))))
    users = Counter(used for used, _ in paths)
    known = ("x", *cell.states) if len(cell.states) == 1 else ("x",)
    yield from (f"own_{used}_through_{user}_dropped" for used, user in paths if used not in known or users[used] > 1)
    yield from (f"own_{used}_detached" for used in users if used not in known and users[used] > 1)


def _orders(gates: str) -> Iterator[str]:
    if len(gates) <= MAX_PERMUTED:
        yield from ("".join(order) for order in permutations(gates) if "".join(order) != gates)
    else:
        for a, b in combinations(gates, 2):
            yield gates.translate(str.maketrans(a + b, b + a))


# Changes of terms.


def _of_kind(primitive: str, after: Sequence[Term]) -> list[Term]:
    return [term for term in all_terms(after) if term.primitive == primitive]


def _factors(cell: Cell, before: Sequence[Term], after: Sequence[Term], product: Term) -> list[str]:
    """Return names of the factors of a product: a gate, a state, a vector, or ``factor_`` with a number."""
    names = dict(zip(before, cell.states, strict=True))
    further = cell.layout.further if product.of else {}
    names |= {term: place[3:] for _, place, term in activations(cell, after) if place.startswith("of_")}
    names |= {part: str(part.detail[0]) for part in product.of if part.detail[:1] and part.detail[0] in further}
    found = [names.get(part, "") for part in product.of]
    return [name if name and found.count(name) == 1 else f"factor_{k}" for k, name in enumerate(found, 1)]


def _uses(when: str, before: Sequence[Term], after: Sequence[Term]) -> list[Term]:
    """Return the terms of h that use the new c if ``when`` is ``before``, or the old c if ``when`` is ``after``."""
    c = after[1] if when == "before" else before[1]
    terms = (term for term in all_terms(after[:1], but=after[1:2]) if term is not after[1])
    return [term for term in terms if any(part is c for part in term.of)]


def _activation(other: str, _kind: str, place: str, cell: Cell, _: object, after: Sequence[Term]) -> Sequence[Term]:
    (term,) = (term for _, which, term in activations(cell, after) if which == place)
    return rewritten(
        after,
        {term: lambda rewrite: rewrite(term.of[0]) if other == "identity" else Term(other, (rewrite(term.of[0]),))},
    )


def _product(number: str, factor: str, cell: Cell, before: Sequence[Term], after: Sequence[Term]) -> Sequence[Term]:
    product = _of_kind("multiply", after)[int(number) - 1]
    other = product.of[1 - _factors(cell, before, after, product).index(factor)]
    return rewritten(after, {product: lambda rewrite: rewrite(other)})


def _mix(number: str, _cell: Cell, _: object, after: Sequence[Term]) -> Sequence[Term]:
    mix = _of_kind("mix", after)[int(number) - 1]
    z, a, b = mix.of
    return rewritten(after, {mix: lambda rewrite: Term("mix", (rewrite(z), rewrite(b), rewrite(a)))})


def _state(when: str, which: str, _cell: Cell, before: Sequence[Term], after: Sequence[Term]) -> Sequence[Term]:
    uses = _uses(when, before, after)
    selected = uses if which == "everywhere" else [uses[int(which) - 1]]
    right, wrong = (after[1], before[1]) if when == "before" else (before[1], after[1])

    def other(use: Term, rewrite: Callable[[Term], Term]) -> Term:
        return replace(use, of=tuple(wrong if part is right else rewrite(part) for part in use.of))

    h = rewritten(after[:1], {after[1]: lambda _: after[1], **{use: partial(other, use) for use in selected}})
    return [*h, *after[1:]]


@lru_cache(maxsize=1024)
def _changed(cell: Cell, change: Change) -> Cell:
    return with_equations(cell, lambda *arguments: change(cell, arguments[1:-1], cell.equations(*arguments)))


@lru_cache(maxsize=1024)
def _with(cell: Cell, edit: Callable[..., Equations], *spec: str, **users: str) -> Cell:
    return with_equations(cell, edit(cell, *spec, **users))


def _in_terms(change: Callable[..., Sequence[Term]], *spec: str) -> Alteration:
    bound = partial(change, *spec)
    return in_steps(cell=lambda right, case: _changed(right.cell(case), bound))


def _activation_name(place: str, kind: str) -> str:
    return (
        f"the {kind} of gate {place[-1]}" if place.startswith("of_") else f"activation {place} of the equations, {kind}"
    )


def _part_name(part: str) -> str:
    """Return a part in words: ``f``, ``the new c``, ``gate n``."""
    return f"the new {part[4:]}" if part.startswith("new_") else part.replace("_", " ")


def _factor_name(factor: str) -> str:
    return factor.replace("_", " ") if factor in ("factor_1", "factor_2") else factor


_ORDER = "Reads the rows of the {} as the gates in the order {}."

_KINDS: tuple[tuple[str, Callable[..., str], Callable[..., Alteration]], ...] = (
    (
        r"own_gates_(\w+)",
        lambda order: _ORDER.format("weights", ", ".join(order)),
        lambda order: in_weights(read_as(order)),
    ),
    (
        r"own_bias_gates_(\w+)",
        lambda order: _ORDER.format("biases only", ", ".join(order)),
        lambda order: in_weights(read_as(order), *BIASES),
    ),
    (
        r"own_without_([Wb])_([ih])(\w)",
        lambda kind, side, gate: f"Leaves out {kind}_{side}{gate}.",
        lambda kind, side, gate: in_weights(
            in_gate(gate, np.zeros_like), f"{'weight' if kind == 'W' else 'bias'}_{side}h"
        ),
    ),
    (
        r"own_without_(\w+)",
        lambda vector: f"Leaves out {vector}.",
        lambda vector: in_weights(lambda array, _: np.zeros_like(array), vector),
    ),
    (
        r"own_(sigmoid|tanh|relu|identity)_for_(sigmoid|tanh|relu)_(of_\w|\d+)",
        lambda other, kind, place: (
            f"Leaves out {_activation_name(place, kind)}."
            if other == "identity"
            else f"Uses a {other} for {_activation_name(place, kind)}."
        ),
        partial(_in_terms, _activation),
    ),
    (
        r"own_product_(\d+)_without_(\w+)",
        lambda number, factor: f"Leaves out {_factor_name(factor)} in product {number} of the equations.",
        partial(_in_terms, _product),
    ),
    (
        r"own_mix_(\d+)_other_way",
        lambda number: f"Swaps z and 1 - z in mix {number} of the equations.",
        partial(_in_terms, _mix),
    ),
    (
        r"own_c_(before|after)_(\d+|everywhere)",
        lambda when, which: (
            f"Computes h from c {when} its update"
            + (", everywhere." if which == "everywhere" else f", in use {which} of c.")
        ),
        partial(_in_terms, _state),
    ),
    (
        r"own_(\w+)_through_(\w+)_dropped",
        lambda used, user: f"Passes no gradient from {_part_name(user)} to {_part_name(used)}.",
        lambda used, user: in_steps(
            Backward, cell=lambda right, case: _with(right.cell(case), without_paths, **{user: used})
        ),
    ),
    (
        r"own_(\w+)_detached",
        lambda part: f"Treats {_part_name(part)} as a constant in the backward pass.",
        lambda part: in_steps(Backward, cell=lambda right, case: _with(right.cell(case), without_derivative, part)),
    ),
)
"""Patterns of names, with the sentence and the alteration of each."""
