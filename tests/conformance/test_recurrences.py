"""The engines of recurrences are correct by their contracts, or refuse a golden for a reason of their own.

`python -m benchmarks engines` runs each engine in its own environment and sets ENGINE to the engine's name.
"""

import os
import re
from collections.abc import Iterator

import pytest

import rnn_goldens
from benchmarks.engines import OF_RECURRENCES, Declared, full_name
from rnn_goldens import Unsupported
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.implementations import outputs_of, resolve
from rnn_goldens.implementations.resolution import backward_of

SHAPES = ("several-steps", "grouped-queries", "packed", "decay-by-key")

REASONS = {
    "fla": "^the kernels of .* compute in float32|^Triton's interpreter computes other|^Backward pass is not"
    "|^chunk_(gated_delta_rule|simple_gla) has a decay by head$|^chunk_delta_rule has half precisions only$"
    "|gradients of chunk_simple_gla in half precisions need even sizes",
    "mlx_lm": "^gated_delta_(ops|update)(, of mlx-lm,| has no parameter offsets$)|^a scale of |^beta as sigmoid"
    "|^log-decays|^gradients: |^the function returned",
    "sglang": "^(chunk|fused_recurrent)_gated_delta_rule(_update)?, of sglang,|^the kernels of |^Triton's interpreter"
    "|^gradients: |^You must implement|^Backward pass is not",
    "vllm": "^(chunk|fused_recurrent)_gated_delta_rule, of vllm,|^the kernels of |^Triton's interpreter"
    "|^gradients: |^You must implement",
    "transformers": "^transformers |has no parameter (offsets|scale)$|changes its state in place$",
}
"""Patterns of the reasons of refusals."""

DECLARED = [(name, one) for name, functions in OF_RECURRENCES.items() for one in functions]

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # warnings of engines are not errors


def goldens(declared: Declared, *, gradients: bool = False) -> Iterator[Golden]:
    profile = declared.contract.split(",") if declared.contract else []
    for dtype in PRECISIONS:
        for golden in rnn_goldens.select(cell=declared.cells, dtype=dtype, gradients=gradients):
            if golden.id.partition("/")[2] in SHAPES:
                yield golden.in_profile(*profile)


@pytest.mark.parametrize(("name", "declared"), DECLARED)
def test_an_engine_is_correct_by_its_contract_or_refuses(name: str, declared: Declared) -> None:
    if os.environ.get("ENGINE") != name:
        pytest.skip(f"`python -m benchmarks engines {name}` runs this engine in its own environment")
    implementation = full_name(name, declared)
    run = resolve(implementation)
    backward, checked = backward_of(implementation, run), 0
    for golden in goldens(declared):
        try:
            golden.check(*outputs_of(run(golden)))
            checked += 1
        except Unsupported as refusal:
            assert re.search(REASONS[name], str(refusal)), golden.id
    assert checked
    for golden in goldens(declared, gradients=True):
        try:
            golden.check_gradients(backward(golden.for_implementation()))
        except Unsupported as refusal:
            assert re.search(REASONS[name], str(refusal)), golden.id
