"""The Hypothesis strategy: stored failing goldens first, then drawn inputs, which are certified when drawn.

A drawn golden records its comparisons for the test that drew it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
from hypothesis import currently_in_test_context, event, reject
from hypothesis import strategies as st

from rnn_goldens.cells import Network
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.actual import actual_outputs
from rnn_goldens.comparison.returned import compared_outputs
from rnn_goldens.comparison.states import StatesAt, state_differences
from rnn_goldens.comparison.verdict import Verdict, verdict_on
from rnn_goldens.errors import Unsupported
from rnn_goldens.fuzz.bounds import Bounds
from rnn_goldens.fuzz.drawn_inputs import DrawnInputs, draw_inputs, gentler, positive
from rnn_goldens.fuzz.example_log import ComparedGolden, current_test
from rnn_goldens.fuzz.example_store import AsTyped, kept
from rnn_goldens.generator.certification import certify
from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import OutputNames


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class DrawnGolden(Golden):
    """A golden that Hypothesis drew. It is stored in a corpus only if it fails."""

    drawn_in: str  # the precision in which it was drawn. A comparison in a lower precision does not count as a check

    @classmethod
    def of(cls, golden: Golden) -> Self:
        """Convert a golden. Its messages do not name a corpus, because it is not stored."""
        of_golden = {f.name: getattr(golden, f.name) for f in fields(Golden)}
        return cls(**{**of_golden, "corpus": None}, drawn_in=golden.dtype)

    def compare(
        self,
        out: object,
        h_n: object = None,
        c_n: object = None,
        *,
        outputs: OutputNames = None,
        states_at: StatesAt = None,
    ) -> Verdict:
        """Compare outputs as a golden does; in a Hypothesis test without a diagnosis: causes are printed at its end."""
        if not currently_in_test_context():
            return super().compare(out, h_n, c_n, outputs=outputs, states_at=states_at)
        golden = self.comparing(outputs)
        verdict = verdict_on(actual_outputs(golden, out, h_n, c_n), states=state_differences(golden, states_at))
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


@dataclass(frozen=True, eq=False)
class SearchRequest:
    """The arguments of a search."""

    bounds: Bounds  # the bounds of the goldens
    folder: AsTyped | None  # the folder where failing goldens are stored, or None
    implementation: str = ""  # the implementation under test, as an argument of ``rnn-goldens check``; "" if unknown
    outputs: tuple[str, ...] = ()  # names of the outputs to compare; () for all of them

    @cached_property
    def strategy(self) -> st.SearchStrategy[Golden]:
        """The strategy: stored failing goldens, which Hypothesis tries first as the simplest, then new goldens."""
        found = [] if self.folder is None else kept(self.folder, self.bounds, self.implementation)
        new = drawn(self.bounds)
        return st.one_of(st.sampled_from(found), new) if found else new


@st.composite
def goldens_of(draw: st.DrawFn, request: SearchRequest) -> Golden:
    """Draw a stored or new golden within bounds, in one of the precisions of the bounds."""
    golden = DrawnGolden.of(draw(request.strategy)).comparing(request.outputs or None)
    current_test().record_drawn(golden, request.folder, request.implementation)
    return golden


@st.composite
def drawn(draw: st.DrawFn, bounds: Bounds) -> Golden:
    """Draw a new golden within bounds."""
    inputs, precision = draw_inputs(draw, bounds)
    attempts = (certified(variant.scenario(), precision) for variant in _variants(inputs))
    golden = next((golden for golden in attempts if golden is not None), None)
    if golden is None:
        reject()
    return golden


def _variants(inputs: DrawnInputs) -> Iterator[DrawnInputs]:
    """Yield the inputs, then variants to try if they cannot be certified, which is cheaper than a new example."""
    yield inputs
    yield gentler(inputs)
    if inputs.cell == "rnn_relu":
        yield positive(inputs)
        yield gentler(positive(inputs))


def certified(scenario: Scenario, precision: str) -> Golden | None:
    """Return the certified golden; None if its outputs are all zero, not finite, or have no bound in the precision."""
    try:
        with np.errstate(all="ignore"):
            out = Network().run(scenario.case())[0]
        if not out.any() or not np.isfinite(out).all():
            return None
        golden = certify(scenario, confirm=False, states=False)
    except Refused:  # a custom cell may refuse some sizes, or networks without biases
        return None
    return golden.in_precision(precision) if precision in golden.precisions else None
