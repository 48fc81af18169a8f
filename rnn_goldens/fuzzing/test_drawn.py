"""The test that ``rnn-goldens fuzz`` runs: goldens that Hypothesis draws, against the implementation that was named."""

from hypothesis import given
from hypothesis.strategies import DataObject, SearchStrategy, data

from rnn_goldens.fuzzing.drawn import DrawnGolden
from rnn_goldens.implementations import Implementation


@given(source=data())
def test_drawn(
    source: DataObject, drawn_goldens: SearchStrategy[DrawnGolden], drawn_implementation: Implementation
) -> None:
    """The implementation's outputs are right."""
    __tracebackhide__ = True
    source.draw(drawn_goldens).check_calls(drawn_implementation, ())
