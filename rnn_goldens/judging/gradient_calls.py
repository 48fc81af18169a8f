"""Asking an implementation for gradients, and once more: what adds to buffers of the first call shows then."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.data import GoldenData
from rnn_goldens.judging.given_gradients import given_gradients
from rnn_goldens.judging.gradients import compare_gradients
from rnn_goldens.judging.outputs import NotNumbers, read
from rnn_goldens.judging.own_arrays import refuse_own
from rnn_goldens.judging.verdict import Verdict

Backward = Callable[[Any], Mapping[str, Any]]
"""A function of a question, which has ``cotangents``, that returns gradients by name."""


ADDED_UP = "the second call gives the sum of both: gradients add up over calls, and are not cleared"
DIFFERS = "the second call differs from the first"

Compare = Callable[[Mapping[str, Any], str], Verdict]
"""Gradients by name, and what it means if they are wrong, where that is known → the verdict."""


def compare_gradient_calls(
    golden: GoldenData, backward: Backward, compare: Compare | None = None
) -> Iterator[tuple[str, Verdict]]:
    """Ask twice, with the same question, and compare both times.

    Args:
        golden: what is asked, with gradients.
        backward: the implementation.
        compare: how gradients are compared.

    Yields:
        ``once`` and ``twice``, each with its verdict; ``once`` alone if that did not pass.

    Raises:
        TypeError: the implementation returned no gradients by name.
        WrongUse: it returned the golden's own arrays.
    """
    __tracebackhide__ = True

    def ask() -> dict[str, Any]:
        __tracebackhide__ = True
        found = given_gradients(golden, backward(golden.question()), {})
        refuse_own(golden, *found.values())
        return found

    first = ask()
    kept = {name: _copy(value) for name, value in first.items()}  # what it adds to in a second call
    compare = compare or (lambda given, said: compare_gradients(golden, given, said=said))
    verdict = compare(first, "")
    yield "once", verdict
    if verdict.passed:
        second = ask()
        yield "twice", _with_what_is_missing(golden, compare(second, _said(kept, second)), verdict, second)


def _with_what_is_missing(golden: GoldenData, verdict: Verdict, first: Verdict, second: Mapping[str, Any]) -> Verdict:
    """The verdict on a second call, which is wrong, too, if it left out a gradient that the first call gave."""
    missing = [name for name in first.differences if name not in second]
    if not missing or not verdict.passed:
        return verdict
    said = f"the second call gives no gradient of {', '.join(missing)}, which the first call gave"
    return replace(verdict, passed=False, message=f"{golden.id} in {golden.dtype}: {said}")


def _said(first: Mapping[str, NDArray[np.float64] | None], second: Mapping[str, Any]) -> str:
    """What it means if the second call's gradients are wrong."""
    doubled = [
        name for name, before in first.items()
        if before is not None and before.any() and np.array_equal(2 * before, _copy(second.get(name)))
    ]  # fmt: skip
    if doubled:
        return ADDED_UP
    return DIFFERS


def _copy(value: object) -> Any:  # noqa: ANN401 - an array, or None
    try:
        return read(value).values.copy()
    except NotNumbers:
        return None
