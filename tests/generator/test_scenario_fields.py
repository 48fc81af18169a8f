"""Invalid fields of a scenario are one error, raised when the scenario is declared or its configuration is read."""

from typing import Any

import numpy as np
import pytest
import torch

from rnn_goldens import Config, Refused, RnnGoldensError, Scenario

NO_NUMBER = "expected an integer of at least 1"


def declared(**changes: Any) -> Scenario:
    fields: dict[str, Any] = {"id": "mine/gru", "purpose": "For tests.", "cell": "gru", "weights": {}, "x": [[[1]]]}
    return Scenario(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": 5}, "^5 is not a golden's id: expected folder/name"),
        *(({"id": name}, "is not a golden's id: expected folder/name in lower-case") for name in ("mine", "Mine/lstm")),
        *(({"id": name}, "is not a golden's id") for name in ("mine/my lstm", "mine/", "mine/a_b")),
        ({"purpose": " "}, "^mine/gru: purpose is empty; expected a sentence"),
        ({"purpose": None}, "^mine/gru: purpose is None; expected a sentence"),
        ({"purpose": "a\0b"}, "^mine/gru: purpose is not valid text"),
        ({"title": None}, "^mine/gru: title is None; expected a short title"),
        ({"title": np.ones(3)}, r"^mine/gru: title is array\(\[1., 1., 1.\]\); expected a short title"),
        ({"gradient_purpose": np.ones(3)}, "^mine/gru: gradient_purpose is array.*, but there is no cotangent"),
        ({"title": " "}, "^mine/gru: title is empty; expected a short title"),
        ({"documented_in": ""}, "^mine/gru: documented_in is empty; expected text: where the scenario comes from"),
        ({"documented_in": 3}, "^mine/gru: documented_in is 3; expected text: where the scenario comes from"),
        ({"cell": None}, "^mine/gru: cell is None; expected rnn_tanh, rnn_relu, lstm, gru or package"),
        *(({name: None}, f"^mine/gru: {name} must be a dict whose keys are text") for name in ("states", "d_states")),
        ({"states": [1]}, "^mine/gru: states must be a dict whose keys are text"),
        ({"states": {1: [2]}}, "^mine/gru: states must be a dict whose keys are text"),
        ({"prefix": None}, "^mine/gru: prefix is None; expected the beginning of the weights' names"),
        ({"convention": None}, "^mine/gru: convention is None; expected one of torch, textbook, keras, onnx, flax"),
        ({"convention": "kears"}, "^mine/gru: no convention 'kears'. Did you mean 'keras'"),
        ({"precisions": 5}, r"^mine/gru: precisions is 5; expected a list such as \['float64', 'float32'\]"),
        ({"precisions": None}, "^mine/gru: precisions is None; expected a list"),
        ({"precisions": torch.float32}, r"^mine/gru: precisions is torch\.float32; expected a list"),
        ({"precisions": ["float8"]}, "no precision 'float8'"),
        ({"precisions": []}, "precisions is empty"),
        ({"precisions": [3]}, "^mine/gru: precisions: .* got 3"),
        ({"declared": "long"}, r"^mine/gru: declared is 'long'; expected a tuple of features, such as \('long',\)"),
        ({"declared": ("wat",)}, "^mine/gru: declared: no feature 'wat'. Features: long, degenerate, saturated, chao"),
        ({"declared": ("bias",)}, "^mine/gru: declared: bias follows from the inputs"),
    ],
    ids=str,
)
def test_an_invalid_field_is_an_error_when_declared(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RnnGoldensError, match=message):
        declared(**changes)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"input_size": "3", "hidden_size": 2}, f"input_size is '3'; {NO_NUMBER}"),
        ({"input_size": 3.0, "hidden_size": 2}, f"input_size is 3.0; {NO_NUMBER}"),
        ({"input_size": np.array(3.0), "hidden_size": 2}, rf"input_size is array\(3.\); {NO_NUMBER}"),
        ({"input_size": -3, "hidden_size": 2}, f"input_size is -3; {NO_NUMBER}"),
        ({"input_size": 3, "hidden_size": 0}, f"hidden_size is 0; {NO_NUMBER}"),
        ({"input_size": True, "hidden_size": 2}, f"input_size is True; {NO_NUMBER}"),
        (Config(3, 2, num_layers=0), f"num_layers is 0; {NO_NUMBER}"),
        ({"input_size": 3, "hidden_size": 2, "bias": "no"}, "bias is 'no'; expected True or False"),
        ({"input": 3}, "no argument 'input'. Did you mean 'input_size'. Arguments: input_size, hidden_size, num_la"),
        ({"input_size": 3}, "config has no hidden_size"),
        (5, "config is of type int; expected a Config or a mapping"),
    ],
    ids=str,
)
def test_an_invalid_configuration_is_one_error(config: Any, message: str) -> None:
    with pytest.raises(Refused, match=f"^mine/gru: .*{message}"):
        _ = declared(config=config).shape


def test_numpy_numbers_and_lists_with_duplicates_are_accepted() -> None:
    assert declared(config={"input_size": np.int64(3), "hidden_size": np.int8(2), "bias": np.bool_(False)}).shape == (
        Config(3, 2, bias=False)
    )
    assert declared(declared=["long", "degenerate", "long"]).declared == ("long", "degenerate")
