"""``explain`` shows an integer golden step by step, with the user's numbers beside it."""

import json
from pathlib import Path

import numpy as np
import pytest

from rnn_goldens import load
from rnn_goldens.deviations import deviation
from rnn_goldens.errors import WrongUse
from rnn_goldens.explain.code_text import pieces
from rnn_goldens.explain.golden_text import Choice
from rnn_goldens.explain.integer_text import integer_text
from rnn_goldens.explain.reader_outputs import read_outputs


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
    assert shown["a of f"] + shown["r of f"] == shown["f before"]


@pytest.mark.parametrize(
    ("golden_id", "output", "index", "place"),
    [
        ("lstm-int8-tflm/plain", "out", (1, 3, 2), "row 1, time step 3, unit 2"),
        ("lstm-int8-tflm/plain", "h_n", (1, 5), "row 1, time step 7, unit 5"),
        ("lstm-16x8-cmsis/plain", "c_n", (0, 0), "row 0, time step 7, unit 0"),
        ("lstm-int8-cmsis/sixty-four-units", "out", (0, 3, 60), "row 0, time step 3, unit 60"),
    ],
)
def test_the_first_difference_is_marked_in_its_step(
    golden_id: str, output: str, index: tuple[int, ...], place: str
) -> None:
    golden = load(golden_id)
    outputs = {name: np.array(array) for name, array in golden.stored.expected.items()}
    want = outputs[output][index]
    outputs[output][index] = want + 1
    text, right = integer_text(golden, Choice(), outputs)
    assert not right
    found = f"the first difference is in {output}, {place}: yours is {want + 1:g}, right is {want:g}"
    assert found in " ".join(text.split())
    lines = text.split(f"\n{place.rpartition(', ')[0]}\n")[1].splitlines()
    (marked,) = [k for k, line in enumerate(lines) if line.endswith("^ first")]
    (units,) = [line for line in lines if line.startswith("  unit")]
    end = len(lines[marked])
    assert units[:end].split()[-1] == str(index[-1])
    assert lines[marked - 1].startswith(f"  your {output}")
    assert lines[marked - 1][:end].split()[-1] == f"{want + 1:g}"
    assert len(max(lines, key=len)) <= 80


def test_no_line_of_a_layer_with_many_units_is_longer_than_80_columns() -> None:
    lines = integer_text(load("lstm-int8-cmsis/sixty-four-units"), Choice())[0].splitlines()
    assert any(line.endswith(" … 57 more") for line in lines)
    assert len(max(lines, key=len)) <= 80


def test_another_row_and_step_than_those_of_the_first_difference_can_be_chosen() -> None:
    golden = load("lstm-int8-tflm/plain")
    out = golden.stored.expected["out"].copy()
    out[1, 3:] = np.nan
    text, _ = integer_text(golden, Choice(row=0, step=5), {"out": out})
    assert "yours is nan" in text
    assert "\nrow 0, time step 5\n" in text
    assert "  wrong" not in text


@pytest.mark.parametrize("kind", ["npz", "json"])
def test_outputs_are_read_from_a_file(kind: str, tmp_path: Path) -> None:
    golden, path = load("lstm-16x8-cmsis/plain"), tmp_path / f"mine.{kind}"
    if kind == "npz":
        np.savez(path, out=golden.out, h_n=golden.h_n, c_n=golden.c_n)
    else:
        path.write_text(json.dumps({name: array.tolist() for name, array in golden.expected.items()}))
    text, right = integer_text(golden, Choice(), read_outputs(path, golden))
    assert right
    assert "your numbers are right: out, h_n, c_n" in text


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("definition_of_tflm", "Tflm.of_state"),
        ("definition_of_cmsis", "IntegerLstm.of_state"),
        ("definition_of_tflite", "Tflite.tanh"),
    ],
)
def test_the_code_of_a_definition_is_where_it_differs_from_the_others(name: str, wrong: str) -> None:
    one = deviation(name)
    found = pieces(one.wrong, one.cells[0])
    shown = [piece.where.partition(",")[0] for piece in found if piece.kind == "wrong"]
    assert wrong in shown
    assert {where.partition(".")[2] for where in shown} == {"of_state", "shifted", "sigmoid", "tanh"}


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
