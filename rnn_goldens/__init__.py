"""Golden data for recurrent neural networks: load a golden, compare an implementation with it.

The names below are the public face. Each is imported when it is first used, so that the pytest plugin costs a
project that never asks for a golden nothing but this file.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnn_goldens.cells.steps import Step
    from rnn_goldens.checkable.golden import Golden
    from rnn_goldens.corpus import load, select
    from rnn_goldens.encoding.one_golden import read, save
    from rnn_goldens.errors import InvalidFile, ProgramFailed, RnnGoldensError, UnknownName, Unsupported
    from rnn_goldens.generator.certify import certify
    from rnn_goldens.generator.scenario import Refused, Scenario
    from rnn_goldens.golden.shapes import Config
    from rnn_goldens.judging.verdict import Difference, GoldenMismatch, Verdict

__all__ = [
    "Config",
    "Difference",
    "Golden",
    "GoldenMismatch",
    "InvalidFile",
    "ProgramFailed",
    "Refused",
    "RnnGoldensError",
    "Scenario",
    "Step",
    "UnknownName",
    "Unsupported",
    "Verdict",
    "certify",
    "load",
    "read",
    "save",
    "select",
]

_HOMES = {
    "cells.steps": ("Step",),
    "corpus": ("load", "select"),
    "encoding.one_golden": ("read", "save"),
    "errors": ("InvalidFile", "ProgramFailed", "RnnGoldensError", "UnknownName", "Unsupported"),
    "checkable.golden": ("Golden",),
    "generator.certify": ("certify",),
    "generator.scenario": ("Refused", "Scenario"),
    "golden.shapes": ("Config",),
    "judging.verdict": ("Difference", "GoldenMismatch", "Verdict"),
}


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"rnn_goldens.{module}"), name)
    raise AttributeError(f"module 'rnn_goldens' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
