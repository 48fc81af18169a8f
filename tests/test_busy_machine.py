"""A machine that has much else to do makes no test fail."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.slow
@settings(max_examples=2, database=None)
@given(st.integers().map(lambda _: time.sleep(0.3)))
def test_an_example_may_take_its_time(_drawn: None) -> None:
    time.sleep(0.3)  # where nothing else is said, Hypothesis allows 0.2
