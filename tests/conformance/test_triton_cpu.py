"""What ``examples/integrations/triton_cpu.py`` does without Triton: it refuses versions and types, changes loops."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the arrays are torch's")

import torch

from benchmarks.engines import OF_RECURRENCES, full_name
from examples.integrations import triton_cpu
from rnn_goldens import Unsupported

HOME = Path(__file__).parents[2]
KERNEL = """
def kernel(x, BT: tl.constexpr):
    for i_t in {over}:
        o_t = i_t.to(tl.int64) * BT
        store(x, o_t)
"""
TENSOR = "i_t = interpreter_semantic.to_tensor(i_t, False)"
LONGEST = 15
"""The largest number of lines of an adapter."""


class Loops(ast.NodeTransformer):
    """The part of the interpreter's transformer that treats loops."""

    visit_For = triton_cpu.with_tensors  # noqa: N815 - a name of ast


@pytest.mark.parametrize(
    ("triton", "fla"), [("3.9.0", "0.5.2"), ("3.9.1", "0.6.0"), ("3.9.0", "0.6.1"), ("4.0", "1.0")]
)
def test_versions_that_were_not_tried_together_are_refused_with_those_that_were(triton: str, fla: str) -> None:
    with pytest.raises(RuntimeError) as error:
        triton_cpu.check_versions(triton, fla)
    assert str(error.value) == (
        f"triton {triton} with flash-linear-attention {fla} was not tried in Triton's interpreter. Known are: triton "
        "3.9.0 with flash-linear-attention 0.6.0; triton 3.6.0 with flash-linear-attention 0.5.2. Set "
        "TRITON_CPU_ANY_VERSION=1 to try."
    )


@pytest.mark.parametrize(("triton", "fla"), triton_cpu.KNOWN)
def test_known_versions_are_accepted(triton: str, fla: str) -> None:
    triton_cpu.check_versions(triton, fla)


def test_any_version_can_be_tried() -> None:
    triton_cpu.check_versions("4.0", "1.0", any_version=True)


def test_a_kernel_in_bfloat16_is_refused() -> None:
    with pytest.raises(
        Unsupported, match=r"^Triton's interpreter computes other numbers than a GPU in bfloat16: it cuts"
    ):
        triton_cpu.refuse(torch.zeros(1), torch.zeros(1, dtype=torch.bfloat16))


@pytest.mark.parametrize("array", [torch.zeros(1, dtype=torch.float64), np.zeros(1)])
def test_a_kernel_in_float64_is_refused(array: object) -> None:
    with pytest.raises(
        Unsupported, match=r"^the kernels of flash-linear-attention, vllm and sglang compute in float32$"
    ):
        triton_cpu.refuse(None, array)


def test_other_arguments_of_kernels_are_accepted() -> None:
    offsets = torch.tensor([0, 2])
    triton_cpu.refuse(torch.zeros(1), torch.zeros(1, dtype=torch.float16), offsets, offsets.int(), None, 0.5, 3, "tf32")


@pytest.mark.parametrize(
    ("over", "first"),
    [("range(NT)", TENSOR), ("tl.range(NT)", TENSOR), ("tl.static_range(4)", None), ("columns", None)],
)
def test_only_variables_of_loops_that_are_tensors_in_a_compiled_kernel_become_tensors(
    over: str, first: str | None
) -> None:
    tree = Loops().visit(ast.parse(KERNEL.format(over=over)))
    found = [ast.unparse(one) for one in tree.body[0].body[0].body]
    assert found == ([first] if first else []) + ["o_t = i_t.to(tl.int64) * BT", "store(x, o_t)"]


def test_loops_within_loops_change_as_well() -> None:
    tree = Loops().visit(ast.parse("for i in range(2):\n    for j in range(i):\n        f(i, j)"))
    assert ast.unparse(tree).count("to_tensor") == 2


@pytest.mark.parametrize("engine", OF_RECURRENCES)
def test_each_declared_function_is_an_adapter_that_is_listed_with_its_contract(engine: str) -> None:
    path = HOME / f"conformance/{engine}.py"
    tree = ast.parse(path.read_text("utf-8") if path.exists() else "")  # an engine may need no file
    lines = {one.name: (one.end_lineno or 0) - one.lineno + 1 for one in tree.body if isinstance(one, ast.FunctionDef)}
    listed = (HOME / "conformance/README.md").read_text("utf-8")
    for one in OF_RECURRENCES[engine]:
        assert lines.get(one.function, 0) <= LONGEST, one.function
        contract = f"`{one.contract}`" if one.contract else "default"
        row = rf"^\| `{re.escape(full_name(engine, one))}` \|.*\| {re.escape(contract)} \|$"
        assert re.search(row, listed, re.MULTILINE), one.function
