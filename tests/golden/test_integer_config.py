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


def test_a_floating_point_precision_does_not_matter(golden: Golden) -> None:
    assert load(golden.id, dtype="float64").dtype == load(golden.id, dtype="int8").dtype == golden.dtype == "int8"
    assert golden.in_precision("float16").dtype == "int8"
    assert select(ids=golden.id, dtype="float16")[0].dtype == select(ids=golden.id, dtype="int8")[0].dtype == "int8"


def test_another_integer_type_is_refused(golden: Golden) -> None:
    with pytest.raises(UnknownName, match=r"no precision of lstm-int8-tflm/plain 'int16'.*: int8$"):
        golden.in_precision(np.int16)
    with pytest.raises(UnknownName, match="no precision of lstm-int8-tflm/plain 'int16'"):
        load(golden.id, dtype="int16")
    assert select(ids=golden.id, dtype="int16") == []
    assert {g.cell for g in select(cell=[*INTEGER_LSTMS], dtype="int16")} == {"lstm_16x8_tflm", "lstm_16x8_cmsis"}
    assert select(ids="lstm/plain", dtype="int8") == []


def test_an_unknown_precision_lists_the_integer_types(golden: Golden) -> None:
    with pytest.raises(UnknownName, match=r"no precision 'int4'.* Precisions: float64, .*, float16, int8, int16$"):
        golden.in_precision("int4")


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
            "R_multiplier has 1, but must be an integer from 1073741824",
        ),
        ({"x_zero": [1, 2]}, WrongUse, r"x_zero has \[1, 2\], but must be an integer"),
        ({"h_multiplier": [2**30]}, WrongUse, "h_multiplier has .*, but must be an integer"),
        ({"x_zero": True}, WrongUse, "x_zero has True, but must be an integer"),
        ({"cell_clip": None}, WrongUse, "cell_clip has None, but must be an integer"),
        ({"h_shift": 2}, WrongUse, "h_shift has 2, but must be an integer from -31 to 1"),
        ({"h_scale": 1e300}, WrongUse, "h_scale has 1e\\+300, but must be a positive number that float32 represents"),
        ({"x_scale": 0.1}, WrongUse, "x_scale has 0.1, but must be a positive number that float32 represents"),
        ({"rounding": "single"}, WrongUse, "rounding is 'single', which only CMSIS-NN has as an option"),
        ({"rounding": "up"}, WrongUse, "rounding is 'up', but must be 'double' or 'single'"),
        ({"hidden_size": 0}, WrongUse, "hidden_size is 0, but must be an integer from 1 to 1048576"),
        ({"zero_point": 3}, UnknownName, "zero_point"),
        ({1: 3}, UnknownName, "no parameter of lstm_int8_tflm '1'"),
        ({"x_scale": 10**400}, WrongUse, r"x_scale has 10{17}\.\.\.0{19}, but must be a positive number"),
        ({"x_scale": 10**5000}, WrongUse, "x_scale has a number that is too long to print, but must be"),
        ({"W_scale": [10**400]}, WrongUse, r"W_scale is \[10{17}\.\.\.0{19}\], but must be a list of 4"),
        ({"hidden_size": 10**400}, WrongUse, r"hidden_size is 10{17}\.\.\.0{19}, but must be an integer from 1"),
    ],
)
def test_a_wrong_parameter_is_one_error(
    golden: Golden, change: dict[Any, Any], error: type[RnnGoldensError], message: str
) -> None:
    with pytest.raises(error, match=message):
        integer_config(golden.cell, {**golden.config, **change})


def test_numbers_of_other_libraries_are_those_of_python(golden: Golden) -> None:
    changed = {"x_scale": np.float32(golden.config["x_scale"]), "W_shift": np.array(golden.config["W_shift"])}
    assert integer_config(golden.cell, {**golden.config, **changed}) == golden.config


def test_shifts_of_sums_are_at_most_seven_with_16_bits() -> None:
    config = load("lstm-16x8-tflm/plain").config
    with pytest.raises(WrongUse, match="W_shift has 8, but must be at most 7 with 16-bit activations"):
        integer_config("lstm_16x8_tflm", {**config, "W_shift": [0, 0, 0, 8]})


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
