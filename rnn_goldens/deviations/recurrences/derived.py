"""Deviations that are derived from the equations of a custom recurrence: arrays, factors and terms that go wrong.

Operations are counted by kind, in order of evaluation: ``product 2 of the equations``.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import combinations, permutations
from operator import neg
from typing import Any

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.custom_recurrences import sized_terms
from rnn_goldens.cells.matrix_sizes import size_of_result
from rnn_goldens.cells.notation import Term, Units
from rnn_goldens.cells.recurrence import RIGHT, RecurrenceCase, constants, equations_of, run
from rnn_goldens.cells.recurrence_backward import RecurrenceBackward
from rnn_goldens.cells.recurrence_notation import Equations
from rnn_goldens.cells.steps import ACTIVATIONS
from rnn_goldens.deviations.custom_cells import OF_RECURRENCE
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.equation_edits import all_terms, detached, instead, rewritten
from rnn_goldens.deviations.recurrences.edits import Edit, Forward, Outputs, WrongBackward, in_arrays, in_outputs
from rnn_goldens.deviations.wrong_pass import WrongPass
from rnn_goldens.golden.expected import OUTPUTS
from rnn_goldens.golden.recurrence_config import RecurrenceConfig

_UNARY = (*ACTIVATIONS, "exp", "log", "softplus", "sqrt", "rsqrt")

_OPERATIONS = {
    "multiply": "product",
    "matmul": "matrix_product",
    "outer": "outer_product",
    "sum": "sum",
    "maximum": "maximum",
}
"""Operations of several arguments, with their names in sentences."""

_KIND = (
    {name: primitive for primitive, name in _OPERATIONS.items()}
    | {name: name for name in _UNARY}
    | {"factor": "scaled"}
)

Terms = Sequence[Term]

Rewriting = Callable[[Mapping[str, Term], Terms], list[Term]]
"""``rewriting(arguments, results)`` returns the outputs and states of wrong equations."""


def derived(config: RecurrenceConfig, of: str = OUTPUTS) -> tuple[Deviation, ...]:
    """Return the deviations of a custom recurrence ``of`` outputs or gradients."""
    names = _names(config) if of == OUTPUTS else _names_of_gradients(config)
    every = (named(f"{OF_RECURRENCE}{name}") for name in names)
    return tuple(one for one in every if one is not None and _fits(one.wrong, config))


def _fits(wrong: WrongPass, config: RecurrenceConfig) -> bool:
    """Return whether the results of rewritten equations have the sizes of the right ones."""
    if not isinstance(wrong, DerivedForward):
        return True
    arguments, after = _terms(config)
    try:
        return _sizes(wrong.rewriting(arguments, after)) == [term.units for term in after]
    except TypeError:
        return False


def _sizes(results: Terms) -> list[Units]:
    """Return the rows and columns of results, from those of the inputs: arguments may have been replaced."""
    found: dict[Term, Units] = {}
    for term in all_terms(results):
        sizes = [size for part in term.of if isinstance(size := found[part], tuple)]
        found[term] = size_of_result(term.primitive, sizes, term.detail) if sizes else term.units
    return [found[term] for term in results]


@lru_cache(maxsize=4096)
def named(name: str) -> Deviation | None:
    """Return a derived deviation by name; None if no derived deviation can have the name."""
    for pattern, sentence, wrong in _KINDS:
        if found := re.fullmatch(f"{OF_RECURRENCE}{pattern}", name):
            words = (_in_words(number, group, pattern) for number, group in enumerate(found.groups()))
            return Deviation(name, sentence.format(*words), wrong(*found.groups()), cells=())
    return None


# The names.


def _terms(config: RecurrenceConfig) -> tuple[dict[str, Any], list[Term]]:
    """Return the arguments of the equations by name, as a run gives them, and the outputs and states after a step."""
    arguments: dict[str, Any] = {**sized_terms(config.recurrence, config)[0], **constants(config)}
    outputs, states = equations_of(config.cell)(**arguments)
    return arguments, [*outputs, *states]


def _names(config: RecurrenceConfig) -> Iterator[str]:
    of, (arguments, after) = config.recurrence, _terms(config)
    arrays = {name: axes for name, axes in {**of.inputs, **of.weights}.items() if _is_plain(name)}
    for name in arrays:
        yield from (f"{name}_as_{value}" for value in ("zero", "one"))
    for group in (of.inputs, of.weights):
        alike = [(a, b) for a, b in permutations(filter(_is_plain, group), 2) if group[a] == group[b]]
        yield from (f"{a}_for_{b}" for a, b in alike)
        yield from (f"{a}_and_{b}_swapped" for a, b in combinations(group, 2) if (a, b) in alike)
    yield from (f"numbers_{a}_and_{b}_swapped" for a, b in combinations(sorted(_numbers(arrays)), 2))
    for state, axes in of.states.items():
        if len(sizes := config.shape(axes)) > 1 and sizes[-1] == sizes[-2]:
            yield from (f"{state}{end}_transposed" for end in ("0", "_n"))
    for kind, number, _ in _numbered(after, _UNARY):
        yield f"{kind}_{number}_left_out"
        yield f"{kind}_{number}_of_negative"
        yield from (f"{other}_for_{kind}_{number}" for other in ACTIVATIONS if kind in ACTIVATIONS and other != kind)
        yield from (f"{kind}_{number}_twice" for _ in range(kind in ACTIVATIONS))
    yield from (f"factor_{number}_left_out" for _, number, _ in _numbered(after, ("scaled",)))
    for state in of.states:
        yield f"{state}_read_before_step"
        yield from (f"{state}_n_not_updated" for _ in range(state in of.compared))
    for kind, number, term in _numbered(after, ("multiply", "sum", "maximum")):
        parts = _parts(arguments, term)
        yield from (f"{_OPERATIONS[kind]}_{number}_without_{part}" for part in parts)
        if kind == "sum":
            yield from (f"sum_{number}_with_other_sign_of_{part}" for part in parts)
        users = len(_users(after, term))
        for use in range(1, users + 1) if users > 1 else ():
            yield from (f"use_{use}_of_{_OPERATIONS[kind]}_{number}_before_{part}" for part in parts)


def _is_plain(name: str) -> bool:
    """Return whether the name of an array has no word of the names of deviations."""
    return re.search("_(for|and|as)_", name) is None


def _numbers(names: Iterable[str]) -> set[str]:
    """Return the numbers at the ends of names: 1 and 2 of ``k1``, ``v1``, ``k2`` and ``v2``."""
    return {found.group() for name in names if (found := re.search(r"\d+$", name))}


def _with_numbers_swapped(a: str, b: str, case: RecurrenceCase) -> dict[str, Array]:
    arrays = {**case.inputs, **case.weights}
    both = {name.removesuffix(end) for end in (a, b) for name in arrays if _numbers([name]) == {end}}
    pairs = [(f"{n}{a}", f"{n}{b}") for n in both if f"{n}{a}" in arrays and f"{n}{b}" in arrays]
    alike = [(one, other) for one, other in pairs if arrays[one].shape == arrays[other].shape]
    return {one: arrays[other] for pair in alike for one, other in (pair, pair[::-1])}


def _names_of_gradients(config: RecurrenceConfig) -> Iterator[str]:
    arguments, after = _terms(config)
    yield from (f"{name}_detached" for name in arguments if name not in config.recurrence.options)
    for kind, number, term in _numbered(after, tuple(_OPERATIONS)):
        yield from (f"{_OPERATIONS[kind]}_{number}_passes_nothing_to_{part}" for part in _parts(arguments, term))
    for kind, number, _ in _numbered(after, _UNARY):
        yield f"derivative_of_{kind}_{number}_left_out"


def _numbered(after: Terms, kinds: Sequence[str]) -> Iterator[tuple[str, int, Term]]:
    """Yield kind, number and term of each operation of some kinds, counted by kind."""
    for kind in kinds:
        found = (term for term in all_terms(after) if term.primitive == kind and not _is_constant(term))
        yield from ((kind, number, term) for number, term in enumerate(found, 1))


def _is_constant(term: Term) -> bool:
    """Return whether a term is computed from numbers only, such as a scale."""
    return all(part.primitive == "constant" for part in term.of)


def _parts(arguments: Mapping[str, Term], term: Term) -> list[str]:
    """Return names of the arguments of an operation: of an array or state, or a number."""
    names = {argument: name for name, argument in arguments.items()}
    found = [names.get(_value(part), "") for part in term.of]
    return [name if name and found.count(name) == 1 else str(k) for k, name in enumerate(found, 1)]


def _value(part: Term) -> Term:
    """Return what a part is without a sign or a mark."""
    return _value(part.of[0]) if part.primitive in ("negative", "kept_factor", "same") else part


def _users(after: Terms, term: Term) -> list[Term]:
    """Return the operations that use a term, and the term itself if it is a result."""
    users = [user for user in all_terms(after) if any(part is term for part in user.of)]
    return [*users, *([term] if term in after else [])]


# The wrong passes.


@dataclass(frozen=True, eq=False)
class DerivedForward(Forward):
    """A forward pass with rewritten equations of a custom recurrence."""

    rewriting: Rewriting

    def __call__(self, case: RecurrenceCase) -> Outputs:
        """Return the wrong outputs of a case."""
        return run(case, RIGHT, _rewritten(equations_of(case.cell), self.rewriting, tuple(case.config.outputs)))


@dataclass(frozen=True, eq=False)
class DerivedBackward(WrongBackward):
    """A backward pass with rewritten equations of a custom recurrence, of which only the derivatives are wrong."""

    wrong: Equations | type[RecurrenceBackward] = RecurrenceBackward
    rewriting: Rewriting = lambda _, after: list(after)

    def loop(self, cell: str) -> RecurrenceBackward:
        """Return the wrong backward pass of a recurrence."""
        return RecurrenceBackward(_rewritten(equations_of(cell), self.rewriting))


@lru_cache(maxsize=1024)
def _rewritten(equations: Equations, rewriting: Rewriting, *_: object) -> Equations:
    def wrong(**arguments: Term) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
        outputs, states = equations(**arguments)
        found = rewriting(arguments, [*outputs, *states])
        return tuple(found[: len(outputs)]), tuple(found[len(outputs) :])

    return wrong


def _at(after: Terms, kind: str, number: str) -> Term:
    return next(term for _, k, term in _numbered(after, (_KIND[kind],)) if k == int(number))


Change = Callable[[Callable[[Term], Term], Term, int], Term]
"""``change(rewrite, operation, place of an argument)`` returns what takes the place of an operation."""


def _of_operation(change: Change, kind: str, number: str, *part: str) -> Rewriting:
    """Return the rewriting of an operation, whose argument is a part of it, or the first."""

    def rewriting(arguments: Mapping[str, Term], after: Terms) -> list[Term]:
        term = _at(after, kind, number)
        place = _parts(arguments, term).index(part[0]) if part else 0
        return rewritten(after, {term: lambda rewrite: change(rewrite, term, place)})

    return rewriting


def _forward(change: Change) -> Callable[..., WrongPass]:
    return lambda *operation: DerivedForward(_of_operation(change, *operation))


def _backward(change: Change) -> Callable[..., WrongPass]:
    return lambda *operation: DerivedBackward(rewriting=_of_operation(change, *operation))


def _with_argument(change: Callable[[Term], Term]) -> Change:
    """Return the change of an argument of an operation."""

    def changed(rewrite: Callable[[Term], Term], term: Term, place: int) -> Term:
        of = tuple(change(rewrite(a)) if k == place else rewrite(a) for k, a in enumerate(term.of))
        return Term(term.primitive, of, term.detail)

    return changed


def _without(term: Term, place: int) -> Term:
    """Return what is left of an operation without one of its arguments."""
    others = [of for k, of in enumerate(term.of) if k != place]
    return others[0] if len(others) == 1 else Term(term.primitive, tuple(others))


def _before(use: str, kind: str, number: str, part: str) -> WrongPass:
    """Let one use of an operation read it without one of its arguments, as it was before."""

    def rewriting(arguments: Mapping[str, Term], after: Terms) -> list[Term]:
        term = _at(after, kind, number)
        left, user = _without(term, _parts(arguments, term).index(part)), _users(after, term)[int(use) - 1]
        if user is term:
            return [left if result is term else result for result in after]

        def replaced(rewrite: Callable[[Term], Term]) -> Term:
            of = tuple(rewrite(left if argument is term else argument) for argument in user.of)
            return Term(user.primitive, of, user.detail)

        return rewritten(after, {user: replaced})

    return DerivedForward(rewriting)


def _activation(other: str, *of: str) -> WrongPass:
    return _forward(lambda rewrite, term, _: Term(other, (rewrite(term.of[0]),)))(*of)


def _left_out(rewrite: Callable[[Term], Term], term: Term, _: int) -> Term:
    return rewrite(term.of[0])


def _twice(rewrite: Callable[[Term], Term], term: Term, _: int) -> Term:
    return Term(term.primitive, (Term(term.primitive, (rewrite(term.of[0]),)),))


def _underived(rewrite: Callable[[Term], Term], term: Term, _: int) -> Term:
    return instead(Term(term.primitive, (rewrite(term.of[0]),)), rewrite(term.of[0]))


def _read_before(state: str, case: RecurrenceCase) -> Outputs:
    """Return outputs that read a state before the step, where the right ones read it after the step."""
    equations, place = equations_of(case.cell), list(case.config.recurrence.states).index(state)

    def wrong(**arguments: Term) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
        outputs, states = equations(**arguments)
        return tuple(rewritten(outputs, {states[place]: lambda _: arguments[state]})), states

    return run(case, RIGHT, wrong)


def _detached(name: str) -> WrongPass:
    return DerivedBackward(rewriting=lambda x, after: rewritten(after, {x[name]: lambda _: detached(x[name])}))


def _arrays(changed: Callable[..., Mapping[str, Array]], *spec: str) -> Edit:
    return Edit(lambda case: case.with_arrays(**changed(*spec, case)), takes_packed=True)


def _array(case: RecurrenceCase, name: str) -> Array:
    return {**case.inputs, **case.weights}[name]


def _transposed(array: Array) -> Array:
    return array.swapaxes(-1, -2)


def _in_words(number: int, group: str, pattern: str) -> str:
    """Return group ``number`` of a name: the kind of an operation, or an argument, which the last group may name."""
    is_part = pattern.endswith(_PART) and number == re.compile(pattern).groups - 1
    return f"argument {group}" if is_part and group.isdigit() else group.replace("_", " ") if group in _KIND else group


_NAME, _OPERATION = "([A-Za-z][A-Za-z0-9_]*)", f"({'|'.join(_OPERATIONS.values())})"
_FUNCTION, _PART = f"({'|'.join(_UNARY)})", "([A-Za-z0-9_]+)"

_KINDS: tuple[tuple[str, str, Callable[..., WrongPass]], ...] = (
    (
        rf"{_NAME}_as_(zero|one)",
        "Uses {1} for {0}.",
        partial(_arrays, lambda name, value, case: {name: np.full_like(_array(case, name), float(value == "one"))}),
    ),
    (
        rf"{_OPERATION}_(\d+)_without_{_PART}",
        "Leaves out {2} in {0} {1} of the equations.",
        _forward(lambda rewrite, term, place: rewrite(_without(term, place))),
    ),
    (
        rf"(sum)_(\d+)_with_other_sign_of_{_PART}",
        "Uses the other sign of {2} in {0} {1} of the equations.",
        _forward(_with_argument(neg)),
    ),
    (
        rf"use_(\d+)_of_{_OPERATION}_(\d+)_before_{_PART}",
        "Reads {1} {2} of the equations without {3}, as before it, in use {0}.",
        _before,
    ),
    (rf"{_FUNCTION}_(\d+)_left_out", "Leaves out {0} {1} of the equations.", _forward(_left_out)),
    (
        rf"{_FUNCTION}_(\d+)_of_negative",
        "Uses the other sign of the argument of {0} {1} of the equations.",
        _forward(_with_argument(neg)),
    ),
    (r"(factor)_(\d+)_left_out", "Leaves out constant {0} {1} of the equations.", _forward(_left_out)),
    (
        r"([A-Za-z]+)_read_before_step",
        "Computes outputs from {0} before the step instead of after it.",
        lambda state: Edit(wrong=partial(_read_before, state)),
    ),
    (
        r"([A-Za-z]+)_n_not_updated",
        "Returns the initial {0} as the last.",
        lambda state: Edit(outputs=lambda case, found: found | {f"{state}_n": case.states[f"{state}0"]}),
    ),
    (rf"{_FUNCTION}_(\d+)_twice", "Applies {0} {1} of the equations twice.", _forward(_twice)),
    (
        rf"({'|'.join(ACTIVATIONS)})_for_{_FUNCTION}_(\d+)",
        "Uses {0} for {1} {2} of the equations.",
        _activation,
    ),
    (
        r"numbers_(\d+)_and_(\d+)_swapped",
        "Takes the arrays that end in {0} for those that end in {1}, and the other way round.",
        partial(_arrays, _with_numbers_swapped),
    ),
    (
        rf"{_NAME}_and_{_NAME}_swapped",
        "Swaps {0} and {1}.",
        partial(_arrays, lambda a, b, case: {a: _array(case, b), b: _array(case, a)}),
    ),
    (
        rf"{_NAME}_for_{_NAME}",
        "Uses {0} in the place of {1}, too.",
        partial(_arrays, lambda a, b, case: {b: _array(case, a)}),
    ),
    (r"([A-Za-z]+)0_transposed", "Reads {0}0 transposed.", lambda state: in_arrays(**{f"{state}0": _transposed})),
    (r"([A-Za-z]+)_n_transposed", "Returns {0}_n transposed.", lambda state: in_outputs(**{f"{state}_n": _transposed})),
    (
        rf"{_OPERATION}_(\d+)_passes_nothing_to_{_PART}",
        "Passes no gradient from {0} {1} of the equations to {2}.",
        _backward(_with_argument(detached)),
    ),
    (
        rf"derivative_of_{_FUNCTION}_(\d+)_left_out",
        "Leaves out the derivative of {0} {1} of the equations.",
        _backward(_underived),
    ),
    (rf"{_NAME}_detached", "Passes no gradient to {0}.", _detached),
)
"""Patterns of names, the sentence, and a function that returns the wrong pass, of the groups of a name."""
