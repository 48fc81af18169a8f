"""A few goldens at a time: what a seed gives at one place follows from these two, in whatever order or process."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis.errors import Unsatisfiable

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.fuzzing.bounds import Bounds
from rnn_goldens.fuzzing.strategy import drawn

FEW = 10
"""Hypothesis changes examples that it has drawn once it has so many: of more it would make most by such changes."""


@dataclass(frozen=True)
class Place:
    """Where a few goldens are drawn. Places know nothing of each other: they may be drawn at once, by several.

    Attributes:
        bounds: what is drawn.
        seed: the same one draws the same goldens.
        begin: the number of the first.
        examples: how many, ``FEW`` at most.
    """

    bounds: Bounds
    seed: int
    begin: int
    examples: int


def places(bounds: Bounds, seed: int, examples: int) -> list[Place]:
    """Where so many goldens are drawn, a few at each."""
    return [Place(bounds, seed, begin, min(FEW, examples - begin)) for begin in range(0, examples, FEW)]


def few(place: Place) -> list[Golden]:
    """What is drawn at one place if none fails; nothing if all that was drawn can not be held to a tolerance."""
    goldens: list[Golden] = []
    ask_few(goldens.append, place)
    return goldens


def ask_few(test: Callable[[Golden], object], place: Place) -> None:
    """Draw and certify the goldens of one place, and ask a test each; smaller ones once one makes it raise.

    Args:
        test: is asked as soon as one is drawn.
        place: where.

    Raises:
        Exception: what the test raised last, of the smallest.
        hypothesis.errors.Flaky: it did not raise once more.
    """

    @hypothesis.seed(f"{place.seed} {place.begin}")
    @hypothesis.settings(
        max_examples=place.examples,
        phases=(Phase.generate, Phase.shrink),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        print_blob=False,
    )
    @hypothesis.given(drawn(place.bounds))
    def ask(golden: Golden) -> None:
        test(golden)

    with suppress(Unsatisfiable):
        ask()
