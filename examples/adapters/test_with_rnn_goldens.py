"""Checks my_lstm against the goldens."""

import pytest
from my_lstm import lstm

from rnn_goldens import Golden


@pytest.mark.rnn_goldens(cell="lstm", without=["multilayer", "bidirectional", "lengths", "unbatched"])
def test_lstm(rnn_golden: Golden) -> None:
    w = rnn_golden.weights
    b = w.get("bias_ih_l0", 0) + w.get("bias_hh_l0", 0)
    out, h_n, c_n = lstm(rnn_golden.x, rnn_golden.h0[0], rnn_golden.c0[0], w["weight_ih_l0"], w["weight_hh_l0"], b)
    rnn_golden.check(out, h_n[None], c_n[None])
