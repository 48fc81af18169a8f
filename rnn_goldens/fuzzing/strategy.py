"""The strategy: goldens that were found before, and questions that Hypothesis draws, each certified at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from rnn_goldens.cells import Network
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.fuzzing.bounds import Bounds
from rnn_goldens.fuzzing.drawn import DrawnGolden
from rnn_goldens.fuzzing.found import AsTyped, kept
from rnn_goldens.fuzzing.questions import Question, gentler, positive, question
from rnn_goldens.fuzzing.tested import current_test
from rnn_goldens.generator.certify import certify
from rnn_goldens.generator.scenario import Refused, Scenario


@dataclass(frozen=True, eq=False)
class Asked:
    """What a strategy was asked for.

    Attributes:
        bounds: what may be drawn.
        folder: where what fails is kept; None if nowhere.
        implementation: what is tested, as ``rnn-goldens check`` takes it; "" if that is not known.
    """

    bounds: Bounds
    folder: AsTyped | None
    implementation: str = ""

    @cached_property
    def strategy(self) -> st.SearchStrategy[Golden]:
        """Those that were found before, which Hypothesis begins with as the simplest, and then new ones."""
        found = [] if self.folder is None else kept(self.folder, self.bounds, self.implementation)
        new = drawn(self.bounds)
        return st.one_of(st.sampled_from(found), new) if found else new


@st.composite
def goldens_of(draw: st.DrawFn, asked: Asked) -> Golden:
    """Goldens within bounds, each in one of their precisions."""
    golden = DrawnGolden.of(draw(asked.strategy))
    current_test().note_drawn(golden, asked.folder, asked.implementation)
    return golden


@st.composite
def drawn(draw: st.DrawFn, bounds: Bounds) -> Golden:
    """New ones."""
    asked, precision = question(draw, bounds)
    answered = (certified(near.scenario(), precision) for near in _until_it_can_be_answered(asked))
    golden = next((golden for golden in answered if golden is not None), None)
    if golden is None:
        reject()
    return golden


def _until_it_can_be_answered(asked: Question) -> Iterator[Question]:
    """A question, and others near it, for it is better to change it than to draw another."""
    yield asked
    yield gentler(asked)
    if asked.cell == "rnn_relu":
        yield positive(asked)
        yield gentler(positive(asked))


def certified(asked: Scenario, precision: str) -> Golden | None:
    """The golden; None if its outputs are all zero, no numbers, or can not be held to a tolerance in the precision."""
    try:
        with np.errstate(all="ignore"):
            out = Network().run(asked.case())[0]
        if not out.any() or not np.isfinite(out).all():
            return None
        golden = certify(asked, confirm=False)
    except Refused:  # as a cell of someone's own may be, of some sizes or without biases
        return None
    return golden.in_precision(precision) if precision in golden.precisions else None
