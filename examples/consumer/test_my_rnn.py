"""After ``pip install rnn-goldens`` this test checks ``my_rnn`` in every precision that NumPy has."""

import pytest
from my_rnn import my_rnn

from rnn_goldens import Golden


@pytest.mark.rnn_goldens(ids="documented/*", dtypes=["float64", "float32", "float16"])
def test_my_rnn(rnn_golden: Golden) -> None:
    out, h_n = my_rnn(rnn_golden.x, rnn_golden.h0, **rnn_golden.weights_as("textbook"))
    rnn_golden.check(out, h_n)
