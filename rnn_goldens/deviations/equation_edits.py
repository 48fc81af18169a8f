"""Edits of the equations of a cell: other formulas for named parts of its terms, and paths without a gradient.

The parts are ``x``; the states before a step, such as ``h``, and after it, such as ``new_h``; each gate by its letter,
and the argument of its activation, such as ``z_i``.
"""

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from rnn_goldens.cells import BUILT_IN_CELLS, Cell
from rnn_goldens.cells.notation import Term, sigmoid, tanh
from rnn_goldens.cells.step_program import Equations
from rnn_goldens.cells.steps import ACTIVATIONS
from rnn_goldens.deviations.weights import BIASES

Formula = Callable[..., Term]
"""A function of parts, and of the weights ``w``, by the names of its arguments."""

Rewrite = Callable[[Term], Term]

Activation = Callable[[Term], Term]


def instead(value: Term, other: Term) -> Term:
    """Return a term with the value of the first argument and the derivative of the second."""
    return Term("instead", (value, other))


def detached(z: Term) -> Term:
    """Return z with a derivative of zero."""
    return instead(z, Term("constant", (), (0,)))


# Edits of parts.


def edited(cell: str, **formulas: Formula) -> Equations:
    """Return the equations of a built-in cell with other formulas for some parts.

    A formula gets the right value of the part that it replaces, and of parts that depend on it; others are edited.
    """
    return lambda *arguments: _with_formulas(BUILT_IN_CELLS[cell], formulas, arguments, lambda _, wrong: wrong)


def differentiated(cell: str, **formulas: Formula) -> Equations:
    """Return the equations of a built-in cell with the derivatives of other formulas for some parts."""
    return lambda *arguments: _with_formulas(BUILT_IN_CELLS[cell], formulas, arguments, instead)


def _with_formulas(
    cell: Cell, formulas: Mapping[str, Formula], arguments: Sequence[Any], combined: Callable[[Term, Term], Term]
) -> Sequence[Term]:
    parts = parts_of(cell, *arguments)

    def replaced(part: Term, formula: Formula, rewrite: Rewrite) -> Term:
        own = _with_arguments(part, rewrite)

        def argument(name: str) -> Any:  # noqa: ANN401 - a term, or the weights
            if name == "w":
                return arguments[-1]
            term = parts[name]
            return own if term is part else term if part in all_terms([term]) else rewrite(term)

        return combined(own, formula(*map(argument, inspect.signature(formula).parameters)))

    return _new_states(cell, parts, {parts[name]: partial(replaced, parts[name], f) for name, f in formulas.items()})


def without_derivative(cell: Cell, part: str) -> Equations:
    """Return the equations of a cell in which a part has the right value and a derivative of zero."""

    def equations(*arguments: Any) -> Sequence[Term]:  # noqa: ANN401 - terms and weights
        parts = parts_of(cell, *arguments)
        return _new_states(cell, parts, {parts[part]: lambda rewrite: detached(_with_arguments(parts[part], rewrite))})

    return equations


def without_paths(cell: Cell, **used: str) -> Equations:
    """Return the equations of a cell in which parts have no derivative by a part that they use: ``i="h"``."""

    def equations(*arguments: Any) -> Sequence[Term]:  # noqa: ANN401 - terms and weights
        parts = parts_of(cell, *arguments)
        ends = set(_ends(parts).values())

        def replaced(user: str, rewrite: Rewrite) -> Term:
            def within(term: Term) -> Term:
                if term in ends:
                    return detached(rewrite(term)) if term is parts[used[user]] else rewrite(term)
                return _with_arguments(term, within)

            return _with_arguments(parts[user], within)

        return _new_states(cell, parts, {parts[user]: partial(replaced, user) for user in used})

    return equations


def activated(
    base: str, gate: Activation = sigmoid, candidate: Activation = tanh, last: Activation | None = None
) -> Equations:
    """Return the equations of a tanh RNN, an LSTM or a GRU with other activations.

    ``candidate`` is that of the new state of an RNN, too, and of the new c of an LSTM unless ``last`` is given.
    """

    def equations(*arguments: Any) -> Sequence[Term]:  # noqa: ANN401 - terms and weights
        after = BUILT_IN_CELLS[base].equations(*arguments)

        def replaced(term: Term, rewrite: Rewrite) -> Term:
            of_tanh = last if last and term.of[0] in after else candidate
            return (of_tanh if term.primitive == "tanh" else gate)(rewrite(term.of[0]))

        found = activations(BUILT_IN_CELLS[base], after)
        return rewritten(after, {term: partial(replaced, term) for *_, term in found})

    return equations


# The parts of equations.


def parts_of(cell: Cell, *arguments: Any) -> dict[str, Term]:  # noqa: ANN401 - terms and weights
    """Return the parts of a cell's equations by name. A gate with the name of a state has the prefix ``gate_``."""
    after = cell.equations(*arguments)
    parts = dict(zip(("x", *cell.states), arguments[:-1], strict=True))
    parts |= {f"new_{state}": term for state, term in zip(cell.states, after, strict=True)}
    for _, place, term in activations(cell, after):
        if (gate := place.removeprefix("of_")) != place:
            parts[f"z_{gate}"] = term.of[0]
            if term not in after:
                parts[f"gate_{gate}" if gate in parts else gate] = term
    for term in all_terms(after):  # of activations that are no primitives, such as an elu or a hard sigmoid, a clip
        gates = set(_gates_behind(cell, term)) if term.primitive in ("sum", "clip") and term not in after else ()
        if len(gates) == 1:
            parts.setdefault(("z_" if term.primitive == "sum" else "") + next(iter(gates)), term)
    return parts


def uses(parts: Mapping[str, Term]) -> Iterator[tuple[str, str]]:
    """Yield the names of a part and of one that uses it, without a part between them."""
    names = {part: name for name, part in reversed(_ends(parts).items())}
    for user, part in _ends(parts).items():
        inner = (term for argument in part.of for term in all_terms([argument], but=names))
        yield from ((used, user) for used in dict.fromkeys(names[term] for term in inner if term in names))


def _ends(parts: Mapping[str, Term]) -> dict[str, Term]:
    """Return the parts without the arguments of activations."""
    return {name: part for name, part in parts.items() if not name.startswith("z_")}


def _new_states(
    cell: Cell, parts: Mapping[str, Term], edits: Mapping[Term, Callable[[Rewrite], Term]]
) -> Sequence[Term]:
    return rewritten([parts[f"new_{state}"] for state in cell.states], edits)


def activations(cell: Cell, after: Sequence[Term]) -> list[tuple[str, str, Term]]:
    """Return kind, place and term of each activation. The place is ``of_`` with its only gate, else a number."""
    found = [term for term in all_terms(after) if term.primitive in ACTIVATIONS]
    gates = [set(_gates_behind(cell, term.of[0])) for term in found]
    names = []
    for number, (term, rows) in enumerate(zip(found, gates, strict=True), 1):
        is_gate = len(rows) == 1 and gates.count(rows) == 1
        names.append((term.primitive, f"of_{next(iter(rows))}" if is_gate else str(number), term))
    return names


def _gates_behind(cell: Cell, term: Term) -> Iterator[str]:
    """Yield the gates whose rows a term depends on, except through another activation."""
    if term.primitive == "block":
        yield cell.gates[int(str(term.detail[0]))]
    elif term.primitive == "vector" and term.detail[0] in BIASES:
        yield cell.gates[int(str(term.detail[1]))]
    elif term.primitive == "product":  # undivided: there is one gate
        yield cell.gates[0]
    elif term.primitive not in ACTIVATIONS:
        for part in term.of:
            yield from _gates_behind(cell, part)


# Terms.


def all_terms(terms: Sequence[Term], but: Collection[Term] = ()) -> list[Term]:
    """Return every term that ``terms`` depend on, in order of evaluation, not through those in ``but``."""
    found: dict[Term, None] = {}

    def visit(term: Term) -> None:
        if term not in found:
            for part in term.of if term not in but else ():
                visit(part)
            found[term] = None

    for term in terms:
        visit(term)
    return list(found)


def rewritten(after: Sequence[Term], edits: Mapping[Term, Callable[[Rewrite], Term]]) -> list[Term]:
    """Return terms with some replaced; each replacement receives the function that rewrites its arguments."""
    done: dict[Term, Term] = {}

    def rewrite(term: Term) -> Term:
        if term not in done:
            done[term] = edits[term](rewrite) if term in edits else _with_arguments(term, rewrite)
        return done[term]

    return [rewrite(term) for term in after]


def _with_arguments(term: Term, rewrite: Rewrite) -> Term:
    of = tuple(map(rewrite, term.of))
    return term if all(a is b for a, b in zip(of, term.of, strict=True)) else replace(term, of=of)
