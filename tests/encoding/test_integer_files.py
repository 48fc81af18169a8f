"""Files of integer goldens have exactly the types that their cell requires; the error says which array is wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnn_goldens import InvalidFile, load, read, save

Change = Callable[[dict[str, Any]], object]


def with_type(group: str, name: str, dtype: str) -> Change:
    return lambda document: document[group][name].update(dtype=dtype)


@pytest.mark.parametrize(
    ("golden_id", "change", "message"),
    [
        ("lstm-int8-tflm/plain", with_type("weights", "b_f", "int64"), "weights/b_f: has the type int64, .* int32"),
        ("lstm-16x8-tflm/plain", with_type("weights", "b_f", "int32"), "weights/b_f: has the type int32, .* int64"),
        ("lstm-int8-tflm/plain", with_type("inputs", "x", "int16"), "inputs/x: has the type int16, .* requires int8"),
        ("lstm-int8-tflm/plain", with_type("expected", "c_n", "int8"), "expected/c_n"),
        ("lstm-int8-tflm/plain", with_type("weights", "W_i", "float64"), "weights/W_i/dtype"),
        (
            "lstm-int8-tflm/plain",
            lambda document: document.update(precisions=["int16"]),
            r"precisions: is \['int16'\], lstm_int8_tflm requires \['int8'\]",
        ),
        (
            "lstm-int8-tflm/plain",
            lambda document: document["inputs"]["x"]["data"].__setitem__(3, 128),
            "inputs/x/data/3: 128 is greater than the maximum of 127",
        ),
        (
            "lstm-int8-cmsis/plain",
            lambda document: document["config"].update(cell_power=-8),
            "config/cell_power: -8 is greater than the maximum of -9",
        ),
        (
            "lstm-int8-cmsis/plain",
            lambda document: document["config"].update(x_scale=0.1),
            "config: lstm_int8_cmsis: x_scale has 0.1, but must be a positive number that float32 represents",
        ),
        (
            "lstm-int8-tflm/plain",
            lambda document: document["weights"].pop("R_o"),
            "weights: 'R_o' is a required property",
        ),
        ("lstm-int8-tflm/plain", lambda document: document.update(cell="lstm"), "cell: 'lstm' is not one of"),
    ],
)
def test_a_wrong_file_is_rejected(golden_id: str, change: Change, message: str, tmp_path: Path) -> None:
    path = tmp_path / "golden.json"
    save(load(golden_id), path)
    document = json.loads(path.read_text("utf-8"))
    change(document)
    path.write_text(json.dumps(document), "utf-8")
    with pytest.raises(InvalidFile, match=message):
        read(path)
