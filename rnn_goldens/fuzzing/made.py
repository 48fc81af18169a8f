"""The strategies that were made: a test that one of them is given to begins with what failed before, and is watched."""

from datetime import timedelta
from typing import Any
from weakref import WeakKeyDictionary

from hypothesis import HealthCheck, example, settings

from rnn_goldens.errors import RnnGoldensError
from rnn_goldens.fuzzing.drawn import DrawnGolden
from rnn_goldens.fuzzing.found import kept
from rnn_goldens.fuzzing.strategy import Asked
from rnn_goldens.fuzzing.watch import Watch

_MADE: WeakKeyDictionary[object, Asked] = WeakKeyDictionary()

_SEEN, _WATCH = "rnn_goldens_seen", "rnn_goldens_watch"

_DEADLINE = timedelta(milliseconds=200)
"""What Hypothesis allows a test that says nothing of it."""


def remember(strategy: object, asked: Asked) -> None:
    """Note what a strategy was asked for."""
    _MADE[strategy] = asked


def watch_of(test: object) -> Watch | None:
    """What watches a test, if one does."""
    found: Watch | None = getattr(test, _WATCH, None)
    return found


def begin_with_found(test: Any) -> str:  # noqa: ANN401 - whatever pytest runs
    """Watch a test that draws goldens; if it draws one, and nothing else, let it begin with those found before.

    Returns:
        Why they could not be read; "" if they could.
    """
    function = getattr(test, "__func__", test)
    given = getattr(getattr(function, "hypothesis", None), "_given_kwargs", {})
    asked = {argument: of_it for argument, strategy in given.items() if (of_it := _asked(strategy)) is not None}
    if not asked or hasattr(function, _SEEN):  # parametrized tests share a function
        return ""
    setattr(function, _SEEN, True)
    _watch(function, Watch(asked))
    _take_your_time(function)
    return _first(function, *asked.items()) if len(given) == 1 else ""


def _asked(strategy: object) -> Asked | None:
    return _MADE.get(strategy)


def _watch(function: Any, watch: Watch) -> None:  # noqa: ANN401 - what Hypothesis makes of a test
    function.hypothesis.inner_test = watch.watched(function.hypothesis.inner_test)
    setattr(function, _WATCH, watch)


def _take_your_time(function: Any) -> None:  # noqa: ANN401 - what Hypothesis makes of a test
    """Certifying takes as long as it takes, and a network may: neither makes a right test red on a busy machine."""
    now: settings | None = getattr(function, "_hypothesis_internal_use_settings", None)
    if now is not None:
        function._hypothesis_internal_use_settings = settings(
            now,
            suppress_health_check=[*now.suppress_health_check, HealthCheck.too_slow],
            deadline=None if now.deadline == _DEADLINE else now.deadline,
        )


def _first(function: Any, of_it: tuple[str, Asked]) -> str:  # noqa: ANN401 - likewise
    argument, asked = of_it
    if asked.folder is None:
        return ""
    try:
        found = kept(asked.folder, asked.bounds)
    except RnnGoldensError as error:
        return str(error)
    for golden in found:
        example(**{argument: DrawnGolden.of(golden, str(asked.folder))})(function)
    return ""
