"""Golden data for recurrent neural networks: load a golden and compare an implementation with it.

The names below are the public API. Each is imported on first use, so that the pytest plugin costs nothing in a project
that does not use goldens.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnn_goldens.cells.steps import Step
    from rnn_goldens.checkable_golden import Golden
    from rnn_goldens.comparison.verdict import Difference, GoldenMismatch, Verdict
    from rnn_goldens.corpus import load, select
    from rnn_goldens.encoding.saved_golden import read, save
    from rnn_goldens.errors import InvalidFile, ProgramFailed, RnnGoldensError, UnknownName, Unsupported
    from rnn_goldens.generator.certification import certify
    from rnn_goldens.generator.integer_scenario import IntegerScenario
    from rnn_goldens.generator.recurrence_scenario import RecurrenceScenario
    from rnn_goldens.generator.scenario import Refused, Scenario
    from rnn_goldens.golden.shapes import Config
    from rnn_goldens.implementations.kernel import kernel

__all__ = [
    "Config",
    "Difference",
    "Golden",
    "GoldenMismatch",
    "IntegerScenario",
    "InvalidFile",
    "ProgramFailed",
    "RecurrenceScenario",
    "Refused",
    "RnnGoldensError",
    "Scenario",
    "Step",
    "UnknownName",
    "Unsupported",
    "Verdict",
    "certify",
    "kernel",
    "load",
    "read",
    "save",
    "select",
]

_MODULES = {
    "cells.steps": ("Step",),
    "corpus": ("load", "select"),
    "encoding.saved_golden": ("read", "save"),
    "errors": ("InvalidFile", "ProgramFailed", "RnnGoldensError", "UnknownName", "Unsupported"),
    "checkable_golden": ("Golden",),
    "generator.certification": ("certify",),
    "generator.integer_scenario": ("IntegerScenario",),
    "generator.recurrence_scenario": ("RecurrenceScenario",),
    "generator.scenario": ("Refused", "Scenario"),
    "golden.shapes": ("Config",),
    "implementations.kernel": ("kernel",),
    "comparison.verdict": ("Difference", "GoldenMismatch", "Verdict"),
}


def __getattr__(name: str) -> object:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"rnn_goldens.{module}"), name)
    raise AttributeError(f"module 'rnn_goldens' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
