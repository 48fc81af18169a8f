"""The Hypothesis strategy: stored failing goldens first, then drawn inputs, which are certified when drawn."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from rnn_goldens.cells import Network
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.fuzz.bounds import Bounds
from rnn_goldens.fuzz.drawn_golden import DrawnGolden
from rnn_goldens.fuzz.drawn_inputs import DrawnInputs, draw_inputs, gentler, positive
from rnn_goldens.fuzz.drawn_results import current_test
from rnn_goldens.fuzz.example_store import AsTyped, kept
from rnn_goldens.generator.certify import certify
from rnn_goldens.generator.scenario import Refused, Scenario


@dataclass(frozen=True, eq=False)
class SearchRequest:
    """The arguments of a search.

    Attributes:
        bounds: the bounds of the goldens.
        folder: the folder where failing goldens are stored, or None.
        implementation: the implementation under test, as an argument of ``rnn-goldens check``; "" if unknown.
        outputs: names of the outputs to compare; () for all of them.
    """

    bounds: Bounds
    folder: AsTyped | None
    implementation: str = ""
    outputs: tuple[str, ...] = ()

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
        golden = certify(scenario, confirm=False)
    except Refused:  # a custom cell may refuse some sizes, or networks without biases
        return None
    return golden.in_precision(precision) if precision in golden.precisions else None
