"""Makes deviations of the rows of a table: a name with a sentence, a wrong pass, and further attributes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from rnn_goldens.deviations.alteration import Alteration
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.wrong_pass import WrongPass

Row = tuple[Any, ...]
"""A sentence, then a wrong pass or the arguments that make it; a mapping at the end has further attributes."""


def table(
    make: Callable[..., WrongPass] = lambda wrong: wrong,
    *,
    named: str = "{}",
    reports: Mapping[str, tuple[str, ...]] | None = None,
    **of_all: Any,  # noqa: ANN401 - the attributes of a deviation
) -> Callable[..., tuple[Deviation, ...]]:
    """Return a function that makes deviations of rows: ``name=(sentence, wrong pass)``.

    Args:
        make: returns the wrong pass of a row that has none; its equations of cells that the row does not have are left
            out.
        named: the name of a deviation, with ``{}`` for the name of its row.
        reports: what a deviation stands for, by its name, if the row does not say it.
        of_all: attributes of all rows that do not have others; ``cells`` are those whose equations are changed, if any.
    """

    def deviation(name: str, sentence: str, *row: Any) -> Deviation:  # noqa: ANN401 - see ``Row``
        *given, own = row if isinstance(row[-1], dict) else (*row, {})
        wrong = given[0] if isinstance(given[0], WrongPass) else make(*given)
        known = {"stands_for": (reports or {}).get(name, ()), **of_all}
        if not isinstance(wrong, Alteration):
            return Deviation(name, sentence, wrong, **{**known, **own})
        of_equations = {"cells": tuple(wrong.equations)} if wrong.equations else {}
        found = Deviation(name, sentence, wrong, **{**of_equations, **known, **own})
        return replace(found, wrong=wrong.of_cells(found.cells))

    return lambda **rows: tuple(deviation(named.format(name), *row) for name, row in rows.items())


def for_each(values: Iterable[Any], *rows: Any) -> dict[str, Row]:  # noqa: ANN401 - see below
    """Return rows by name for each value: ``{}`` in a name and its sentence is the value, ``make`` a function of it.

    A row is a name, a sentence, a function that returns the wrong pass for a value, and further attributes, or a
    function that returns them; there may be several such rows.
    """
    return {
        name.format(value): (sentence.format(value), make(value), *(a(value) if callable(a) else a for a in attributes))
        for value in values
        for name, sentence, make, *attributes in ([rows] if isinstance(rows[0], str) else rows)
    }
