"""A busy machine does not make tests with Hypothesis fail."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.slow
@settings(max_examples=2, database=None)
@given(st.integers().map(lambda _: time.sleep(0.3)))
def test_a_slow_example_passes(_drawn: None) -> None:
    time.sleep(0.3)  # the default deadline of Hypothesis is 0.2 s
