"""A few goldens at a time: what a seed gives at one place follows from these two, in whatever order or process."""

from collections.abc import Callable, Iterator
from contextlib import suppress

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis.errors import Unsatisfiable

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.fuzzing.bounds import Bounds
from rnn_goldens.fuzzing.strategy import drawn

FEW = 10
"""Hypothesis changes examples that it has drawn once it has so many: of more it would make most by such changes."""


def places(examples: int) -> Iterator[tuple[int, int]]:
    """Where so many goldens are drawn, a few at each: the number of the first, and how many."""
    return ((begin, min(FEW, examples - begin)) for begin in range(0, examples, FEW))


def ask_few(test: Callable[[Golden], object], bounds: Bounds, seed: int, place: int, examples: int) -> None:
    """Draw and certify what a seed gives at one place, and ask a test each; smaller ones once one makes it raise.

    Places know nothing of each other: they may be asked at once, by several.

    Args:
        test: is asked as soon as one is drawn.
        bounds: what is drawn.
        seed: the same one draws the same goldens.
        place: as ``places`` has it.
        examples: how many, ``FEW`` at most; none if all that was drawn can not be held to a tolerance.

    Raises:
        Exception: what the test raised last, of the smallest.
        hypothesis.errors.Flaky: it did not raise once more.
    """

    @hypothesis.seed(f"{seed} {place}")
    @hypothesis.settings(
        max_examples=examples,
        phases=(Phase.generate, Phase.shrink),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        print_blob=False,
    )
    @hypothesis.given(drawn(bounds))
    def ask(golden: Golden) -> None:
        test(golden)

    with suppress(Unsatisfiable):
        ask()
