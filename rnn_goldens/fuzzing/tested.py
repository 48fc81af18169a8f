"""What became of the goldens that a test drew: whether it compared any, what failed, and what is said at its end."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from hypothesis.errors import HypothesisException

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.diagnosis.explanations import diagnosed
from rnn_goldens.errors import Unsupported
from rnn_goldens.fuzzing.causes import causes
from rnn_goldens.fuzzing.found import AsTyped, kept_and_said
from rnn_goldens.fuzzing.judged import Judged, how_much
from rnn_goldens.judging.failure_text import to_see
from rnn_goldens.judging.given import outputs_given
from rnn_goldens.judging.verdict import GoldenMismatch, Verdict

_MOST_KEPT = 100
"""Comparisons that are held against what explains those that fail."""


@dataclass(eq=False)
class Tested:
    """What became of the goldens that one test drew.

    Attributes:
        drawn: the last golden: of a test that fails, the example that Hypothesis ends with.
        folder: where a golden that fails is kept; None if nowhere.
        implementation: what is tested, as ``rnn-goldens check`` takes it; "" if that is not known.
        is_checked: whether any golden was compared in the precision it was drawn in, or a higher one.
        failed: comparisons with wrong outputs, the first first.
        passed: the last comparisons with right ones.
        wrong: the last golden whose outputs were wrong, and the verdict.
    """

    drawn: Golden | None = None
    folder: AsTyped | None = None
    implementation: str = ""
    is_checked: bool = False
    failed: list[Judged] = field(default_factory=list)
    passed: deque[Judged] = field(default_factory=lambda: deque(maxlen=_MOST_KEPT))
    wrong: tuple[Golden, Verdict] | None = None

    def note_drawn(self, golden: Golden, folder: AsTyped | None, implementation: str) -> None:
        """Note that a golden was drawn."""
        self.drawn, self.folder, self.implementation = golden, folder, implementation

    def note_compared(self, judged: Judged, *, counts: bool) -> None:
        """Note a comparison; it counts if it shows that the golden is right."""
        self.is_checked = self.is_checked or counts
        if judged.verdict.passed:
            self.passed.append(judged)
            return
        self.failed.append(judged)
        del self.failed[1:-_MOST_KEPT]
        self.note_wrong(judged.golden, judged.verdict)

    def note_wrong(self, golden: Golden, verdict: Verdict) -> None:
        """Note that outputs were wrong, in whatever way an implementation was called."""
        self.wrong = golden, verdict

    def forget_last(self) -> None:
        """Forget the last comparison with wrong outputs, which a test expected."""
        if self.failed:
            self.failed.pop()
        self.wrong = (self.failed[-1].golden, self.failed[-1].verdict) if self.failed else None

    def swallowed(self) -> GoldenMismatch | None:
        """The error for wrong outputs after which a test went on to end well; None if there were none."""
        if self.wrong is None:
            return None
        if self.failed:
            smallest = min(reversed(self.failed), key=lambda judged: how_much(judged.golden))
            self.wrong = smallest.golden, smallest.verdict
        return GoldenMismatch(self.wrong[1])

    def require_checked(self) -> None:
        """Raise AssertionError if goldens were drawn, and none was compared."""
        __tracebackhide__ = True
        if self.drawn is not None and not self.is_checked:
            raise AssertionError(
                f"{self.drawn.id} in {self.drawn.dtype} was drawn, and no golden was checked in the precision it was "
                "drawn in: call check or check_calls of each"
            )

    def explain(self, error: Exception) -> None:
        """Add to the error that a test ends with what explains it, and where its golden is kept."""
        if said := "\n".join(self._explanation(error)):
            error.add_note(said)

    def _explanation(self, error: Exception) -> Iterator[str]:
        if isinstance(error, Unsupported):
            yield "to leave out what an implementation refuses, call golden.check_calls(implementation)"
            return
        if self.drawn is None or (self.wrong is None and isinstance(error, HypothesisException)):
            return
        golden = self.drawn
        if self.wrong is not None and isinstance(error, GoldenMismatch | HypothesisException):
            golden, _ = self.wrong
            yield from self._diagnosis(golden)
        yield from causes(self.failed, self.passed)
        if self.folder is not None:
            kept, said = kept_and_said(golden, self.folder, self.implementation)
            if kept:
                yield to_see(golden, kept).strip()
            yield said

    def _diagnosis(self, golden: Golden) -> Iterator[str]:
        """What can be seen in the outputs of one golden, which was not looked at while others were drawn."""
        for one in self.failed:
            if one.golden is golden:
                message = diagnosed(outputs_given(golden, *one.outputs), one.verdict).message
                known = one.verdict.message.splitlines()
                yield from (line for line in message.splitlines() if line not in known)


_TEST: ContextVar[Tested] = ContextVar("rnn_goldens_tested", default=Tested())  # noqa: B039 - of draws outside of tests


def current_test() -> Tested:
    """The test that draws now; one that nobody looks at outside of tests that pytest runs."""
    return _TEST.get()


@contextmanager
def tested() -> Iterator[None]:
    """Around a test of Hypothesis: fail it if it shows nothing, and say of an error what explains it."""
    __tracebackhide__ = True
    this = Tested()
    before = _TEST.set(this)
    try:
        try:
            yield
        except Exception as error:
            this.explain(error)
            raise
        if (mismatch := this.swallowed()) is not None:
            this.explain(mismatch)
            raise mismatch
        this.require_checked()
    finally:
        _TEST.reset(before)
