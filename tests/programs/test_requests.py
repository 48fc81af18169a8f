"""Requests are valid by the published schema and contain every number exactly."""

import json
from typing import Any

import numpy as np
import pytest
from factories.for_each import for_each
from factories.goldens import MakeGolden
from numpy.typing import NDArray

from rnn_goldens import schema
from rnn_goldens.corpus import open_corpus
from rnn_goldens.programs import messages

CORPUS = open_corpus()


@pytest.mark.parametrize("version", schema.PROTOCOLS)
def test_hello_is_valid(version: int) -> None:
    assert not schema.problems(json.loads(messages.to_line(messages.hello())), "protocol-request", version)


def as_array(stored: dict[str, Any]) -> NDArray[Any]:
    return np.array(stored["data"], stored["dtype"]).reshape(stored["shape"])


@for_each(CORPUS.ids, every=8)
def test_each_golden_is_a_valid_request_in_one_line_that_reads_back_equal(golden_id: str) -> None:
    golden = CORPUS.load(golden_id)
    line = messages.to_line(messages.request(golden, 3))
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    message = json.loads(line)
    for version in schema.PROTOCOLS if golden.is_network else schema.PROTOCOLS[1:]:
        assert not schema.problems(message, "protocol-request", version)
    read = {name: as_array(array) for group in ("weights", "inputs") for name, array in message[group].items()}
    integers = {"lengths": golden.lengths, "offsets": golden.offsets}
    stored = {**golden.stored.weights, **golden.stored.inputs, **golden.stored.states, **integers}
    if golden.is_integer:
        stored = {**golden.weights, **golden.inputs, **golden.given_states}
    assert set(read) == {name for name, array in stored.items() if array is not None}
    for name, array in read.items():
        np.testing.assert_array_equal(array, stored[name], strict=True)


def test_a_request_has_the_golden_its_cell_precision_and_configuration(make_golden: MakeGolden) -> None:
    request = messages.request(make_golden("gru", dtype="bfloat16", bidirectional=True), 7)
    named = {"request": "run", "id": 7, "golden": "made/for-a-test", "cell": "gru", "precision": "bfloat16"}
    assert {name: request[name] for name in named} == named
    assert request["config"] == dict(input_size=3, hidden_size=2, num_layers=1, bidirectional=True, bias=True)  # noqa: C408
