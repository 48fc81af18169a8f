"""A golden that Hypothesis drew. Its comparisons are recorded for the test that drew it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

from hypothesis import currently_in_test_context, event, reject

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.actual import actual_outputs
from rnn_goldens.comparison.returned import compared_outputs
from rnn_goldens.comparison.verdict import Verdict, verdict_on
from rnn_goldens.errors import Unsupported
from rnn_goldens.fuzz.causes import ComparedGolden
from rnn_goldens.fuzz.drawn_results import current_test
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import OutputNames


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class DrawnGolden(Golden):
    """A golden that Hypothesis drew. It is stored in a corpus only if it fails.

    Attributes:
        drawn_in: the precision in which it was drawn. A comparison in a lower precision does not count as a check.
    """

    drawn_in: str

    @classmethod
    def of(cls, golden: Golden) -> Self:
        """Convert a golden. Its messages do not name a corpus, because it is not stored."""
        of_golden = {f.name: getattr(golden, f.name) for f in fields(Golden)}
        return cls(**{**of_golden, "corpus": None}, drawn_in=golden.dtype)

    def compare(self, out: object, h_n: object = None, c_n: object = None, *, outputs: OutputNames = None) -> Verdict:
        """Compare outputs as ``Golden.compare`` does; in a Hypothesis test, without a diagnosis.

        Nobody reads messages while Hypothesis shrinks an example; causes are printed at the end of the test.
        """
        if not currently_in_test_context():
            return super().compare(out, h_n, c_n, outputs=outputs)
        golden = self.comparing(outputs)
        verdict = verdict_on(actual_outputs(golden, out, h_n, c_n))
        arrays = () if verdict.passed else tuple(compared_outputs(golden, out, h_n, c_n).values())
        counts = PRECISIONS[self.dtype].bits >= PRECISIONS[self.drawn_in].bits
        current_test().record_compared(ComparedGolden(golden, arrays, verdict), counts=counts)
        return verdict

    def check_fails(
        self, out: object, h_n: object = None, c_n: object = None, *, outputs: OutputNames = None
    ) -> Verdict:
        """Check that outputs are wrong, as ``Golden.check_fails`` does. The failure is not recorded."""
        __tracebackhide__ = True
        verdict = super().check_fails(out, h_n, c_n, outputs=outputs)
        current_test().forget_last()
        return verdict

    def compared(
        self, run: Callable[[Any], Sequence[Any]], calls: Sequence[str] | str
    ) -> Iterator[tuple[str, Verdict]]:
        """Compare call patterns, as ``Golden.compared`` does. Rejects an example that the implementation refuses."""
        try:
            for name, verdict in super().compared(run, calls):
                if not verdict.passed:
                    current_test().record_wrong(self, verdict)
                yield name, verdict
        except Unsupported as reason:
            if not currently_in_test_context():
                raise
            event(f"refused: {reason}")
            reject()

    def __repr__(self) -> str:
        return super().__repr__().replace("DrawnGolden", "Golden")
