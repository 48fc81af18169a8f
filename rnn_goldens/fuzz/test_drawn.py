"""The test that ``rnn-goldens fuzz`` runs: checks an implementation against goldens that Hypothesis draws."""

from hypothesis import given
from hypothesis.strategies import DataObject, SearchStrategy, data

from rnn_goldens.fuzz.drawn_golden import DrawnGolden
from rnn_goldens.implementations import Implementation


@given(source=data())
def test_drawn(
    source: DataObject, drawn_goldens: SearchStrategy[DrawnGolden], drawn_implementation: Implementation
) -> None:
    """The implementation returns the expected outputs."""
    __tracebackhide__ = True
    source.draw(drawn_goldens).check_calls(drawn_implementation, ())
