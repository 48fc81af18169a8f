"""One test of many cases, which lists all that fail: pytest needs longer to make a test than most cases take."""

from collections.abc import Callable, Collection
from typing import Any

import pytest

Check = Callable[..., None]


def for_each(cases: Collection[Any], name: Callable[[Any], str] = str, *, every: int = 1) -> Callable[[Check], Check]:
    """Make a check of one case a test of all cases.

    Args:
        cases: the arguments of the check; a tuple for several arguments.
        name: returns the name of a case in a failure.
        every: if it is more than 1, a fast test checks every n-th case, and a slow one checks all.
    """
    steps = [every, pytest.param(1, marks=pytest.mark.slow)] if every > 1 else [1]

    def decorate(check: Check) -> Check:
        @pytest.mark.parametrize("step", steps)
        def test(step: int) -> None:
            failures: dict[str, BaseException] = {}
            for case in list(cases)[::step]:
                try:
                    check(*case if isinstance(case, tuple) else (case,))
                except (Exception, pytest.fail.Exception) as error:
                    error.add_note(f"the case: {name(case)}")
                    failures[name(case)] = error
            if failures:
                raise BaseExceptionGroup(f"wrong: {', '.join(failures)}", list(failures.values()))

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return test

    return decorate
