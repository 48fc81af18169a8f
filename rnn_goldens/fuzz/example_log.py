"""Records the goldens that a test drew: whether any was compared, and which failed. Explains failures at the end.

A single small failure has too many explanations: the deviations that explain all failures of a search are looked for.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any
from unittest import SkipTest

from hypothesis.errors import HypothesisException

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.actual import actual_outputs
from rnn_goldens.comparison.failure_text import to_see
from rnn_goldens.comparison.verdict import GoldenMismatch, Verdict
from rnn_goldens.diagnosis import TOGETHER, Evidence
from rnn_goldens.diagnosis.run_diagnosis import diagnose_run, reexamine
from rnn_goldens.diagnosis.search import CandidateSearch, diagnosed
from rnn_goldens.diagnosis.summary import summary
from rnn_goldens.errors import Unsupported
from rnn_goldens.fuzz.example_store import AsTyped, try_to_keep

_MAX_KEPT = 100
"""The largest number of comparisons that candidates are checked against."""

MAX_FAILED = 8
"""The largest number of diagnosed failures. They are evenly spaced from the least to the most complex."""


@dataclass(frozen=True, eq=False)
class ComparedGolden:
    """A golden that was compared."""

    golden: Golden
    outputs: Sequence[Any]  # the actual outputs
    verdict: Verdict  # the comparison


@dataclass(eq=False)
class DrawnResults:
    """The goldens that one test drew, and their comparisons."""

    drawn: Golden | None = None  # the last golden drawn. In a failing test, the example that Hypothesis ends with
    folder: AsTyped | None = None  # the folder where a failing golden is stored, or None
    implementation: str = ""  # the implementation, as an argument of ``rnn-goldens check``; "" if unknown
    is_checked: bool = False  # whether any golden was compared in the precision it was drawn in, or a higher one
    drawn_ids: set[str] = field(default_factory=set)  # of all goldens that were drawn; others are compared unseen
    # by id, the drawn arguments of the current example that were not compared yet; as "", a golden that the test
    # function drew after the last comparison
    left: dict[str, Golden] = field(default_factory=dict)
    unchecked: Golden | None = None  # a golden that was left when the test function returned
    failed: list[ComparedGolden] = field(default_factory=list)  # failed comparisons, in order
    # the last passed comparisons
    passed: deque[ComparedGolden] = field(default_factory=lambda: deque(maxlen=_MAX_KEPT))
    wrong: tuple[Golden, Verdict] | None = None  # the last golden with wrong outputs, and its verdict

    def record_drawn(self, golden: Golden, folder: AsTyped | None, implementation: str) -> None:
        """Record that a golden was drawn."""
        self.drawn, self.folder, self.implementation = golden, folder, implementation
        self.drawn_ids.add(golden.id)
        self.left[""] = golden  # one comparison is enough for all of them: a filter may have discarded some

    def noting_examples(self, test: Callable[..., Any]) -> Callable[..., Any]:
        """Return a test function that notes the goldens that it leaves unchecked, unless it rejects the example."""

        async def awaited(result: Awaitable[Any]) -> None:
            with self._example():
                await result

        @wraps(test)
        def noting(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - of any test
            __tracebackhide__ = True
            given = (*arguments, *named.values())
            parts = [part for value in given for part in (value if isinstance(value, list | tuple) else [value])]
            self.left = {part.id: part for part in parts if isinstance(part, Golden) and part.id in self.drawn_ids}
            if iscoroutinefunction(test):
                return awaited(test(*arguments, **named))
            with self._example():
                return test(*arguments, **named)

        return noting

    @contextmanager
    def _example(self) -> Iterator[None]:
        """Run the test function on an example. Raises GoldenMismatch if it skips after a mismatch."""
        import pytest

        __tracebackhide__ = True
        try:
            yield
        except (pytest.skip.Exception, SkipTest):
            if self.wrong is not None:
                raise GoldenMismatch(self.wrong[1]) from None
            raise
        self.unchecked = self.unchecked or next(iter(self.left.values()), None)

    def record_compared(self, compared: ComparedGolden, *, counts: bool) -> None:
        """Record a comparison. ``counts``: whether it was made in the precision drawn, or a higher one."""
        if counts:
            self.is_checked = True
            for drawn in ("", compared.golden.id):
                self.left.pop(drawn, None)
        if compared.verdict.passed:
            self.passed.append(compared)
            return
        self.failed.append(compared)
        del self.failed[1:-_MAX_KEPT]
        self.record_wrong(compared.golden, compared.verdict)

    def record_wrong(self, golden: Golden, verdict: Verdict) -> None:
        """Record wrong outputs of any call pattern."""
        self.wrong = golden, verdict

    def forget_last(self) -> None:
        """Remove the last failed comparison, which the test expected."""
        if self.failed:
            self.failed.pop()
        self.wrong = (self.failed[-1].golden, self.failed[-1].verdict) if self.failed else None

    def swallowed(self) -> GoldenMismatch | None:
        """Return the error for wrong outputs that the test did not raise, or None."""
        if self.wrong is None:
            return None
        if self.failed:
            smallest = min(reversed(self.failed), key=lambda compared: complexity(compared.golden))
            self.wrong = smallest.golden, smallest.verdict
        return GoldenMismatch(self.wrong[1])

    def require_checked(self) -> None:
        """Raise AssertionError if an example left a golden unchecked, or if none was checked at all."""
        __tracebackhide__ = True
        if (golden := self.unchecked or (None if self.is_checked else self.drawn)) is not None:
            raise AssertionError(
                f"{golden.id} in {golden.dtype} was drawn, but not checked in the precision it was drawn in: call "
                "check or check_calls on each golden; assume and reject leave goldens out"
            )

    def explain(self, error: Exception) -> None:
        """Add a note to the error of a test: the explanation, and where the golden is stored."""
        if text := "\n".join(self._explanation(error)):
            error.add_note(text)

    def _explanation(self, error: Exception) -> Iterator[str]:
        if isinstance(error, Unsupported):
            yield "to skip goldens that the implementation refuses, call golden.check_calls(implementation)"
            return
        if self.drawn is None or (self.wrong is None and isinstance(error, HypothesisException)):
            return
        golden = self.drawn
        if self.wrong is not None and isinstance(error, GoldenMismatch | HypothesisException):
            golden, _ = self.wrong
            yield from self._diagnosis(golden)
        yield from causes(self.failed, self.passed)
        if self.folder is not None:
            folder, message = try_to_keep(golden, self.folder, self.implementation)
            if folder:
                yield to_see(golden, folder).strip()
            yield message

    def _diagnosis(self, golden: Golden) -> Iterator[str]:
        """Yield the diagnosis of one golden. Goldens are not diagnosed while they are drawn."""
        for one in self.failed:
            if one.golden is golden:
                message = diagnosed(actual_outputs(golden, *one.outputs), one.verdict).message
                known = one.verdict.message.splitlines()
                yield from (line for line in message.splitlines() if line not in known)


_TEST: ContextVar[DrawnResults] = ContextVar("rnn_goldens_tested", default=DrawnResults())  # noqa: B039 - for draws outside tests


def current_test() -> DrawnResults:
    """Return the results of the current test. Outside tests that pytest runs, they are discarded."""
    return _TEST.get()


@contextmanager
def tested(test: object) -> Iterator[None]:
    """Run a Hypothesis test in this context: fail it if it leaves a golden unchecked, and explain its errors."""
    __tracebackhide__ = True
    this = DrawnResults()
    before = _TEST.set(this)
    handle: Any = getattr(test, "hypothesis", None)  # Hypothesis's interface for plugins; a state machine has none
    inner = handle and handle.inner_test
    if handle:
        handle.inner_test = this.noting_examples(inner)
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
        if handle:
            handle.inner_test = inner
        _TEST.reset(before)


def complexity(golden: Golden) -> int:
    """Return the sum of: layers · directions, steps, rows, units, inputs, and the count of numbers that are not 0."""
    config, stored = golden.network, golden.stored
    rows = golden.batch_shape[0] if golden.batch_shape else 1
    arrays = [*stored.weights.values(), *stored.states.values(), stored.x]
    sizes = (len(config.suffixes), stored.x.shape[-2], rows, config.hidden_size, config.input_size)
    return sum(sizes) + sum(int((array != 0).sum()) for array in arrays)


def causes(failed: Sequence[ComparedGolden], passed: Iterable[ComparedGolden] = ()) -> Iterator[str]:
    """Yield the causes in lines of at most 80 columns. A deviation that would fail a ``passed`` golden is none."""
    last_first = list(reversed(failed))  # of equally complex goldens, the one that the search ends with comes first
    wrong = sorted(last_first, key=lambda one: complexity(one.golden))
    if not wrong:
        return
    step = max(1, -(-len(wrong) // (MAX_FAILED - 1)))
    compared = [*dict.fromkeys([*wrong[::step], wrong[-1]]), *passed]
    goldens = {(one.golden.id, one.golden.dtype): one.golden for one in compared}

    def load(golden: str, dtype: str) -> Golden | None:
        return goldens.get((golden, dtype))

    search = CandidateSearch()
    evidence, cut_short = reexamine([_evidence(one, search) for one in compared], search.failures, load)
    diagnoses = diagnose_run(evidence, load, cut_short)
    if len(compared) > 1 or any(diagnosis.candidates for diagnosis in diagnoses):  # else the verdict has the cause
        yield from summary(diagnoses)


def _evidence(compared: ComparedGolden, search: CandidateSearch) -> Evidence:
    golden, verdict = compared.golden, compared.verdict
    if not verdict.passed:
        verdict = diagnosed(actual_outputs(golden, *compared.outputs), verdict, search)
    return Evidence(
        golden=golden.id,
        dtype=golden.dtype,
        cell=golden.cell,
        features=golden.features,
        passed=verdict.passed,
        explained_by=tuple(tuple(names.split(TOGETHER)) for names in verdict.explained_by),
        facts=verdict.facts,
    )
