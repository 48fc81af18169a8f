"""``explain`` shows an integer golden step by step, with the user's numbers beside it."""

import numpy as np
import pytest

from rnn_goldens import load
from rnn_goldens.errors import WrongUse
from rnn_goldens.explain.golden_text import Choice
from rnn_goldens.explain.integer_text import integer_text


def test_each_gate_is_shown_before_and_after_its_activation() -> None:
    text, right = integer_text(load("lstm-int8-cmsis/one-unit"), Choice(step=5))
    assert right
    assert "row 0, time step 5\n" in text
    shown = {line[:12].strip(): int(line[12:]) for line in text.splitlines() if line.startswith("  ")}
    golden = load("lstm-int8-cmsis/one-unit")
    assert shown["out"] == golden.h_n[0, 0]
    assert shown["c"] == golden.c_n[0, 0]
    assert shown["x"] == golden.x[0, 5, 0]
    assert {"i before", "i", "f", "g", "o before", "c before"} <= shown.keys()


def test_wrong_outputs_are_shown_beside_the_right_ones() -> None:
    golden = load("lstm-int8-cmsis/one-unit")
    out = golden.out.astype(np.float64)
    out[0, 0, 0] += 1
    text, right = integer_text(golden, Choice(), {"out": out})
    assert not right
    assert "your out is wrong\n" in text
    assert f"  your out  {int(out[0, 0, 0]):>8}" in text
    assert integer_text(golden, Choice(), {"out": golden.out.astype(np.float64)})[1]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Choice(row=2), "--row 2: lstm-int8-tflm/plain has rows 0 to 1"),
        (Choice(step=-1), "--step -1: lstm-int8-tflm/plain has steps 0 to 7"),
        (Choice(layer=0), "--layer: .* is of an integer LSTM, which has rows and time steps only"),
    ],
)
def test_what_does_not_exist_is_an_error(choice: Choice, message: str) -> None:
    with pytest.raises(WrongUse, match=message):
        integer_text(load("lstm-int8-tflm/plain"), choice)
