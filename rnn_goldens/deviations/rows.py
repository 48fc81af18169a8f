"""Deviations as rows of a table."""

from collections.abc import Callable
from typing import Any

from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.wrong_pass import WrongPass


def rows(
    *entries: tuple[Any, ...],
    make: Callable[..., WrongPass] = lambda wrong: wrong,
    **of_all: Any,  # noqa: ANN401 - the attributes of a deviation
) -> tuple[Deviation, ...]:
    """Return the deviations of a table.

    Args:
        entries: name, sentence, and a wrong pass or the arguments of ``make``. A mapping at the end of a row has
            further attributes of its deviation.
        make: returns the wrong pass of a row that has none.
        of_all: attributes of all rows that do not have others.
    """
    return tuple(_of_row(*entry, make=make, of_all=of_all) for entry in entries)


def _of_row(name: str, sentence: str, *arguments: Any, make: Callable[..., WrongPass], of_all: Any) -> Deviation:  # noqa: ANN401
    *given, own = arguments if isinstance(arguments[-1], dict) else (*arguments, {})
    wrong = given[0] if isinstance(given[0], WrongPass) else make(*given)
    return Deviation(name, sentence, wrong, **{**of_all, **own})
