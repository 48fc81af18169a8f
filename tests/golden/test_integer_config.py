"""Integer goldens have integer arrays; a wrong quantization parameter is one clear error."""

from typing import Any

import numpy as np
import pytest

from rnn_goldens import Golden, GoldenMismatch, load, read, save, select
from rnn_goldens.errors import RnnGoldensError, UnknownName, WrongUse
from rnn_goldens.golden.integer_config import integer_config, multiplier
from rnn_goldens.golden.recurrences import INTEGER_LSTMS


@pytest.fixture
def golden() -> Golden:
    return load("lstm-int8-tflm/plain")


def test_each_array_has_the_type_of_the_definition(golden: Golden) -> None:
    arrays = {**golden.inputs, **golden.weights, **golden.states, **golden.expected}
    types = {name: array.dtype.name for name, array in arrays.items()}
    assert types["x"] == types["W_i"] == types["R_o"] == types["h0"] == types["out"] == types["h_n"] == "int8"
    assert types["b_g"] == "int32"
    assert types["c0"] == types["c_n"] == "int16"
    wide = load("lstm-16x8-cmsis/plain")
    assert {wide.x.dtype.name, wide.out.dtype.name, wide.h0.dtype.name, wide.c_n.dtype.name} == {"int16"}
    assert (wide.weights["W_f"].dtype.name, wide.weights["b_f"].dtype.name) == ("int8", "int64")


def test_a_precision_does_not_matter(golden: Golden) -> None:
    assert load(golden.id, dtype="float64").dtype == load(golden.id, dtype="int8").dtype == golden.dtype == "int8"
    assert golden.in_precision("float16").dtype == "int8"


def test_without_given_states_h_begins_at_its_zero_point() -> None:
    golden = load("lstm-int8-cmsis/zero-points")
    assert golden.initial_state is None
    assert (golden.h0 == golden.config["h_zero"]).all()
    assert not golden.c0.any()


def test_only_a_name_selects_integer_lstms() -> None:
    assert not {golden.cell for golden in select(ids="*/plain")} & {*INTEGER_LSTMS}
    assert {golden.cell for golden in select(cell="lstm_16x8_cmsis")} == {"lstm_16x8_cmsis"}
    assert {golden.dtype for golden in select(ids="lstm-int8-tflite/*")} == {"int8"}


def test_one_step_of_one_element_is_wrong(golden: Golden) -> None:
    out = golden.out.copy()
    golden.check(out, outputs=["out"])
    out[1, 3, 2] += 1
    with pytest.raises(GoldenMismatch, match=r"out is first wrong at time step 3 \(batch 1, unit 2\): got") as failure:
        golden.check(out, outputs=["out"])
    assert "none is allowed" in str(failure.value)


def test_a_saved_golden_is_read_back(golden: Golden, tmp_path: Any) -> None:
    for name in ("golden.json", "golden.h5"):
        save(golden, tmp_path / name)
        again = read(tmp_path / name)
        assert again.config == golden.config
        assert np.array_equal(again.out, golden.out)
        assert again.out.dtype == np.int8


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x_zero": 128}, WrongUse, "x_zero has 128, but must be an integer from -128 to 127"),
        ({"cell_power": -16}, WrongUse, "cell_power has -16, but must be an integer from -15 to -9"),
        ({"W_shift": [0, 1, 2]}, WrongUse, r"W_shift is \[0, 1, 2\], but must be a list of 4, for the gates i, f, g"),
        (
            {"R_multiplier": [1, 2**30, 2**30, 2**30]},
            WrongUse,
            "R_multiplier has 1, but must be integers from 1073741824",
        ),
        ({"x_scale": 0.1}, WrongUse, "x_scale has 0.1, but must be positive numbers that float32 represents"),
        ({"rounding": "single"}, WrongUse, "rounding is 'single', which only CMSIS-NN has as an option"),
        ({"rounding": "up"}, WrongUse, "rounding is 'up', but must be 'double' or 'single'"),
        ({"hidden_size": 0}, WrongUse, "hidden_size is 0, but must be a positive integer"),
        ({"zero_point": 3}, UnknownName, "zero_point"),
    ],
)
def test_a_wrong_parameter_is_one_error(
    golden: Golden, change: dict[str, Any], error: type[RnnGoldensError], message: str
) -> None:
    with pytest.raises(error, match=message):
        integer_config(golden.cell, {**golden.config, **change})


def test_zero_points_are_zero_with_16_bits() -> None:
    config = load("lstm-16x8-tflm/plain").config
    with pytest.raises(WrongUse, match="x_zero and h_zero must be 0 with 16-bit activations"):
        integer_config("lstm_16x8_tflm", {**config, "h_zero": 1})


def test_a_missing_parameter_is_named(golden: Golden) -> None:
    given = {name: value for name, value in golden.config.items() if name not in ("h_shift", "x_scale")}
    with pytest.raises(WrongUse, match="config has no h_shift, x_scale"):
        integer_config(golden.cell, given)


@pytest.mark.parametrize("real", [0.75, 1.0, 3.1e-5, 2.0**-20, 0.9999999999])
def test_a_multiplier_is_the_nearest_of_31_bits(real: float) -> None:
    m, s = multiplier(real)
    assert 2**30 <= m < 2**31
    assert abs(m * 2.0 ** (s - 31) - real) <= 2.0 ** (s - 32)
