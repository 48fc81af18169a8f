"""The golden a test gets: it remembers what the test checked against it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

import pytest
from numpy.typing import NDArray

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.diagnosis.explanations import diagnosed
from rnn_goldens.diagnosis.suspects import Spent, Suspects
from rnn_goldens.errors import RnnGoldensError
from rnn_goldens.golden.arrays import Asked
from rnn_goldens.golden.data import QuestionData
from rnn_goldens.golden.shapes import OutputNames
from rnn_goldens.judging.calls import Backward, Run, compare_calls, compare_gradient_calls
from rnn_goldens.judging.given import gradients_by_name, gradients_given, outputs_given
from rnn_goldens.judging.inputs import written_to, wrote_into
from rnn_goldens.judging.outputs import outputs_of
from rnn_goldens.judging.own_arrays import refuse_own
from rnn_goldens.judging.picture import picture
from rnn_goldens.judging.verdict import GoldenMismatch, Verdict, verdict_on
from rnn_goldens.plugin import settings
from rnn_goldens.plugin.check_log import Record
from rnn_goldens.plugin.guard import ImplementationFailed, no_outcome_of_its_own
from rnn_goldens.plugin.marker import Wanted
from rnn_goldens.plugin.options import without_golden


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class GoldenUnderTest(Golden):
    """A golden that counts what is checked.

    Attributes:
        judge: the same golden in memory that nobody else sees: whatever a test does to its arrays, this one compares.
        record: what was checked so far; shared by copies in other precisions.
        suspects: what explained other failures of the run.
        copies: those, this one among them.
    """

    judge: Golden
    record: Record
    suspects: Suspects
    copies: list["GoldenUnderTest"] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Know the copy that ``in_precision`` makes."""
        self.copies.append(self)

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        """Itself, which cannot be changed: a check of a copy counts."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process it is a golden of which nothing counts."""
        return _plain, ({f.name: getattr(self, f.name) for f in fields(Golden)},)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: ANN401 - IPython's protocol
        """What Hypothesis says of a test's argument: the golden, and not all that is remembered of it."""
        printer.text(repr(self))

    def check(self, out: object, h_n: object = None, c_n: object = None, *, outputs: OutputNames = None) -> None:
        """As ``Golden.check``, by default of the outputs that marker or option ask for; counts."""
        __tracebackhide__ = True
        refuse_own(self, out, h_n, c_n)
        with no_outcome_of_its_own():
            verdict = self._compared(out, h_n, c_n, outputs=outputs)
        self.record.note(self.dtype, verdict)
        self._require_untouched(self, self._judge.asked_arrays())
        if not verdict.passed:
            raise GoldenMismatch(verdict)

    def check_fails(
        self, out: object, h_n: object = None, c_n: object = None, *, outputs: OutputNames = None
    ) -> Verdict:
        """As ``Golden.check_fails``; the golden is then known to fail, and has not passed."""
        __tracebackhide__ = True
        refuse_own(self, out, h_n, c_n)
        try:
            verdict = self.judge.in_precision(self.dtype).check_fails(out, h_n, c_n, outputs=outputs)
        except AssertionError as error:
            self.record.broken_off.append(str(error))
            raise
        self.record.asked_to_fail.append(verdict)
        return verdict

    def check_calls(self, run: Run, calls: Sequence[str] | str | None = None, *, outputs: OutputNames = None) -> None:
        """As ``Golden.check_calls``, by default in the ways that marker or option ask for; counts."""
        __tracebackhide__ = True
        judge = self._judge.comparing(outputs)

        def run_and_look(question: QuestionData) -> Sequence[Any]:
            __tracebackhide__ = True
            before = question.stored.copied()
            found = outputs_of(run(question), judge)
            self._require_untouched(question, before)
            refuse_own(self, *found)
            return found

        def compared(out: object, h_n: object = None, c_n: object = None) -> Verdict:
            return self._compared(out, h_n, c_n, lambda: run_and_look(self._judge.question()), outputs=outputs)

        asked = self.record.calls if calls is None else calls
        self.record.called.update([asked] if isinstance(asked, str) else asked)
        for name, verdict in compare_calls(judge, run_and_look, compared, asked, self.record.note_refusal):
            self.record.made.add(name)
            self.record.note(self.dtype, verdict)
            if not verdict.passed:
                raise GoldenMismatch(verdict)

    def check_gradients(self, gradients: object = None, /, **named: object) -> Verdict:
        """As ``Golden.check_gradients``; counts."""
        __tracebackhide__ = True
        given = gradients_by_name(self, gradients, named)
        refuse_own(self, *given.values())
        with no_outcome_of_its_own():
            verdict = self._compared_gradients(given)
        self.record.note_gradients(self.dtype, verdict)
        self._require_untouched(self, self._judge.asked_arrays())
        if not verdict.passed:
            raise GoldenMismatch(verdict)
        return verdict

    def check_gradient_calls(self, backward: Backward, run: Callable[[Any], Sequence[Any]] | None = None) -> None:
        """As ``Golden.check_gradient_calls``; counts."""
        __tracebackhide__ = True

        def run_and_look(question: QuestionData) -> Mapping[str, Any]:
            __tracebackhide__ = True
            before = question.stored.copied()
            gradients = gradients_by_name(question, backward(question), {})
            self._require_untouched(question, before)
            refuse_own(self, *gradients.values())
            return gradients

        def compared(given: Mapping[str, Any], said: str) -> Verdict:
            return self._compared_gradients(given, said, run)

        self.record.called.add("twice")
        for name, verdict in compare_gradient_calls(self._judge, run_and_look, compared):
            self.record.made.add(name)
            self.record.note_gradients(self.dtype, verdict)
            if not verdict.passed:
                raise GoldenMismatch(verdict)

    def _compared_gradients(
        self, by_name: Mapping[str, Any], said: str = "", run: Callable[[Any], Sequence[Any]] | None = None
    ) -> Verdict:
        """As ``Golden`` does, but what explained other failures is asked first."""
        with self.record.comparing():
            given = gradients_given(self._judge, by_name)
            verdict = verdict_on(given, said)
            if verdict.passed:
                return verdict
            outputs = run and self._judge._outputs_of(run, self._compared)
            if outputs is not None and not outputs.passed:
                self.record.outputs_wrong = True
            right = (self.id, self.dtype) in self.record.outputs_right
            return diagnosed(given, verdict, self.suspects, said=said, outputs=outputs, outputs_right=right)

    def _require_untouched(self, asked: QuestionData, before: Asked) -> None:
        """Raise ImplementationFailed, whatever a test does with that, if arrays were written to."""
        __tracebackhide__ = True
        if names := written_to(asked, before):
            said = f"{self.id} in {self.dtype}: the implementation {wrote_into(names)}"
            self.record.broken_off.append(said)
            raise ImplementationFailed(said)

    @property
    def _judge(self) -> Golden:
        return self.judge.in_precision(self.dtype)

    def _compared(
        self,
        out: object,
        h_n: object = None,
        c_n: object = None,
        ask_again: Callable[[], Sequence[Any]] | None = None,
        outputs: OutputNames = None,
    ) -> Verdict:
        """As ``Golden.compare``, but what explained other failures is asked first, and pairs are asked too."""
        with self.record.comparing():
            given = outputs_given(self._judge.comparing(outputs), out, h_n, c_n)
            verdict = verdict_on(given)
            if self.record.drawn and not verdict.passed and self.record.picture is None:
                self.record.picture = picture(given)
            return diagnosed(given, verdict, self.suspects, ask_again=ask_again)

    def handed_out(self) -> dict[str, list[NDArray[Any]]]:
        """Those of all copies."""
        found: dict[str, list[NDArray[Any]]] = {}
        for copy in self.copies:
            for name, arrays in Golden.handed_out(copy).items():
                found.setdefault(name, []).extend(arrays)
        return found


def _plain(given: dict[str, Any]) -> Golden:
    return Golden(**given)


RECORD = pytest.StashKey[Record]()
SUSPECTS = pytest.StashKey[dict[str, Suspects]]()
"""By test, for two tests may be of different networks."""

_OUTPUTS_RIGHT = pytest.StashKey[set[tuple[str, str]]]()
_SPENT = pytest.StashKey[Spent]()
LATE = pytest.StashKey[list[dict[str, str]]]()
"""Findings of a run that came after their tests had ended, and that no report has carried yet."""


def golden_under_test(request: pytest.FixtureRequest) -> Golden:
    """Load the golden that a test was parametrized with."""
    wanted = getattr(request, "param", None)
    if not isinstance(wanted, Wanted):
        pytest.fail(
            "rnn_golden goes to tests and fixtures that name it as an argument: request.getfixturevalue is too late",
            pytrace=False,
        )
    try:
        corpora = settings.corpora_of(request.config, wanted.corpus)
        golden = corpora.load(wanted.id, wanted.dtype, gradients=wanted.gradients)
        golden = golden.comparing(wanted.outputs or None)
    except RnnGoldensError as error:
        pytest.fail(f"rnn-goldens: {error}", pytrace=False)
    late = request.config.stash.setdefault(LATE, [])
    drawn = settings.draws(request.config)
    record = Record(
        wanted.id,
        wanted.dtype,
        wanted.calls,
        late=late,
        drawn=drawn,
        gradients=wanted.gradients,
        outputs_right=request.config.stash.setdefault(_OUTPUTS_RIGHT, set()),
    )
    request.node.stash[RECORD] = record
    spent = request.config.stash.setdefault(_SPENT, Spent())
    test = without_golden(request.node.nodeid, wanted.id, wanted.dtype)
    suspects = request.config.stash.setdefault(SUSPECTS, {}).setdefault(test, Suspects(test, spent))
    given = {f.name: getattr(golden, f.name) for f in fields(golden)}
    judge = golden.copied()
    return GoldenUnderTest(**given, judge=judge, record=record, suspects=suspects)


def fail_if_unchecked(item: pytest.Item) -> None:
    """Fail a test that got a golden and returned, though it checked nothing, or went on after a mismatch."""
    __tracebackhide__ = True
    record = item.stash.get(RECORD, None)
    if record is None:
        return
    if (error := record.swallowed_mismatch()) is not None:
        record.went_on = True
        raise error
    if record.refused or record.wrong or not (missing := record.missing()):
        return  # what is wrong, or was refused, a subtest has told
    record.unchecked = True
    pytest.fail(f"{record.golden}: {missing}", pytrace=False)
