"""The strategy: questions that Hypothesis draws, each certified at once, and kept if it is what a test ends with."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from hypothesis import note, reject
from hypothesis import strategies as st
from hypothesis.control import current_build_context

from rnn_goldens.cells import Network
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.fuzzing.bounds import Bounds
from rnn_goldens.fuzzing.drawn import DrawnGolden
from rnn_goldens.fuzzing.found import AsTyped, kept_and_said
from rnn_goldens.fuzzing.judged import Judged
from rnn_goldens.fuzzing.questions import Question, gentler, positive, question
from rnn_goldens.fuzzing.untraced import Untraced
from rnn_goldens.generator.certify import certify
from rnn_goldens.generator.scenario import Refused, Scenario


@dataclass(eq=False)
class Asked:
    """What a strategy was asked for.

    Attributes:
        bounds: what may be drawn.
        folder: where what fails is kept; None if nowhere.
        failed: what has failed of what was drawn, and not been told.
        wrong: the names of the goldens with which a test that is watched failed; None if none is.
    """

    bounds: Bounds
    folder: AsTyped | None
    failed: list[Judged] = field(default_factory=list, repr=False)
    wrong: set[str] | None = field(default=None, repr=False)

    def is_to_be_kept(self, golden: Golden) -> bool:
        """Whether a test fails with a golden, once its last run begins: Hypothesis may have errors of its own."""
        return self.wrong is None or repr(golden) in self.wrong


@st.composite
def goldens_of(draw: st.DrawFn, asked: Asked) -> Golden:
    """Goldens within bounds, each in one of their precisions.

    Hypothesis runs a test once more with the smallest example that fails, and tells then what it notes: the golden is
    kept in that run.
    """
    golden, folder = draw(drawn(asked.bounds)), ""
    if asked.folder is not None and current_build_context().is_final and asked.is_to_be_kept(golden):
        folder, said = kept_and_said(golden, asked.folder)
        note(said)
    return DrawnGolden.of(golden, folder, asked.failed)


@st.composite
def drawn(draw: st.DrawFn, bounds: Bounds) -> Golden:
    """The same, and nothing is kept."""
    with Untraced():
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
