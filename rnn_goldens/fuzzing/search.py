"""A search for a golden that an implementation gets wrong, and then for the smallest."""

import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from hypothesis.errors import Flaky

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.errors import ProgramFailed, RnnGoldensError, Unsupported, WrongUse
from rnn_goldens.fuzzing.bounds import Bounds
from rnn_goldens.fuzzing.few import Place, ask_few, few, places
from rnn_goldens.fuzzing.judged import Judged, TookTooLong, how_much
from rnn_goldens.implementations import Implementation, outputs_of
from rnn_goldens.judging.verdict import compare
from rnn_goldens.plugin.guard import TimeIsUp, interrupting
from rnn_goldens.programs.program import Program

MOST_KEPT = 100
"""So many of those that passed are kept, to be held against what explains those that fail."""

ENOUGH, TIME, INTERRUPTED = "enough", "time", "interrupted"
"""Why a search ended: so many examples were asked, or something was found; its time was over; it was interrupted."""


@dataclass(frozen=True)
class Limits:
    """Where a search ends.

    Attributes:
        examples: goldens that are asked before one fails.
        seconds: for that, and as many once more to make it smaller; None for as long as it takes.
        each: for one golden; None for a program, which has a limit of its own.
    """

    examples: int
    seconds: float | None = None
    each: float | None = None

    def __post_init__(self) -> None:
        if self.examples < 1:
            raise WrongUse(f"{self.examples} examples: nothing would be asked; say 1 or more")
        if self.seconds is not None and not self.seconds > 0:
            raise WrongUse(f"{self.seconds:g} seconds: nothing would be asked; say more than 0")


@dataclass(eq=False)
class Search:
    """What was asked so far, and found.

    Attributes:
        passed: how many were right.
        lately: the last of them.
        refused: how many were refused, by reason.
        failed: what was wrong, the first first: found by drawing it, and then smaller ones.
        ended: why the search ended.
        found_before: whether what failed was found by an earlier search.
        is_flaky: whether the smallest that failed was right when it was asked once more.
    """

    passed: int = 0
    lately: deque[Judged] = field(default_factory=lambda: deque(maxlen=MOST_KEPT))
    refused: dict[str, int] = field(default_factory=dict)
    failed: list[Judged] = field(default_factory=list)
    ended: str = ENOUGH
    found_before: bool = False
    is_flaky: bool = False

    @property
    def asked(self) -> int:
        """How many goldens were asked until one failed, and that one."""
        return self.passed + sum(self.refused.values()) + bool(self.failed)

    @property
    def smallest(self) -> Judged | None:
        """Of what failed, the last of those in which there is least."""
        return min(reversed(self.failed), key=lambda judged: how_much(judged.golden), default=None)


Drawing = Callable[[Callable[[Place], list[Golden]], list[Place]], Generator[list[Golden], None, None]]
"""Draws at every place, and yields what is drawn there, in order."""


def draw_here(work: Callable[[Place], list[Golden]], todo: list[Place]) -> Generator[list[Golden], None, None]:
    """Draw in this process, at a place when its goldens are to be asked."""
    yield from map(work, todo)


class _Over(BaseException):
    """Goes through Hypothesis, which takes any Exception for a failure."""


class _Wrong(Exception):
    """What Hypothesis is told of a golden whose outputs are wrong."""


class _Crashed(Exception):
    """What it is told of one that the implementation did not answer."""


def search(
    run: Implementation,
    bounds: Bounds,
    limits: Limits,
    seed: int,
    *,
    before: Sequence[Golden] = (),
    drawing: Drawing = draw_here,
    follow: Callable[[Search], None] = lambda _: None,
    asking: Callable[[Golden], None] | None = None,
) -> Search:
    """Ask an implementation goldens that are drawn, until one fails; then smaller ones, as long as they fail.

    Args:
        run: the implementation.
        bounds: what is drawn.
        limits: where it ends.
        seed: the same one draws the same goldens.
        before: goldens that are asked before any is drawn.
        drawing: who draws; what is found is the same, whoever does. Smaller ones are drawn here.
        follow: is called after each golden.
        asking: is called before each; if it raises, that is as if the implementation did.

    Raises:
        WrongUse: nothing can be drawn within the bounds, or the implementation raised it.
        WorkersFailed: who draws has failed.
    """
    found = Search()
    asker = _Asking(run, limits, found, follow, asking)
    try:
        for golden in before:
            if asker.judge(golden).failed:
                found.found_before = True
                return found
        asker.drawn(places(bounds, seed, limits.examples), drawing)
    except (_Wrong, _Crashed, _Over):
        pass
    except KeyboardInterrupt:
        found.ended = INTERRUPTED
    except Flaky:
        found.is_flaky = True
    return found


@dataclass(eq=False)
class _Asking:
    run: Implementation
    limits: Limits
    found: Search
    follow: Callable[[Search], None]
    asking: Callable[[Golden], None] | None
    begun: float = field(default_factory=time.monotonic)

    def drawn(self, todo: list[Place], drawing: Drawing) -> None:
        """Ask what is drawn, and let Hypothesis make smaller what fails."""
        with closing(drawing(few, todo)) as drawn:
            for place, goldens in zip(todo, drawn, strict=True):
                self._ask_all(goldens, place)
        if not self.found.asked:
            raise WrongUse("nothing could be drawn that can be held to a tolerance: widen the bounds")

    def _ask_all(self, goldens: list[Golden], place: Place) -> None:
        """Ask what was drawn at a place; if one fails, Hypothesis comes to it again there, and goes on from it."""
        before: deque[Judged] = deque()
        for golden in goldens:
            self._end_in_time()
            before.append(self.judge(golden))
            if before[-1].failed:
                ask_few(partial(self._ask, before), place)
                raise _Over  # it drew others here than there, by another version: what failed stays as it is

    def _ask(self, before: deque[Judged], golden: Golden) -> None:
        if before and (before[0].golden.id, before[0].golden.dtype) == (golden.id, golden.dtype):
            judged = before.popleft()
        else:
            self._end_in_time()
            judged = self.judge(golden)
        if judged.failed:
            raise _Crashed if judged.crash is not None else _Wrong

    def judge(self, golden: Golden) -> Judged:
        """Ask for a golden, and note what became of it."""
        judged = ask(self.run, golden, self.asking, self.limits.each)
        found = self.found
        if judged.failed:
            if not found.failed:
                self.begun = time.monotonic()
            if not found.failed or (judged.crash is None) == (found.failed[0].crash is None):
                found.failed.append(judged)
        elif not found.failed and judged.refused:
            found.refused[judged.refused] = found.refused.get(judged.refused, 0) + 1
        elif not found.failed:
            found.passed += 1
            found.lately.append(judged)
        self.follow(found)
        return judged

    def _end_in_time(self) -> None:
        late = self.limits.seconds is not None and time.monotonic() - self.begun > self.limits.seconds
        if late and self.found.asked:
            self.found.ended = TIME
            raise _Over


def ask(
    run: Implementation,
    golden: Golden,
    asking: Callable[[Golden], None] | None = None,
    seconds: float | None = None,
) -> Judged:
    """Ask an implementation for a golden; raises WrongUse if it does, for that speaks of how it was called."""
    try:
        if asking is not None:
            asking(golden)
        with interrupting(seconds):
            outputs = outputs_of(run(golden.question()))
            _require_no_late_news(run)
            return Judged(golden, outputs, compare(golden, *outputs))
    except TimeIsUp as up:
        late = TookTooLong(f"gave no outputs within {seconds:g} s").with_traceback(up.__traceback__)
        return Judged(golden, crash=late)
    except Unsupported as reason:
        return Judged(golden, refused=str(reason).partition("\n")[0])
    except (KeyboardInterrupt, RnnGoldensError):
        raise
    except BaseException as crash:  # sys.exit and pytest.skip are no answers either
        return Judged(golden, crash=crash)


def _require_no_late_news(run: Implementation) -> None:
    """Raise ProgramFailed if a program did more than answer the golden before this one."""
    if isinstance(run, Program) and run.late:
        late = run.late[0]
        run.late.clear()
        raise ProgramFailed(late.text)
