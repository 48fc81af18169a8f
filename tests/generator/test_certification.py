"""Certification of scenarios."""

from dataclasses import replace

import numpy as np
import pytest
from factories.scenarios import SHAPES, changed, chaotic, scenario

from rnn_goldens.generator import confirmation
from rnn_goldens.generator.certification import certify
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.generator.scenarios.extremes import CHAOTIC
from rnn_goldens.generator.scenarios.templates import rounded
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import Config
from rnn_goldens.implementations import torch as torch_layers


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_networks_of_every_shape_are_certified(cell: str, shape: str) -> None:
    golden = certify(scenario(cell, scale=0.25, **SHAPES[shape]))
    assert golden.out.any()
    assert "float32" in golden.precisions
    assert ("exact" in golden.features) == (cell == "rnn_relu")


def test_inputs_that_a_precision_cannot_represent_are_refused() -> None:
    for value, precision in ((0.1, "float32"), (257, "bfloat16"), (2.0**17, "float16")):
        with pytest.raises(Refused, match=f"x holds .* which {precision} cannot represent"):
            certify(changed(scenario(), x=np.full((2, 4, 3), value)))
    with pytest.raises(Refused, match="x holds NaN or infinity"):
        certify(changed(scenario(), x=np.full((2, 4, 3), np.inf)))
    with pytest.raises(Refused, match=r"x holds .* which is below the normal range of float16"):
        certify(changed(scenario(), x=np.full(scenario().stored.x.shape, 2.0**-15)))


def test_a_tolerance_that_is_too_loose_in_every_precision_is_refused() -> None:
    with pytest.raises(Refused, match=r"too loose in every precision: .* at most 0\.1 is allowed"):
        certify(
            replace(CHAOTIC, call=replace(CHAOTIC.call, time=120)).scenario(
                "rnn-tanh", "rnn_tanh", rounded(1.5, inputs=0.5)
            )
        )


LOOSE = scenario("lstm", scale=0.25, time=10)
"""A scenario whose tolerance is too loose in bfloat16."""


def test_a_precision_with_a_too_loose_tolerance_is_dropped_unless_it_is_listed() -> None:
    assert certify(LOOSE).precisions == ("float64", "float32", "float16")
    assert certify(LOOSE.in_arrays()).precisions == ("float64", "float32", "float16")
    with pytest.raises(
        Refused,
        match=r"^made/for-a-test: tolerance 0\.\d+ in bfloat16, at most 0\.1 is allowed: remove it from precisions$",
    ):
        certify(changed(LOOSE, precisions=["bfloat16", "float32"]))
    with pytest.raises(Refused, match="remove it from precisions"):
        certify(changed(LOOSE, precisions=list(PRECISIONS)).in_arrays())
    assert certify(changed(LOOSE, precisions=["float16", "float32"])).precisions == ("float32", "float16")


def test_a_listed_precision_that_rounds_an_exact_golden_is_refused() -> None:
    exact = changed(scenario("rnn_relu", scale=1.0), x=np.arange(24).reshape(2, 4, 3) * 7)
    assert certify(exact).precisions == ("float64", "float32", "float16")
    with pytest.raises(Refused, match=r"exact outputs need \d+ significant bits .* for bfloat16: remove it from prec"):
        certify(changed(exact, precisions=["float64", "bfloat16"]))


def test_a_listed_precision_whose_rounding_decides_the_side_of_a_kink_is_refused() -> None:
    near = changed(
        scenario("rnn_relu"),
        config=Config(2, 1, bias=False),
        weights={"weight_ih_l0": [[1, 1]], "weight_hh_l0": [[1]]},
        x=[[[1.9921875, 0], [-1.984375, -0.005859375]]],
        h0=[[[2.0**-30]]],
        precisions=["float64", "float32", "bfloat16"],
    )
    with pytest.raises(Refused, match=r"rounding decides its side in bfloat16: remove it from precisions"):
        certify(near)


def test_saturation_must_be_declared_if_and_only_if_it_occurs() -> None:
    with pytest.raises(Refused, match="an activation is saturated; if that is its purpose, declare it saturated"):
        certify(scenario("lstm", scale=3.0))
    assert "saturated" in certify(scenario("lstm", scale=3.0, declared=("saturated",))).features
    with pytest.raises(Refused, match="declares the feature saturated, but no activation is"):
        certify(scenario("lstm", scale=0.25, declared=("saturated",)))


def test_declared_chaos_must_occur_and_may_list_all_precisions() -> None:
    with pytest.raises(Refused, match="only float64 can be checked; this scenario can be checked in float64, fl"):
        certify(scenario("rnn_tanh", scale=0.25, declared=("chaotic",)))
    assert certify(changed(chaotic(), precisions=list(PRECISIONS))).precisions == ("float64",)


def test_outputs_that_are_all_zero_are_refused() -> None:
    with pytest.raises(Refused, match="every output is zero"):
        certify(changed(scenario(bias=False), x=np.zeros((2, 4, 3))))


def test_an_implementation_that_differs_is_a_reason_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    right = torch_layers.run_layers

    def off_by_one(golden: object) -> object:
        out, h_n = right(golden)  # type: ignore[arg-type]
        out[1, 2, 0] += 1
        return out, h_n

    monkeypatch.setattr(torch_layers, "run_layers", off_by_one)
    with pytest.raises(Refused, match=r"torch in float64 differs from .* outputs: .* time step 2 \(batch 1, unit 0\)"):
        certify(scenario())


def test_a_correct_implementation_close_to_the_tolerance_is_a_reason_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirmation, "LARGEST_CORRECT_ERROR", 1e-9)
    with pytest.raises(Refused, match=r"uses 0.* of the tolerance of .*, at most 1e-09 is allowed"):
        certify(scenario("gru", scale=0.25))
