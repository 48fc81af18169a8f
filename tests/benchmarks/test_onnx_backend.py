"""ONNX's tests are interpreted correctly."""

import numpy as np
import pytest

from benchmarks.onnx_backend import OnnxTest, detects, in_our_dialect, onnx_tests
from rnn_goldens.cells import Network
from rnn_goldens.deviations import deviation

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tests() -> dict[str, OnnxTest]:
    return {test.name: test for test in onnx_tests()}


def test_every_onnx_test_passes_in_its_own_dialect(tests: dict[str, OnnxTest]) -> None:
    assert len(tests) >= 18
    for test in tests.values():
        assert test.accepts(Network().run(test.dialect)), test.name


def test_the_definition_passes_every_onnx_test_that_is_adapted_to_our_dialect(tests: dict[str, OnnxTest]) -> None:
    adapted = [in_our_dialect(test) for test in tests.values()]
    assert [test.name for test in adapted if not test.accepts(Network().run(test.case))] == []
    assert {test.name for test in adapted if test.differs} == {"test_gru_seq_length", "test_lstm_with_peepholes"}


def test_a_reverse_layer_is_compared_in_the_reverse_direction_only(tests: dict[str, OnnxTest]) -> None:
    test = tests["test_gru_reverse"]
    out, h_n = Network().run(test.case)
    hidden = test.case.config.hidden_size
    out[..., :hidden] = h_n[0] = np.nan
    assert test.accepts((out, h_n))
    h_n[1] += 1
    assert not test.accepts((out, h_n))


def test_a_wrong_shape_is_not_accepted(tests: dict[str, OnnxTest]) -> None:
    out, h_n = Network().run(tests["test_gru_batchwise"].case)
    assert not tests["test_gru_batchwise"].accepts((out[:, :, 1:], h_n))


def test_only_an_onnx_test_with_the_required_features_detects_a_deviation(tests: dict[str, OnnxTest]) -> None:
    assert not detects(tests["test_gru_defaults"], deviation("b_ih_missing"))
    assert detects(tests["test_gru_with_initial_bias"], deviation("b_ih_missing"))
