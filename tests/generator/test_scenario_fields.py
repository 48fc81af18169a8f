"""Fields of a scenario that are no such thing: one error, where the scenario is declared or asked for its shape."""

from typing import Any

import numpy as np
import pytest
import torch

from rnn_goldens import Config, Refused, Scenario
from rnn_goldens.errors import WrongUse

NO_NUMBER = "it is a whole number of at least 1"


def declared(**changes: Any) -> Scenario:
    fields: dict[str, Any] = {"id": "mine/gru", "purpose": "To be asked.", "cell": "gru", "weights": {}, "x": [[[1]]]}
    return Scenario(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": 5}, "^5 is no golden's id: it is folder/name"),
        ({"purpose": None}, "^mine/gru: purpose is None; it is a sentence"),
        ({"purpose": "a\0b"}, "^mine/gru: purpose holds what is no text"),
        ({"title": None}, "^mine/gru: title is None; it is a few words"),
        ({"title": " "}, "^mine/gru: title is empty; it is a few words"),
        ({"documented_in": ""}, "^mine/gru: documented_in is empty; it is where the scenario comes from"),
        ({"documented_in": 3}, "^mine/gru: documented_in is 3; it is where the scenario comes from"),
        ({"cell": None}, "^mine/gru: cell is None; it is one of rnn_tanh, rnn_relu, lstm, gru, or package"),
        ({"prefix": None}, "^mine/gru: prefix is None; it is what the names of the weights begin with"),
        ({"convention": None}, "^mine/gru: convention is None; it is one of torch, textbook, keras, onnx, flax"),
        ({"convention": "kears"}, "^mine/gru: no convention 'kears'. Did you mean 'keras'"),
        ({"precisions": 5}, r"^mine/gru: precisions is 5; it is a list such as \['float64', 'float32'\]"),
        ({"precisions": None}, "^mine/gru: precisions is None; it is a list"),
        ({"precisions": torch.float32}, r"^mine/gru: precisions is torch\.float32; it is a list"),
        ({"precisions": [3]}, "^mine/gru: precisions: .* 3 does not"),
        ({"declared": "long"}, r"^mine/gru: declared is 'long'; it is a tuple of features, such as \('long',\)"),
        ({"declared": ("wat",)}, "^mine/gru: declared: no feature 'wat'. Features: long, degenerate, saturated, chao"),
        ({"declared": ("bias",)}, "^mine/gru: declared: bias follows from what is asked"),
    ],
    ids=str,
)
def test_a_field_that_is_no_such_thing_is_an_error_where_it_is_declared(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(WrongUse, match=message):
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
        ({"input_size": 3, "hidden_size": 2, "bias": "no"}, "bias is 'no'; it is True or False"),
        ({"input": 3}, "no argument 'input'. Did you mean 'input_size'. Arguments: input_size, hidden_size, num_la"),
        ({"input_size": 3}, "config has no hidden_size"),
        (5, "config is of type int; it is a Config, or a mapping"),
    ],
    ids=str,
)
def test_a_configuration_that_is_none_is_one_error(config: Any, message: str) -> None:
    with pytest.raises(Refused, match=f"^mine/gru: .*{message}"):
        _ = declared(config=config).shape


def test_numbers_of_numpy_are_whole_numbers() -> None:
    assert declared(config={"input_size": np.int64(3), "hidden_size": np.int8(2), "bias": np.bool_(False)}).shape == (
        Config(3, 2, bias=False)
    )


def test_features_may_be_declared_in_a_list_and_count_once() -> None:
    assert declared(declared=["long", "degenerate", "long"]).declared == ("long", "degenerate")
