"""A golden that was drawn: it is in no corpus, unless it fails and is kept."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self
from uuid import uuid4
from weakref import WeakValueDictionary

from hypothesis import currently_in_test_context, note
from hypothesis.control import current_build_context

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.diagnosis.explanations import diagnosed
from rnn_goldens.fuzzing.causes import causes
from rnn_goldens.fuzzing.judged import Judged
from rnn_goldens.fuzzing.untraced import Untraced
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import OutputNames
from rnn_goldens.judging.given import outputs_given
from rnn_goldens.judging.outputs import compared_outputs
from rnn_goldens.judging.verdict import Verdict, verdict_on

_MOST_KEPT = 100


@dataclass(eq=False)
class Checks:
    """What a test has checked against a golden.

    Attributes:
        dtype: the precision under test.
        made_in: the precisions in which anything was compared.
        wrong: the last verdict on outputs that differ, and were not asked to.
    """

    dtype: str
    made_in: dict[str, None] = field(default_factory=dict)
    wrong: Verdict | None = None
    _key: str = field(default_factory=lambda: str(uuid4()))

    def __post_init__(self) -> None:
        """Be found by copies of the golden."""
        _CHECKS[self._key] = self

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy in this process is the same: what a copied golden was wrong with counts."""
        return _found, (self._key, self.dtype)

    @property
    def made(self) -> bool:
        """Whether anything was compared in the precision under test, or a higher one."""
        return any(PRECISIONS[dtype].bits >= PRECISIONS[self.dtype].bits for dtype in self.made_in)

    def note(self, dtype: str, verdict: Verdict) -> None:
        """Note a comparison; in one line whatever it says, for Hypothesis tells of lines that only failures run."""
        self.made_in[dtype], self.wrong = None, self.wrong if verdict.passed else verdict

    def forget(self) -> None:
        """As if nothing had been compared."""
        self.made_in, self.wrong = {}, None


_CHECKS: WeakValueDictionary[str, Checks] = WeakValueDictionary()
"""Those of this process."""


def _found(key: str, dtype: str) -> Checks:
    return _CHECKS.get(key) or Checks(dtype)


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class DrawnGolden(Golden):
    """A golden that no corpus holds, unless it fails.

    Attributes:
        failed: what failed of those that were drawn for the same: with the last example it is told, and forgotten.
        checks: what was compared with it; shared by copies in other precisions.
    """

    failed: list[Judged]
    checks: Checks

    @classmethod
    def of(cls, golden: Golden, folder: str, failed: list[Judged] | None = None) -> Self:
        """The same golden, drawn; the folder is that of what was found if it is kept there, "" if it is not."""
        of_golden = {f.name: getattr(golden, f.name) for f in fields(Golden)}
        failed = [] if failed is None else failed
        return cls(**{**of_golden, "corpus": folder or None}, failed=failed, checks=Checks(golden.dtype))

    def compare(self, out: object, h_n: object = None, c_n: object = None, *, outputs: OutputNames = None) -> Verdict:
        """As ``Golden.compare``.

        While Hypothesis makes an example smaller nobody reads the message, and no deviation is asked. With the last
        one it notes what explains all that failed, for that one alone tells little.
        """
        with Untraced():
            return self.comparing(outputs)._compared(out, h_n, c_n)

    def check(self, out: object, h_n: object = None, c_n: object = None, *, outputs: OutputNames = None) -> None:
        """As ``Golden.check``."""
        __tracebackhide__ = True
        with Untraced():
            super().check(out, h_n, c_n, outputs=outputs)

    def check_fails(
        self, out: object, h_n: object = None, c_n: object = None, *, outputs: OutputNames = None
    ) -> Verdict:
        """As ``Golden.check_fails``; what differs then was asked to."""
        __tracebackhide__ = True
        wrong, failed = self.checks.wrong, list(self.failed)
        verdict = super().check_fails(out, h_n, c_n, outputs=outputs)
        self.checks.wrong, self.failed[:] = wrong, failed
        return verdict

    def compared(
        self, run: Callable[[Any], Sequence[Any]], calls: Sequence[str] | str
    ) -> Iterator[tuple[str, Verdict]]:
        """As ``Golden.compared``."""
        for name, verdict in super().compared(run, calls):
            self.checks.note(self.dtype, verdict)
            yield name, verdict

    def _compared(self, out: object, h_n: object, c_n: object) -> Verdict:
        given = outputs_given(self, out, h_n, c_n)
        verdict = verdict_on(given)
        self.checks.note(self.dtype, verdict)
        in_test, passed = currently_in_test_context(), verdict.passed
        if not passed and in_test:
            outputs = tuple(compared_outputs(self, out, h_n, c_n).values())
            self.failed.append(Judged(self, outputs, verdict))
            del self.failed[1:-_MOST_KEPT]
        if passed or (in_test and not current_build_context().is_final):
            return verdict
        if in_test:
            for line in causes(self.failed):
                note(line)
            self.failed.clear()
        return diagnosed(given, verdict)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: ANN401 - IPython's protocol
        """What Hypothesis says of a test's argument."""
        printer.text(repr(self))

    def __repr__(self) -> str:
        return super().__repr__().replace("DrawnGolden", "Golden")
