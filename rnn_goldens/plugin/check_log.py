"""What became of a test's golden so far: every comparison that was made, whoever made it and whatever became of it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from rnn_goldens.errors import RnnGoldensError, Unsupported
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.judging.picture import Picture
from rnn_goldens.judging.verdict import GoldenMismatch, Verdict
from rnn_goldens.visible import visible

_LONGEST_REASON = 2_000
"""Letters."""

CHECK_FAILS = "the test asked for a mismatch, with check_fails"
"""Why a golden is known to fail that was given to ``check_fails``."""


@dataclass(eq=False)
class Record:
    """The comparisons of one test with its golden, shared by the golden's copies in other precisions.

    Attributes:
        golden: its id.
        dtype: the precision under test.
        calls: the ways of calling that marker or option ask for.
        verdicts: of every ``check`` and every way of ``check_calls``, with the precision it was made in.
        asked_to_fail: the verdicts of ``check_fails`` that did fail.
        broken_off: what went wrong without a verdict of its own: ``check_fails`` of right outputs.
        ran: whether the test itself began, after its set-up.
        went_on: whether the test returned after something was wrong.
        told: verdicts whose mismatch pytest was told of, by the test or a subtest.
        called: the ways that ``check_calls`` was asked for.
        made: those that the golden could be asked.
        ways_refused: those that the implementation refused, though not the golden, with its reasons.
        refused: whether the implementation refused, be it only in a subtest.
        unchecked: whether nothing was checked: wrong in the test itself, so no xfail excuses it.
        ended: whether the test has ended: what is found after that is late.
        late: where findings go that come late; one list for a whole run.
        drawn: whether a picture is wanted of what is wrong.
        picture: that of the first mismatch.
        gradients: whether it is gradients that are to be checked.
        of_gradients: the verdicts, among those above, of gradients, with the precision.
        outputs_wrong: whether the outputs were wrong, too, of an implementation whose gradients were.
        outputs_right: goldens and precisions of which some test found all outputs right; one set for a whole run.
    """

    golden: str
    dtype: str
    calls: tuple[str, ...] = ()
    verdicts: list[tuple[str, Verdict]] = field(default_factory=list)
    asked_to_fail: list[Verdict] = field(default_factory=list)
    broken_off: list[str] = field(default_factory=list)
    ran: bool = False
    went_on: bool = False
    told: list[Verdict] = field(default_factory=list)
    called: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    ways_refused: dict[str, str] = field(default_factory=dict)
    refused: bool = False
    unchecked: bool = False
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
        """Around a comparison: one that raises has shown nothing, and a test that goes on after it fails."""
        try:
            yield
        except RnnGoldensError:  # a wrong argument, which is said before anything is compared
            raise
        except Exception as error:
            said = f"the comparison raised {type(error).__name__}: {first_line(error)}"
            self.broken_off.append(f"{self.golden} in {self.dtype}: {said}")
            raise

    def note(self, dtype: str, verdict: Verdict) -> None:
        """Note a verdict of ``check``, in whatever thread or process and at whatever time it is made."""
        if verdict.passed and not verdict.not_checked:
            self.outputs_right.add((self.golden, dtype))
        self._note(dtype, verdict)

    def _note(self, dtype: str, verdict: Verdict) -> None:
        self.verdicts.append((dtype, verdict))
        if self.ended and not verdict.passed:
            self.late.append(finding(self.golden, self.dtype, verdict.message.partition("\n")[0], "comparison"))

    def note_refusal(self, way: str, why: Unsupported) -> None:
        """Note a way of calling that the implementation refused."""
        self.ways_refused[way] = first_line(why)

    @property
    def ways(self) -> dict[str, Any]:
        """In which ways the implementation was called, and which it refused, in a form that xdist carries."""
        return {"made": sorted(self.made), "refused": self.ways_refused} if self.made else {}

    def note_gradients(self, dtype: str, verdict: Verdict) -> None:
        """Note a verdict on gradients, likewise."""
        self._note(dtype, verdict)
        self.of_gradients.append((dtype, verdict))

    @property
    def wrong(self) -> list[Verdict]:
        """Verdicts that did not pass and were not asked for."""
        return [verdict for _, verdict in self.verdicts if not verdict.passed]

    @property
    def swallowed(self) -> str:
        """What the test went on after though it was wrong, in words; "" if there is nothing."""
        untold = [verdict for verdict in self.wrong if not any(verdict is told for told in self.told)]
        if untold:
            return untold[0].message
        return self.broken_off[0] if self.broken_off else ""

    @property
    def shown_right(self) -> bool:
        """Whether what is to be checked was compared in the precision under test, or a higher one, and found right."""
        least = PRECISIONS[self.dtype].bits
        counting = self.of_gradients if self.gradients else self.verdicts
        return any(verdict.passed and PRECISIONS[dtype].bits >= least for dtype, verdict in counting)

    @property
    def largest_error(self) -> float | None:
        """Of every comparison, as a fraction of what is allowed; None if there was none."""
        return max((verdict.largest_error for _, verdict in self.verdicts), default=None)

    def missing(self) -> str:
        """What a test that returned has not done, in words; "" if it has done all."""
        if self.gradients and not self.of_gradients:
            outputs = ": check(out, h_n) compares outputs alone" if self.verdicts else ""
            return f"no gradient was checked: the test asked for gradients and never called check_gradients{outputs}"
        if not self.verdicts and not self.asked_to_fail:
            return "nothing was checked: the test asked for rnn_golden and never called its check(out, h_n)"
        if not self.shown_right and not self.asked_to_fail:
            counting = self.of_gradients if self.gradients else self.verdicts
            made_in = ", ".join(dict.fromkeys(dtype for dtype, _ in counting))
            return f"nothing was checked in {self.dtype}: what was checked in {made_in} shows less"
        if missing := [name for name in self.calls if name not in self.called]:
            return (
                f"calls={', '.join(missing)} was not made: check(out, h_n) has one call's outputs; "
                "check_calls(run) calls"
            )
        return ""

    def swallowed_mismatch(self) -> GoldenMismatch | AssertionError | None:
        """The error of a test that went on after something was wrong."""
        if not (text := self.swallowed):
            return None
        first, *others = text.splitlines()
        wrong = next((verdict for verdict in self.wrong if verdict.message == text), None)
        went_on = "  the test went on after this, and a golden that was wrong once fails its test"
        hint = [
            f"{went_on}. For outputs that are",
            "  meant to be wrong there is rnn_golden.check_fails(out, h_n)",
        ]
        if any(verdict is wrong for _, verdict in self.of_gradients):
            hint = [went_on]
        message = "\n".join([first, *hint, *others])
        return AssertionError(message) if wrong is None else GoldenMismatch(replace(wrong, message=message))


def first_line(said: object) -> str:
    """The first line of an error or a text, in letters that every file can hold, and no terminal obeys."""
    try:
        text = str(said)
    except Exception as error:  # whatever an implementation's error does when it is asked for its text
        text = f"{type(said).__name__}, whose text can not be had: {type(error).__name__}"
    line = text.strip().partition("\n")[0] or f"{type(said).__name__}, no reason given"
    return visible(line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]} …")


Finding = dict[str, str]
"""The ``golden``, ``dtype``, ``reason`` and ``judged_by`` of what was found after a test had ended."""


def finding(golden: str, dtype: str, text: str, judged_by: str) -> Finding:
    """What was found of a golden after its test had ended, in a form that xdist carries."""
    return {"golden": golden, "dtype": dtype, "reason": text, "judged_by": judged_by}


def entry_of(record: Record | None) -> dict[str, Any]:
    """What a record says in the results file."""
    if record is None:
        return {}
    largest = record.largest_error
    entry: dict[str, Any] = {}
    if largest is not None and largest != float("inf"):
        entry["largest_error"] = largest
    of_gradients = [verdict for _, verdict in record.of_gradients]
    of_outputs = [verdict for verdict in record.wrong if not any(verdict is other for other in of_gradients)]
    if any(found.is_finer for _, verdict in record.verdicts for found in verdict.differences.values()):
        entry["higher_precision"] = True
    entry |= _outputs_checked([v for _, v in record.verdicts if not any(v is other for other in of_gradients)])
    for verdict in (*of_outputs, *record.wrong)[:1]:
        if verdict.explained_by:
            entry["explained_by"] = list(verdict.explained_by)
        if verdict.facts:
            entry["facts"] = dict(verdict.facts)
    if record.of_gradients:
        entry["gradients"] = gradients_found(of_gradients)
        if of_outputs or record.outputs_wrong:
            entry["gradients"]["outputs_wrong"] = True
    if record.calls:
        entry["calls"] = {name: name in record.made for name in record.calls}
    return entry


def _outputs_checked(verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """Which outputs were compared, and which were in no comparison; nothing if all were compared, or none."""
    verdicts = list(verdicts)
    compared = dict.fromkeys(name for verdict in verdicts for name in verdict.differences)
    left_out = dict.fromkeys(name for verdict in verdicts for name in verdict.not_checked if name not in compared)
    return {"outputs": list(compared), "not_checked": list(left_out)} if left_out else {}


def gradients_found(verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """Which gradients were right in every comparison, which wrong in one, and which were in none."""
    verdicts = list(verdicts)
    given = [found for verdict in verdicts for found in verdict.differences.values()]
    wrong = dict.fromkeys(found.output for found in given if not found.passed)
    right = dict.fromkeys(found.output for found in given if found.output not in wrong)
    left_out = dict.fromkeys(name for verdict in verdicts for name in verdict.not_checked)
    not_checked = [name for name in left_out if name not in wrong and name not in right]
    return {"right": list(right), "wrong": list(wrong), "not_checked": not_checked}
