"""A search for a golden that an implementation gets wrong, and then for the smallest."""

import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import NoReturn

from hypothesis.errors import Flaky

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.errors import ProgramFailed, RnnGoldensError, Unsupported, WrongUse
from rnn_goldens.fuzzing.bounds import Bounds
from rnn_goldens.fuzzing.few import Place, ask_few, few, places
from rnn_goldens.fuzzing.judged import Judged, TookTooLong, WroteIntoInputs, how_much
from rnn_goldens.implementations import Implementation, outputs_of
from rnn_goldens.judging.inputs import written_to, wrote_into
from rnn_goldens.judging.verdict import compare
from rnn_goldens.plugin.guard import TimeIsUp, interrupting
from rnn_goldens.plugin.process_state import restored
from rnn_goldens.programs.program import Program

MOST_KEPT = 100
"""So many of those that passed are kept, to be held against what explains those that fail."""

_MOST_EXAMPLES = _MOST_SECONDS = 1_000_000

_MOMENT = 0.001
"""The least that an alarm is set to: 0 would be none."""

_LATE_SECONDS = 60.0
"""So long what gives no outputs in its time is made smaller, where no other limit is set: each try takes that time."""

ENOUGH, TIME, INTERRUPTED = "enough", "time", "interrupted"
"""Why a search ended: so many examples were asked, or something was found; its time was over; it was interrupted."""


@dataclass(frozen=True)
class Limits:
    """Where a search ends.

    Attributes:
        examples: goldens that are asked before one fails.
        seconds: for that, and as many once more to make it smaller; None for as long as it takes.
        each: for one golden; a program keeps to its own.
    """

    examples: int
    seconds: float | None = None
    each: float | None = None

    def __post_init__(self) -> None:
        if self.examples < 1:
            raise WrongUse(f"{self.examples} examples: nothing would be asked; say 1 or more")
        if self.examples > _MOST_EXAMPLES:
            raise WrongUse(f"{self.examples:,} examples: at most {_MOST_EXAMPLES:,} are of one seed; say another")
        for what, value in (("seconds", self.seconds), ("seconds for one golden", self.each)):
            if value is not None and not 0 < value <= _MOST_SECONDS:
                raise WrongUse(f"{value:g} {what}: say a number above 0, and {_MOST_SECONDS:,} at most")


@dataclass(eq=False)
class Search:
    """What was asked so far, and found.

    Attributes:
        passed: how many were right.
        lately: the last of them.
        refused: how many were refused, by reason.
        before: how many were asked that an earlier search had found.
        right_before: how many of these are right.
        failed: what was wrong, the first first: found by drawing it, and then smaller ones.
        ended: why the search ended.
        found_before: whether what failed was found by an earlier search.
        is_flaky: whether the smallest that failed was right when it was asked once more.
        is_counted: whether it is known how many were asked: not of a process that died again and again.
    """

    passed: int = 0
    lately: deque[Judged] = field(default_factory=lambda: deque(maxlen=MOST_KEPT))
    refused: dict[str, int] = field(default_factory=dict)
    before: int = 0
    right_before: int = 0
    failed: list[Judged] = field(default_factory=list)
    ended: str = ENOUGH
    found_before: bool = False
    is_flaky: bool = False
    is_counted: bool = True

    @property
    def asked(self) -> int:
        """How many goldens were asked until one failed, and that one."""
        return self.passed + sum(self.refused.values()) + bool(self.failed)

    @property
    def drawn(self) -> int:
        """How many of these were drawn: not found before."""
        return self.asked - self.before

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


Asking = Callable[[Golden], AbstractContextManager[None]]
"""Around asking for a golden, until its outputs are there; what it raises is as if the implementation did."""


def unwatched(_: Golden) -> AbstractContextManager[None]:
    """Nobody watches."""
    return nullcontext()


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
    asking: Asking = unwatched,
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
        asking: is entered while each is asked.

    Raises:
        WrongUse: nothing can be drawn within the bounds, or the implementation raised it.
        WorkersFailed: who draws has failed.
    """
    found = Search()
    asker = _Asking(run, limits, found, follow, asking)
    try:
        for golden in before:
            judged = asker.judge(golden)
            if judged.failed:
                found.found_before = True
                return found
            found.before += 1
            found.right_before += not judged.refused
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
    asking: Asking
    begun: float | None = None
    """When the first golden was asked, or the first that failed."""
    is_late: bool = False
    """Whether a program did other than answer; after each golden it is ended then, to hear what it still does."""

    def drawn(self, todo: list[Place], drawing: Drawing) -> None:
        """Ask what is drawn, and let Hypothesis make smaller what fails."""
        with closing(drawing(few, todo)) as drawn:
            last: Place | None = None
            for place, goldens in zip(todo, drawn, strict=True):
                self._ask_all(goldens, place, last)
                last = place
        if not self.found.drawn:
            raise WrongUse("nothing could be drawn that can be held to a tolerance: widen the bounds")

    def _ask_all(self, goldens: list[Golden], place: Place, last: Place | None) -> None:
        """Ask what was drawn at a place; if one fails, Hypothesis comes to it again there, and goes on from it.

        What a program did late it may have done for one of the place before: then all of that are asked again.
        """
        before: deque[Judged] = deque()
        for golden in goldens:
            self._end_in_time()
            judged = self.judge(golden)
            if last is not None and not any(judged.golden is one for one in goldens):
                ask_few(partial(self._ask, deque()), last)
                raise _Over
            before = deque(one for one in before if one.golden is not judged.golden)
            before.append(judged)
            if judged.failed:
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
        """Ask for a golden, and note what became of it; or of the one before, if a program had more to say of that."""
        if self.begun is None:
            self.begun = time.monotonic()
        left, each = self._left(), None if isinstance(self.run, Program) else self.limits.each
        limit = each if each is None or left is None else min(each, max(left, _MOMENT))
        try:
            judged = ask(self.run, golden, self.asking, limit)
        except RnnGoldensError as error:  # of an implementation that uses this package
            if not self.found.asked:
                raise
            judged = Judged(golden, crash=error)
        if isinstance(judged.crash, TookTooLong) and limit != each:
            self._over()
        return self._note(self._with_what_came_late(judged))

    def _with_what_came_late(self, judged: Judged) -> Judged:
        if not isinstance(self.run, Program):
            return judged
        if self.is_late:
            try:
                self.run.close()
            except ProgramFailed as said_more:
                return judged if judged.failed else Judged(judged.golden, crash=said_more)
            return judged
        if not self.run.late:
            self.is_late = isinstance(judged.crash, ProgramFailed)
            return judged
        late = self.run.late[0]
        self.is_late, more = True, ProgramFailed(late.text)
        with suppress(ProgramFailed):  # of the golden that was asked now, which is asked again
            self.run.close()
        meant = (one for one in self.found.lately if (one.golden.id, one.golden.dtype) == (late.golden, late.dtype))
        if (passed := next(meant, None)) is None:
            return Judged(judged.golden, crash=more)
        self.found.passed -= 1
        self.found.lately.remove(passed)
        return Judged(passed.golden, crash=more)

    def _note(self, judged: Judged) -> Judged:
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

    def _left(self) -> float | None:
        """The seconds that are left, below 0 once the time is over; None if there is no limit."""
        is_late = bool(self.found.failed) and isinstance(self.found.failed[0].crash, TookTooLong)
        limit = self.limits.seconds or (_LATE_SECONDS if is_late else None)
        if limit is None or self.begun is None:
            return limit
        return limit - (time.monotonic() - self.begun)

    def _end_in_time(self) -> None:
        left = self._left()
        if left is not None and left <= 0 and self.found.asked:
            self._over()

    def _over(self) -> NoReturn:
        self.found.ended = TIME
        raise _Over


def ask(
    run: Implementation,
    golden: Golden,
    asking: Asking = unwatched,
    seconds: float | None = None,
) -> Judged:
    """Ask an implementation for a golden; raises WrongUse if it does, for that speaks of how it was called."""
    try:
        with asking(golden), restored(), interrupting(seconds):
            question = golden.question()
            outputs = outputs_of(run(question))
            if names := written_to(question, golden.stored):
                return Judged(golden, crash=WroteIntoInputs(wrote_into(names)))
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
