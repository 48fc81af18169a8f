"""A test that draws goldens, watched: what it refuses is counted, and what it never checks is no success."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from inspect import iscoroutinefunction
from types import TracebackType
from typing import Any
from unittest import SkipTest

import pytest
from hypothesis import event
from hypothesis.errors import UnsatisfiedAssumption

from rnn_goldens.errors import Unsupported
from rnn_goldens.fuzzing.drawn import DrawnGolden
from rnn_goldens.fuzzing.strategy import Asked
from rnn_goldens.fuzzing.untraced import Untraced
from rnn_goldens.judging.verdict import GoldenMismatch


@dataclass(eq=False)
class Watch:
    """What became of the goldens that a test drew.

    Attributes:
        asked: what its strategies were asked for, by the argument that they give.
        checked: how many examples it checked.
        refused: how many it did not, by the reason that ``Unsupported`` gave.
        wrong: the names of the goldens of those that failed.
    """

    asked: Mapping[str, Asked]
    checked: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    wrong: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """Forget an earlier run of the test: parametrized tests share a function, and others a strategy."""
        self.checked = 0
        self.refused.clear()
        self.wrong.clear()
        for asked in self.asked.values():
            asked.wrong = self.wrong
            asked.failed.clear()

    def end(self) -> None:
        """Let the strategies be: tests that are not watched draw from them, too."""
        for asked in self.asked.values():
            asked.wrong = None

    def nothing_checked(self) -> str:
        """Why nothing is known to be right, if all was refused; else empty."""
        if self.checked or not self.refused:
            return ""
        refused = "; ".join(f"refused {count:,}: {reason}" for reason, count in self.refused.most_common())
        return f"nothing was compared, so nothing is known to be right; {refused}"

    def watched(self, test: Callable[..., Any]) -> Callable[..., Any]:
        """The same test, of which each example is judged when it ends."""

        @wraps(test)
        def watched_test(*arguments: Any, **given: Any) -> Any:  # noqa: ANN401 - whatever a user's test takes
            __tracebackhide__ = True
            with self._example(given):
                return test(*arguments, **given)

        @wraps(test)
        async def watched_coroutine(*arguments: Any, **given: Any) -> Any:  # noqa: ANN401 - likewise
            __tracebackhide__ = True
            with self._example(given):
                return await test(*arguments, **given)

        return watched_coroutine if iscoroutinefunction(test) else watched_test  # another plugin runs a coroutine

    def _example(self, given: Mapping[str, Any]) -> "_Example":
        return _Example(self, [given[name] for name in self.asked if isinstance(given.get(name), DrawnGolden)])


@dataclass(frozen=True)
class _Example:
    """Goldens that a test is given at once."""

    watch: Watch
    goldens: list[DrawnGolden]

    def __enter__(self) -> None:
        for golden in self.goldens:
            golden.checks.forget()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> bool:
        __tracebackhide__ = True
        with Untraced():
            return self._judged(error)

    def _judged(self, error: BaseException | None) -> bool:
        """Whether an error is none: a refusal.

        Raises:
            GoldenMismatch: a comparison found a golden to be wrong, and the test does not fail for it, or for anything.
            AssertionError: it ended well, and did not check a golden.
        """
        __tracebackhide__ = True
        wrong = next((verdict for golden in self.goldens if (verdict := golden.checks.wrong) is not None), None)
        if isinstance(error, Unsupported) and wrong is None:
            self.watch.refused[str(error)] += 1
            event(f"refused: {error}")
            return True
        if error is not None or wrong is not None:
            self.watch.wrong.update(repr(golden) for golden in self.goldens)
        elif unchecked := [golden for golden in self.goldens if not golden.checks.made]:
            raise AssertionError(_never_checked(unchecked[0]))
        else:
            self.watch.checked += 1
        if wrong is not None and (error is None or isinstance(error, _NO_FAILURES)):
            raise GoldenMismatch(wrong) from None
        return False


_NO_FAILURES = (UnsatisfiedAssumption, SkipTest, pytest.skip.Exception, Unsupported)
"""What a test raises to leave an example out, or itself."""


def _never_checked(golden: DrawnGolden) -> str:
    said = f"{golden.id} in {golden.dtype} was drawn and never checked"
    if made_in := ", ".join(golden.checks.made_in):
        return f"{said} in {golden.dtype}: what was checked in {made_in} shows less"
    return (
        f"{said}: call its check or check_calls; where your network can not do what it asks, raise Unsupported, "
        "or call hypothesis.assume"
    )
