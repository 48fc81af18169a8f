"""The check log of a test: all comparisons with its golden, including failures that the test ignored."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from rnn_goldens.comparison.picture import Picture
from rnn_goldens.comparison.verdict import GoldenMismatch, Verdict
from rnn_goldens.errors import RnnGoldensError, Unsupported
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.visible import visible

_LONGEST_REASON = 2_000
"""The largest number of characters of a reason."""

CHECK_FAILS = "the test expects a mismatch, with check_fails"
"""The reason of the known failure that ``check_fails`` records."""


@dataclass(eq=False)
class CheckLog:
    """The comparisons of one test with its golden, shared by the golden's copies in other precisions.

    Attributes:
        golden: the golden's id.
        dtype: the precision under test.
        calls: the call patterns that the marker or option selects.
        sizes: the sizes of the golden, by noun.
        verdicts: all verdicts except those of ``check_fails``, each with its precision.
        expected_to_fail: the failed verdicts that ``check_fails`` expected.
        errors: failures without a verdict, such as ``check_fails`` with correct outputs.
        ran: whether the test's call phase began.
        went_on: whether the test returned after a failure.
        reported: verdicts whose mismatch reached pytest, from the test or a subtest.
        called: the call patterns that ``check_calls`` was called with; "twice" for ``check_gradient_calls``.
        patterns_run: the call patterns that were run.
        patterns_refused: call patterns that the implementation refused, although it accepted the golden; with reasons.
        refused: whether the implementation refused, in the test or a subtest.
        unchecked: whether nothing was checked. This is an error of the test, so xfail does not excuse it.
        threads: the threads that ran before the test; others are threads of the test.
        ended: whether the test has ended; findings after that are late findings.
        late: the list to which late findings are appended; one list per run.
        drawn: whether a page needs a picture of wrong outputs.
        picture: the picture of the first mismatch.
        gradients: whether the test must check gradients.
        of_gradients: the verdicts on gradients, each with its precision; also in ``verdicts``.
        outputs_wrong: whether an implementation with wrong gradients had wrong outputs, too.
        outputs_right: goldens and precisions whose outputs were all correct in some test; one set per run.
    """

    golden: str
    dtype: str
    calls: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    verdicts: list[tuple[str, Verdict]] = field(default_factory=list)
    expected_to_fail: list[Verdict] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    ran: bool = False
    went_on: bool = False
    reported: list[Verdict] = field(default_factory=list)
    called: set[str] = field(default_factory=set)
    patterns_run: set[str] = field(default_factory=set)
    patterns_refused: dict[str, str] = field(default_factory=dict)
    refused: bool = False
    unchecked: bool = False
    threads: frozenset[int] = frozenset()
    ended: bool = False
    late: list[dict[str, str]] = field(default_factory=list)
    drawn: bool = False
    picture: Picture | None = None
    gradients: bool = False
    of_gradients: list[tuple[str, Verdict]] = field(default_factory=list)
    outputs_wrong: bool = False
    outputs_right: set[tuple[str, str]] = field(default_factory=set)

    @contextmanager
    def comparing(self) -> Iterator[None]:
        """Record an exception that a comparison raises, so that a test that catches it fails."""
        try:
            yield
        except RnnGoldensError:  # a wrong argument, raised before anything is compared
            raise
        except Exception as error:
            message = f"the comparison raised {type(error).__name__}: {first_line(error)}"
            self.errors.append(f"{self.golden} in {self.dtype}: {message}")
            raise

    def note(self, dtype: str, verdict: Verdict) -> None:
        """Record a verdict on outputs, in any thread, during or after the test."""
        if verdict.passed and not verdict.not_checked:
            self.outputs_right.add((self.golden, dtype))
        self._note(dtype, verdict)

    def _note(self, dtype: str, verdict: Verdict) -> None:
        self.verdicts.append((dtype, verdict))
        if self.ended and not verdict.passed:
            self.late.append(finding(self.golden, self.dtype, verdict.message.partition("\n")[0], "comparison"))

    def note_refusal(self, pattern: str, why: Unsupported) -> None:
        """Record a call pattern that the implementation refused."""
        self.patterns_refused[pattern] = first_line(why)

    @property
    def call_patterns(self) -> dict[str, Any]:
        """Return the call patterns that were run and those that were refused, for xdist to send; {} if none was run."""
        return {"run": sorted(self.patterns_run), "refused": self.patterns_refused} if self.patterns_run else {}

    def note_gradients(self, dtype: str, verdict: Verdict) -> None:
        """Record a verdict on gradients."""
        self._note(dtype, verdict)
        self.of_gradients.append((dtype, verdict))

    @property
    def wrong(self) -> list[Verdict]:
        """Return the failed verdicts, except those of ``check_fails``."""
        return [verdict for _, verdict in self.verdicts if not verdict.passed]

    @property
    def swallowed(self) -> str:
        """Return the message of a failure after which the test continued; "" if there is none."""
        unreported = [verdict for verdict in self.wrong if not any(verdict is one for one in self.reported)]
        if unreported:
            return unreported[0].message
        return self.errors[0] if self.errors else ""

    @property
    def shown_right(self) -> bool:
        """Return whether outputs, or required gradients, were correct in the precision under test or a higher one."""
        least = PRECISIONS[self.dtype].bits
        counting = self.of_gradients if self.gradients else self.verdicts
        return any(verdict.passed and PRECISIONS[dtype].bits >= least for dtype, verdict in counting)

    @property
    def largest_error(self) -> float | None:
        """Return the largest error of all comparisons as a fraction of the tolerance; None without a comparison."""
        return max((verdict.largest_error for _, verdict in self.verdicts), default=None)

    def missing(self) -> str:
        """Return a sentence about the checks that a test omitted; "" if it omitted none."""
        if self.gradients and not self.of_gradients:
            outputs = ": check(out, h_n) compares only outputs" if self.verdicts else ""
            return f"no gradient was checked: the test requested gradients and never called check_gradients{outputs}"
        if not self.verdicts and not self.expected_to_fail:
            return "nothing was checked: the test requested rnn_golden and never called its check(out, h_n)"
        if not self.shown_right and not self.expected_to_fail:
            counting = self.of_gradients if self.gradients else self.verdicts
            made_in = ", ".join(dict.fromkeys(dtype for dtype, _ in counting))
            return f"nothing was checked in {self.dtype}, only in {made_in}, which is less precise"
        if missing := [name for name in self.calls if name not in self.called]:
            return (
                f"calls={', '.join(missing)} was not run: check(out, h_n) compares a single call; "
                "check_calls(run) runs the patterns"
            )
        return ""

    def swallowed_mismatch(self) -> GoldenMismatch | AssertionError | None:
        """Return the error for a test that continued after a failure; None if it did not."""
        if not (text := self.swallowed):
            return None
        first, *others = text.splitlines()
        wrong = next((verdict for verdict in self.wrong if verdict.message == text), None)
        continued = "  the test continued after this failure, so it fails"
        hint = [
            f"{continued}. For outputs that are",
            "  meant to be wrong, use rnn_golden.check_fails(out, h_n)",
        ]
        if any(verdict is wrong for _, verdict in self.of_gradients):
            hint = [continued]
        message = "\n".join([first, *hint, *others])
        return AssertionError(message) if wrong is None else GoldenMismatch(replace(wrong, message=message))


def first_line(error: object) -> str:
    """Return the first line of an error or a text, with control characters escaped."""
    try:
        text = str(error)
    except Exception as raised:  # the error's own __str__ may raise anything
        text = f"{type(error).__name__}, and its text raised {type(raised).__name__}"
    line = text.strip().partition("\n")[0] or f"{type(error).__name__}, no reason given"
    return visible(line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]} …")


Finding = dict[str, str]
"""``golden``, ``dtype``, ``reason`` and ``judged_by`` of a problem found after a test had ended."""


def finding(golden: str, dtype: str, text: str, judged_by: str) -> Finding:
    """Return a problem found after a golden's test had ended, in a form that xdist can send."""
    return {"golden": golden, "dtype": dtype, "reason": text, "judged_by": judged_by}


def entry_of(check_log: CheckLog | None) -> dict[str, Any]:
    """Return the fields of the results file that a check log provides."""
    if check_log is None:
        return {}
    largest = check_log.largest_error
    entry: dict[str, Any] = {}
    if largest is not None and largest != float("inf"):
        entry["largest_error"] = largest
    of_gradients = [verdict for _, verdict in check_log.of_gradients]
    of_outputs = [verdict for verdict in check_log.wrong if not any(verdict is other for other in of_gradients)]
    if any(found.is_finer for _, verdict in check_log.verdicts for found in verdict.differences.values()):
        entry["higher_precision"] = True
    entry |= _outputs_checked([v for _, v in check_log.verdicts if not any(v is other for other in of_gradients)])
    for verdict in (*of_outputs, *check_log.wrong)[:1]:
        if verdict.explained_by:
            entry["explained_by"] = list(verdict.explained_by)
        if verdict.facts:
            entry["facts"] = dict(verdict.facts)
    if check_log.of_gradients:
        entry["gradients"] = gradients_found(of_gradients)
        if of_outputs or check_log.outputs_wrong:
            entry["gradients"]["outputs_wrong"] = True
    if check_log.calls:
        entry["calls"] = {name: name in check_log.patterns_run for name in check_log.calls}
    return entry


def _outputs_checked(verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """Return which outputs were compared and which were not; {} if all were compared, or none."""
    verdicts = list(verdicts)
    compared = dict.fromkeys(name for verdict in verdicts for name in verdict.differences)
    left_out = dict.fromkeys(name for verdict in verdicts for name in verdict.not_checked if name not in compared)
    return {"outputs": list(compared), "not_checked": list(left_out)} if left_out else {}


def gradients_found(verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """Return the gradients that were right in every comparison, wrong in one or more, or never checked."""
    verdicts = list(verdicts)
    compared = [found for verdict in verdicts for found in verdict.differences.values()]
    wrong = dict.fromkeys(found.output for found in compared if not found.passed)
    right = dict.fromkeys(found.output for found in compared if found.output not in wrong)
    left_out = dict.fromkeys(name for verdict in verdicts for name in verdict.not_checked)
    not_checked = [name for name in left_out if name not in wrong and name not in right]
    return {"right": list(right), "wrong": list(wrong), "not_checked": not_checked}
