"""The check log of a test: all comparisons with its golden, including failures that the test ignored."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.verdict import GoldenMismatch, Picture, Verdict
from rnn_goldens.errors import RnnGoldensError, Unsupported
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.golden.precision import NUMBER_TYPES
from rnn_goldens.plugin.run_results import Finding, RunResults, SelectedGolden, first_line

CHECK_FAILS = "the test expects a mismatch, with check_fails"
"""The reason of the known failure that ``check_fails`` records."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """A comparison with a golden: the precision, the verdict, and whether it is one of outputs or of gradients."""

    dtype: str
    verdict: Verdict
    of: str


@dataclass(eq=False)
class CheckLog:
    """The comparisons of one test with its golden, shared by the golden's copies in other precisions.

    Attributes:
        golden: a private copy of the golden, in the precision under test.
        selected: what the test was parametrized with: call patterns to check, whether gradients must be checked.
        run: shared with other tests.
        threads: the threads that ran before the test; others are threads of the test.
        comparisons: all comparisons except those of ``check_fails``.
        expected_to_fail: the failed verdicts that ``check_fails`` expected.
        errors: failures without a verdict, such as ``check_fails`` with correct outputs.
        reported: verdicts whose mismatch reached pytest, from the test or a subtest.
        called: the call patterns that ``check_calls`` was called with; "twice" for ``check_gradient_calls``.
        patterns_run: the call patterns that were run.
        patterns_refused: call patterns that the implementation refused, although it accepted the golden; with reasons.
        picture: the picture of the first mismatch.
        outputs_wrong: whether an implementation with wrong gradients had wrong outputs, too.
        ran: whether the test's call phase began.
        went_on: whether the test returned after a failure.
        refused: whether the implementation refused, in the test or a subtest.
        unchecked: whether nothing was checked. This is an error of the test, so xfail does not excuse it.
        ended: whether the test has ended; findings after that are late findings.
    """

    golden: Golden
    selected: SelectedGolden
    run: RunResults
    threads: frozenset[int] = frozenset()
    comparisons: list[Comparison] = field(default_factory=list)
    expected_to_fail: list[Verdict] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    reported: list[Verdict] = field(default_factory=list)
    called: set[str] = field(default_factory=set)
    patterns_run: set[str] = field(default_factory=set)
    patterns_refused: dict[str, str] = field(default_factory=dict)
    picture: Picture | None = None
    outputs_wrong: bool = False
    ran: bool = False
    went_on: bool = False
    refused: bool = False
    unchecked: bool = False
    ended: bool = False

    @contextmanager
    def comparing(self) -> Iterator[None]:
        """Record an exception that a comparison raises, so that a test that catches it fails."""
        try:
            yield
        except RnnGoldensError:  # a wrong argument, raised before anything is compared
            raise
        except Exception as error:
            message = f"the comparison raised {type(error).__name__}: {first_line(error)}"
            self.errors.append(f"{self.golden.id} in {self.golden.dtype}: {message}")
            raise

    def note(self, dtype: str, verdict: Verdict, of: str = OUTPUTS) -> None:
        """Record a verdict, in any thread, during or after the test."""
        self.comparisons.append(Comparison(dtype, verdict, of))
        if of == OUTPUTS and verdict.passed and not verdict.not_checked:
            self.run.outputs_right.add((self.golden.id, dtype))
        if self.ended and not verdict.passed:
            self.run.unsent.append(self.finding(verdict.message.partition("\n")[0], "comparison"))

    def finding(self, text: str, judged_by: str) -> Finding:
        """Return a problem found after the test had ended."""
        return {"golden": self.golden.id, "dtype": self.golden.dtype, "reason": text, "judged_by": judged_by}

    def note_refusal(self, pattern: str, why: Unsupported) -> None:
        """Record a call pattern that the implementation refused."""
        self.patterns_refused[pattern] = first_line(why)

    def verdicts(self, of: str) -> list[Verdict]:
        """Return the verdicts on outputs, or on gradients."""
        return [one.verdict for one in self.comparisons if one.of == of]

    @property
    def wrong(self) -> list[Comparison]:
        """Return the comparisons that failed, those of outputs first."""
        failed = [one for one in self.comparisons if not one.verdict.passed]
        return sorted(failed, key=lambda one: one.of != OUTPUTS)

    @property
    def swallowed(self) -> AssertionError | None:
        """Return the error for a failure after which the test continued; None if there is none."""
        failed = [one for one in self.comparisons if not one.verdict.passed]
        unreported = [one for one in failed if not any(one.verdict is other for other in self.reported)]
        if not unreported and not self.errors:
            return None
        first, *others = (unreported[0].verdict.message if unreported else self.errors[0]).splitlines()
        continued = "  the test continued after this failure, so it fails"
        if not unreported or unreported[0].of == OUTPUTS:
            continued += ". For outputs that are\n  meant to be wrong, use rnn_golden.check_fails(out, h_n)"
        text = "\n".join([first, continued, *others])
        return GoldenMismatch(replace(unreported[0].verdict, message=text)) if unreported else AssertionError(text)

    @property
    def shown_right(self) -> bool:
        """Return whether outputs, or required gradients, were correct in the precision under test or a higher one."""
        least = NUMBER_TYPES[self.golden.dtype].bits
        return any(one.verdict.passed and NUMBER_TYPES[one.dtype].bits >= least for one in self._counting)

    @property
    def _counting(self) -> list[Comparison]:
        return [one for one in self.comparisons if one.of == GRADIENTS or not self.selected.gradients]

    def missing(self) -> str:
        """Return a sentence about the checks that a test omitted; "" if it omitted none."""
        if self.selected.gradients and not self._counting:
            outputs = ": check(out, h_n) compares only outputs" if self.comparisons else ""
            return f"no gradient was checked: the test requested gradients and never called check_gradients{outputs}"
        if not self.comparisons and not self.expected_to_fail:
            return "nothing was checked: the test requested rnn_golden and never called its check(out, h_n)"
        if not self.shown_right and not self.expected_to_fail:
            made_in = ", ".join(dict.fromkeys(one.dtype for one in self._counting))
            return f"nothing was checked in {self.golden.dtype}, only in {made_in}, which is less precise"
        if missing := [name for name in self.selected.calls if name not in self.called]:
            return (
                f"calls={', '.join(missing)} was not run: check(out, h_n) compares a single call; "
                "check_calls(run) runs the patterns"
            )
        return ""


def entry_of(check_log: CheckLog | None) -> dict[str, Any]:
    """Return the fields of the results file that a check log provides."""
    if check_log is None:
        return {}
    embedding = check_log.golden.embedding
    entry: dict[str, Any] = {} if embedding is None else {"embed": dict(embedding.sizes)}
    found = [one.verdict for one in check_log.comparisons]
    largest = max((verdict.largest_error for verdict in found), default=math.inf)
    if largest != math.inf:
        entry["largest_error"] = largest
    if any(difference.is_finer for verdict in found for difference in verdict.differences.values()):
        entry["higher_precision"] = True
    of_outputs = check_log.verdicts(OUTPUTS)
    if left_out := _compared(of_outputs)["not_checked"]:
        compared = dict.fromkeys(name for verdict in of_outputs for name in verdict.differences)
        entry["outputs"] = [name for name in compared if name in check_log.golden.layout.outputs]
        entry["not_checked"] = left_out
    for one in check_log.wrong[:1]:
        if one.verdict.explained_by:
            entry["explained_by"] = list(one.verdict.explained_by)
        if one.verdict.facts:
            entry["facts"] = dict(one.verdict.facts)
    if of_gradients := check_log.verdicts(GRADIENTS):
        entry["gradients"] = _compared(of_gradients)
        if check_log.outputs_wrong or any(one.of == OUTPUTS for one in check_log.wrong):
            entry["gradients"]["outputs_wrong"] = True
    if calls := check_log.selected.calls:
        entry["calls"] = {name: name in check_log.patterns_run for name in calls}
    return entry


def _compared(verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """Return the names of arrays that were right in every comparison, wrong in one or more, or never compared."""
    verdicts = list(verdicts)
    compared = [found for verdict in verdicts for found in verdict.differences.values()]
    wrong = dict.fromkeys(found.output for found in compared if not found.passed)
    right = dict.fromkeys(found.output for found in compared if found.output not in wrong)
    left_out = dict.fromkeys(name for verdict in verdicts for name in verdict.not_checked)
    not_checked = [name for name in left_out if name not in wrong and name not in right]
    return {"right": list(right), "wrong": list(wrong), "not_checked": not_checked}
