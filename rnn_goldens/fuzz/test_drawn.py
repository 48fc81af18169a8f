"""The test that ``rnn-goldens fuzz`` runs: checks an implementation against goldens that Hypothesis draws.

``given`` takes the settings that hold when this module is imported: ``session`` registers them before.
"""

from hypothesis import given
from hypothesis.strategies import DataObject, SearchStrategy, data

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.implementations import Implementation


@given(source=data())
def test_drawn(source: DataObject, drawn_goldens: SearchStrategy[Golden], drawn_implementation: Implementation) -> None:
    """The implementation returns the expected outputs."""
    __tracebackhide__ = True
    source.draw(drawn_goldens).check_calls(drawn_implementation, ())
