"""Options and ini settings, and the names that hooks share with the modules that they import later."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    pass


DRAWING = "rnn_goldens.fuzz.example_log"
"""The module that a run imports only if a test draws goldens."""

RUN_RESULTS = pytest.StashKey[Any]()
"""The ``RunResults`` of a run that has tests of goldens."""

INCOMPLETE = pytest.StashKey[str]()
"""Why tests of goldens may be unknown: a file could not be collected, or a worker died before it reported its tests."""

MARKER = (
    "rnn_goldens(ids=..., cell=..., features=..., without=..., dtypes=..., corpus=..., calls=..., outputs=..., "
    "profile=..., embed=..., gradients=True): select the goldens that the rnn_golden fixture passes to this test (one "
    "at a time), the call patterns of its check_calls, the outputs to compare, the profile, and larger sizes; each "
    "argument is a name or a list of names, except gradients, which is True if the test checks gradients"
)

PASSES_AGAIN = "[XPASS(strict)]"
"""Start of pytest's reason for a known failure that passes."""


def ini_name(name: str) -> str:
    """Return the name of an option in the ini file, and among pytest's options."""
    return f"rnn_goldens_{name.replace('-', '_')}"


def setting(config: pytest.Config, name: str) -> str:
    """Return the value of an option, else of the ini setting of the same name, else ""."""
    return str(config.getoption(ini_name(name)) or config.getini(ini_name(name)))


def flag(config: pytest.Config, name: str) -> bool:
    """Return whether an option without a value is set, on the command line or in the ini file."""
    return bool(config.getoption(ini_name(name)) or config.getini(ini_name(name)))
