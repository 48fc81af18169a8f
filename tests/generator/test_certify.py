from dataclasses import replace

import numpy as np
import pytest
from made_scenarios import SHAPES, changed, scenario

from rnn_goldens.generator import certify as certifying
from rnn_goldens.generator.certify import certify
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.generator.scenarios.special import CHAOTIC
from rnn_goldens.generator.scenarios.variants import rounded
from rnn_goldens.golden.shapes import CELLS
from rnn_goldens.implementations.torch import layers as torch_layers


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_networks_of_every_shape_become_goldens(cell: str, shape: str) -> None:
    golden = certify(scenario(cell, scale=0.25, **SHAPES[shape]))
    assert golden.out.any()
    assert "float32" in golden.precisions
    assert ("exact" in golden.features) == (cell == "rnn_relu")


def test_inputs_that_some_precision_can_not_hold_are_refused() -> None:
    for value, precision in ((0.1, "float32"), (257, "bfloat16"), (2.0**17, "float16")):
        with pytest.raises(Refused, match=f"x holds .* which is no {precision} number"):
            certify(changed(scenario(), x=np.full((2, 4, 3), value)))
    with pytest.raises(Refused, match="x holds NaN or infinity"):
        certify(changed(scenario(), x=np.full((2, 4, 3), np.inf)))
    with pytest.raises(Refused, match=r"x holds .* which is below float16's normal numbers"):
        certify(changed(scenario(), x=np.full(scenario().inputs["x"].shape, 2.0**-15)))


def test_a_tolerance_that_is_too_loose_in_every_precision_is_refused() -> None:
    with pytest.raises(Refused, match=r"too loose in every precision: .* at most 0\.1 is allowed"):
        certify(replace(CHAOTIC, time=120).scenario("rnn-tanh", "rnn_tanh", rounded(1.5, inputs=0.5)))


def test_saturation_has_to_be_said_and_to_be_true() -> None:
    with pytest.raises(Refused, match="an activation is saturated; if that is its purpose, declare it saturated"):
        certify(scenario("lstm", scale=3.0))
    assert "saturated" in certify(scenario("lstm", scale=3.0, declared=("saturated",))).features
    with pytest.raises(Refused, match="declares the feature saturated, but no activation is"):
        certify(scenario("lstm", scale=0.25, declared=("saturated",)))


def test_chaos_has_to_be_true() -> None:
    with pytest.raises(Refused, match="chaotic is what can be checked in float64 alone; this one can in float64, fl"):
        certify(scenario("rnn_tanh", scale=0.25, declared=("chaotic",)))


def test_outputs_that_are_all_zero_expose_nothing() -> None:
    with pytest.raises(Refused, match="every output is zero"):
        certify(changed(scenario(bias=False), x=np.zeros((2, 4, 3))))


def test_a_route_that_disagrees_makes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    right = torch_layers.run

    def off_by_one(golden: object) -> object:
        out, h_n = right(golden)  # type: ignore[arg-type]
        out[1, 2, 0] += 1
        return out, h_n

    monkeypatch.setattr(torch_layers, "run", off_by_one)
    with pytest.raises(Refused, match=r"torch differs from the certified answer: .* time step 2 \(batch 1, unit 0\)"):
        certify(scenario())


def test_a_correct_implementation_too_near_the_tolerance_is_a_reason_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certifying, "LARGEST_CORRECT_ERROR", 1e-9)
    with pytest.raises(Refused, match=r"uses 0.* of the tolerance, at most 1e-09 is allowed"):
        certify(scenario("gru", scale=0.25))


def test_a_purpose_is_what_a_golden_is_for() -> None:
    from rnn_goldens import InvalidFile, encoding

    with pytest.raises(InvalidFile, match="purpose"):
        encoding.encode(replace(certify(scenario()), purpose=" "))
