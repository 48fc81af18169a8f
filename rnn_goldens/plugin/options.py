"""What hooks share with the modules that they import later: options and ini settings, names, and what reports carry."""

from typing import TYPE_CHECKING, Any, TypedDict

import pytest

if TYPE_CHECKING:
    from rnn_goldens.golden_result import Drawn, Result

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


PROPERTY = "rnn_goldens"
"""User property of a report: the entry of the results file, as JSON. JUnit XML files contain it."""

MESSAGE = "rnn_goldens_message"
"""Attribute of a report, and key of a worker's ``workeroutput``: a ``Message``, which xdist sends."""


class Message(TypedDict, total=False):
    """What hooks learn from a report besides the entry of the results file, or from a worker at its end.

    Keys:
        selected: with a worker's first report of a golden: the entries of its tests.
        refused: the reason of a refusal.
        calls: with a test's last report: the call patterns that were run, and those that the implementation refused.
        sizes: with a test's last report: the sizes of its golden, by noun.
        drawn: with a test's last report: the details of wrong results for an HTML page.
        late: findings made after a test had ended.
        is_late: the report passes a late finding to other plugins.
        failures: wrong outputs and gradients of a worker, pickled.
        cells: cells that the user named, whose equations may explain failures.
        program: name and version of the program under test.
    """

    selected: list["Result"]
    refused: str
    calls: dict[str, Any]
    sizes: dict[str, int]
    drawn: "Drawn"
    late: list[dict[str, str]]
    is_late: bool
    failures: bytes
    cells: list[str]
    program: dict[str, str]


def message_of(report: object) -> Message:
    """Return the message of a report; {} if it has none."""
    message: Message = getattr(report, MESSAGE, Message())
    return message


def result_of(report: pytest.TestReport | pytest.CollectReport) -> "Result | None":
    """Return the entry of the results file that a report carries; None if the test has no golden."""
    for name, value in getattr(report, "user_properties", ()):
        if name == PROPERTY:
            from json import loads

            try:
                found: Result = loads(value)
            except (TypeError, ValueError):  # another plugin's property of this name
                continue
            if isinstance(found, dict) and found.keys() >= {"golden", "dtype", "outcome"}:
                return found
    return None


def without_golden(node: str, golden: str, dtype: str) -> str:
    """Return the node id of a test, ``test_a.py::test_mine[fast-lstm/plain-float32]``, without its golden.

    Its other parameters stay: they may select the network.
    """
    before, found, after = node.partition(f"{golden}-{dtype}")
    if not found:
        return node
    if not before.endswith("["):
        return f"{before.removesuffix('-')}{after}"
    after = after.removeprefix("-")
    return f"{before[:-1]}{after[1:]}" if after.startswith("]") else f"{before}{after}"
