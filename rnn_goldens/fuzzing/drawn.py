"""A golden that was drawn: what it is compared with counts for the test that drew it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

from hypothesis import currently_in_test_context, event, reject

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.errors import Unsupported
from rnn_goldens.fuzzing.judged import Judged
from rnn_goldens.fuzzing.tested import current_test
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import OutputNames
from rnn_goldens.judging.given import outputs_given
from rnn_goldens.judging.outputs import compared_outputs
from rnn_goldens.judging.verdict import Verdict, verdict_on


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class DrawnGolden(Golden):
    """A golden that no corpus holds, unless it fails.

    Attributes:
        drawn_in: the precision it was drawn in; what is compared in a lower one shows less, and counts for nothing.
    """

    drawn_in: str

    @classmethod
    def of(cls, golden: Golden) -> Self:
        """The same golden, drawn; what is said of it names no corpus before it is kept."""
        of_golden = {f.name: getattr(golden, f.name) for f in fields(Golden)}
        return cls(**{**of_golden, "corpus": None}, drawn_in=golden.dtype)

    def compare(self, out: object, h_n: object = None, c_n: object = None, *, outputs: OutputNames = None) -> Verdict:
        """As ``Golden.compare``, but for the message.

        While Hypothesis makes an example smaller nobody reads it, and no deviation is asked: what explains all that
        failed is said at the end of the test.
        """
        if not currently_in_test_context():
            return super().compare(out, h_n, c_n, outputs=outputs)
        golden = self.comparing(outputs)
        verdict = verdict_on(outputs_given(golden, out, h_n, c_n))
        arrays = () if verdict.passed else tuple(compared_outputs(golden, out, h_n, c_n).values())
        current_test().note_compared(Judged(golden, arrays, verdict), counts=self._counts)
        return verdict

    def check_fails(
        self, out: object, h_n: object = None, c_n: object = None, *, outputs: OutputNames = None
    ) -> Verdict:
        """As ``Golden.check_fails``; what differs was expected to."""
        __tracebackhide__ = True
        verdict = super().check_fails(out, h_n, c_n, outputs=outputs)
        current_test().forget_last()
        return verdict

    def compared(
        self, run: Callable[[Any], Sequence[Any]], calls: Sequence[str] | str
    ) -> Iterator[tuple[str, Verdict]]:
        """As ``Golden.compared``; an example that the implementation refuses is left out, and counted as an event."""
        try:
            for name, verdict in super().compared(run, calls):
                if not verdict.passed:
                    current_test().note_wrong(self, verdict)
                yield name, verdict
        except Unsupported as reason:
            if not currently_in_test_context():
                raise
            event(f"refused: {reason}")
            reject()

    @property
    def _counts(self) -> bool:
        return PRECISIONS[self.dtype].bits >= PRECISIONS[self.drawn_in].bits

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: ANN401 - IPython's protocol
        """What Hypothesis says of a test's argument."""
        printer.text(repr(self))

    def __repr__(self) -> str:
        return super().__repr__().replace("DrawnGolden", "Golden")
