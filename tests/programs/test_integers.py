"""A program of an integer LSTM: it gets integers and quantization parameters as JSON, with protocol 2."""

import sys
from pathlib import Path

import pytest
from programs.conftest import Check

from rnn_goldens import load, schema, select
from rnn_goldens.programs import messages

PROGRAM = (sys.executable, str(Path(__file__).with_name("integer_program.py")))


@pytest.mark.slow
def test_a_right_program_passes(check: Check) -> None:
    checked = check("--cell=lstm_int8_tflite", command=PROGRAM)
    assert (set(checked.outcomes), checked.code) == ({"passed"}, 0)
    assert len(checked.outcomes) == len(select(cell="lstm_int8_tflite"))


@pytest.mark.slow
def test_the_mistake_of_a_wrong_program_is_named(check: Check) -> None:
    checked = check("--cell=lstm_int8_tflite", "-k", "plain", command=(*PROGRAM, "wrong"))
    assert (checked.outcomes, checked.code) == (["failed"], 1)
    assert "like bias_lost: out is first wrong at time step 0" in checked.shown


@pytest.mark.parametrize("golden_id", ["lstm-int8-cmsis/single-rounding", "lstm-16x8-tflm/plain"])
def test_a_request_is_valid_by_its_schema(golden_id: str) -> None:
    golden = load(golden_id)
    request = messages.request(golden.for_implementation(), 1)
    assert schema.problems(request, "protocol-request", 2) == []
    assert request["weights"]["W_i"]["dtype"] == "int8"
    assert request["config"]["W_shift"] == golden.config["W_shift"]
    assert schema.problems(request | {"precision": "float32"}, "protocol-request", 2) != []
