"""Runs a folder of test cases with the test runner of ONNX."""

import unittest
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx.backend.test.runner
import pytest
from onnx import ModelProto
from onnx.backend.base import Backend, BackendRep
from onnx.backend.test.loader import load_model_tests
from onnx.reference import ReferenceEvaluator


class Reference(BackendRep):  # type: ignore[misc,no-untyped-call,unused-ignore]
    """Adapts the reference evaluator to the runner, which passes inputs by position."""

    def __init__(self, model: ModelProto) -> None:
        self.evaluator = ReferenceEvaluator(model)

    def run(self, inputs: Any, **_: Any) -> tuple[Any, ...]:
        named = dict(zip(self.evaluator.input_names, inputs, strict=True))
        return tuple(self.evaluator.run(None, named))


class ReferenceBackend(Backend):
    @classmethod
    def prepare(cls, model: ModelProto, device: str = "CPU", **_: Any) -> BackendRep:  # noqa: ARG003 - ONNX's signature
        return Reference(model)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device == "CPU"


def _backend(name: str) -> Any:
    if name == "onnx.reference":
        return ReferenceBackend
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # onnxruntime.backend imports deprecated parts of onnx
        import onnxruntime.backend

    return onnxruntime.backend


def run_cases(folder: Path, backend: str) -> Mapping[str, str]:
    """Run every case of a folder with the runner of ONNX; return the failure of each case by name, "" if it passed."""
    cases = load_model_tests(str(folder.parent), folder.name)
    with pytest.MonkeyPatch.context() as patch:  # ONNX's own cases take ten seconds to create
        patch.setattr(onnx.backend.test.runner, "load_model_tests", lambda kind: cases if kind == "simple" else [])
        runner = onnx.backend.test.runner.Runner(_backend(backend))
    result = unittest.TestResult()
    runner.test_suite.run(result)
    failures = {test.id().rpartition(".")[2]: text for test, text in [*result.failures, *result.errors]}
    skipped = {test.id().rpartition(".")[2] for test, _ in result.skipped}  # cases for missing devices
    assert {f"{case.name}_cpu" for case in cases}.isdisjoint(skipped)
    assert result.testsRun == 2 * len(cases)
    return {case.name: failures.get(f"{case.name}_cpu", "") for case in cases}
