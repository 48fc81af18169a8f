"""The strategies that were made: a test that one of them is given to begins with what failed before."""

from typing import Any

from hypothesis import example

from rnn_goldens.errors import RnnGoldensError
from rnn_goldens.fuzzing.drawn import DrawnGolden
from rnn_goldens.fuzzing.found import kept
from rnn_goldens.fuzzing.strategy import Asked

_MADE: list[tuple[object, Asked]] = []


def remember(strategy: object, asked: Asked) -> None:
    """Note what a strategy was asked for."""
    _MADE.append((strategy, asked))


def begin_with_found(test: Any) -> str:  # noqa: ANN401 - whatever pytest runs
    """Make a test that draws goldens, and nothing else, begin with those that were found before, as examples.

    Returns:
        Why they could not be read; "" if they could.
    """
    function = getattr(test, "__func__", test)
    given = getattr(getattr(function, "hypothesis", None), "_given_kwargs", {})
    if len(given) != 1 or hasattr(function, "rnn_goldens_begins_with_found"):
        return ""
    ((argument, strategy),) = given.items()
    asked = next((asked for made, asked in _MADE if made is strategy), None)
    if asked is None or not asked.folder:
        return ""
    function.rnn_goldens_begins_with_found = True  # parametrized tests share a function
    try:
        found = kept(asked.folder, asked.bounds)
    except RnnGoldensError as error:
        return str(error)
    for golden in found:
        example(**{argument: DrawnGolden.of(golden, asked.folder)})(function)
    return ""
