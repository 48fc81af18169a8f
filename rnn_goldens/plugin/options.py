"""What hooks and the files that they import when a golden is asked for call things by."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from rnn_goldens.result import Result

OPTIONS = {
    "dtype": "precisions to check in, comma-separated: float64, float32, bfloat16, float16 (default: float32)",
    "ids": "only goldens with these ids or patterns, comma-separated: lstm/*,documented/*",
    "cell": "only goldens of these cells, comma-separated: rnn_tanh, rnn_relu, lstm, gru",
    "features": "only goldens that have all of these features, comma-separated: state, lengths, core, ...",
    "without": "only goldens that have none of these features, comma-separated: bidirectional, unbatched, ...",
    "calls": "ways to call an implementation besides once, comma-separated: twice, rows, chunks, weights, views",
    "outputs": "compare these outputs alone, of an implementation that returns no others: out (default: all)",
    "corpus": "a corpus version, a folder with an index.json, or several: v1,goldens/ (default: the newest version)",
    "implementation": "what the rnn_implementation fixture is: a built-in name, package.module:callable, or "
    "'-- COMMAND', a program",
    "time-limit": "seconds that rnn_implementation has for one golden (default: 10 for a program, 60 in Python)",
    "known-failures": "a file of lines 'ID-pattern cell=... features=...  # reason or issue URL'; one that passes "
    "is an error",
    "skip": "a file of the same kind: goldens that are not to be asked, as they hang or crash",
    "report": "write what was found to this file: .html to look at (needs rnn-goldens[html]), else JSON for programs",
}

FLAGS = {
    "gradients": "only goldens that have gradients, which the tests have to check with check_gradients (ini: true)",
    "update-known-failures": "let the file of known failures be what this run finds",
}
"""Options that are given or not."""

PROPERTY = "rnn_goldens"
"""The user property of a report that holds an entry of the results file, as JSON; JUnit XML shows it."""

ASKED = "rnn_goldens_asked"
"""The attribute of a worker's first report of a golden that lists the tests of goldens it collected."""

CALLED = "rnn_goldens_called"
"""The attribute of a test's last report that holds in which ways an implementation was called, and which it refused."""

CAME_LATE = "rnn_goldens_late"
"""The attribute of a report, and the name among a worker's last words, of what was found after a test had ended."""

CELLS_NAMED = "rnn_goldens_cells"
"""The name among a worker's last words of the cells that the user named, whose equations may explain failures."""

DRAWING = "rnn_goldens.fuzzing.tested"
"""The module that is there where a test draws goldens; whoever only checks never imports it."""

DRAWN = "rnn_goldens_drawn"
"""The attribute of a report that holds what a page shows of wrong outputs."""

FAILURES = "rnn_goldens_failures"
"""The name among a worker's last words of the outputs that were wrong."""

FAILURES_OF_WORKERS = pytest.StashKey[list[Any]]()
"""Those of all workers."""

PROGRAM = pytest.StashKey[dict[str, str]]()
"""What a program that was started calls itself, and its version."""

PROGRAM_SAYS = "rnn_goldens_program"
"""The name of the same among a worker's last words."""

TOLD_LATE = "rnn_goldens_told_late"
"""The attribute of a report that says such a thing to other plugins."""

REFUSED_BECAUSE = "rnn_goldens_refused"
"""The attribute of the report in which an implementation refused: its reason."""

MARKER = (
    "rnn_goldens(ids=..., cell=..., features=..., without=..., dtypes=..., corpus=..., calls=..., outputs=..., "
    "gradients=True): which goldens the rnn_golden fixture gives to this test, one at a time, in which ways its "
    "check_calls calls an implementation, and which outputs alone are compared; "
    "each argument is a name or a list of names, but gradients: whether the test checks those"
)

PASSES_AGAIN = "[XPASS(strict)]"
"""How pytest's reason begins for a known failure that passes."""

NOT_COLLECTED = pytest.StashKey[bool]()
"""Set in a run in which a file could not be collected."""

LOST = pytest.StashKey[bool]()
"""Set in a run in which a worker died before it said which tests of goldens there are."""


def setting(config: pytest.Config, name: str) -> str:
    """An option's value, or its ini twin's, or ""."""
    ini_name = f"rnn_goldens_{name.replace('-', '_')}"
    return str(config.getoption(ini_name) or config.getini(ini_name))


def flag(config: pytest.Config, name: str) -> bool:
    """Whether an option, or its ini twin, is set that takes no value."""
    ini_name = f"rnn_goldens_{name.replace('-', '_')}"
    return bool(config.getoption(ini_name) or config.getini(ini_name))


def result_of(report: pytest.TestReport | pytest.CollectReport) -> "Result | None":
    """What was noted on a test's report; None if the test had no golden."""
    for name, value in getattr(report, "user_properties", ()):
        if name == PROPERTY:
            from json import loads

            try:
                found: Result = loads(value)
            except (TypeError, ValueError):  # a property of this name that is not ours
                continue
            if isinstance(found, dict) and found.keys() >= {"golden", "dtype", "outcome"}:
                return found
    return None


def without_golden(node: str, golden: str, dtype: str) -> str:
    """The node id of a test without its golden: with its other parameters, for they may say which network is asked.

    Args:
        node: such as ``test_a.py::test_mine[fast-lstm/plain-float32]``.
        golden: the golden's id.
        dtype: the precision.
    """
    before, found, after = node.partition(f"{golden}-{dtype}")
    if not found:
        return node
    if before.endswith("["):
        after = after.removeprefix("-")
        return f"{before[:-1]}{after[1:]}" if after.startswith("]") else f"{before}{after}"
    return f"{before.removesuffix('-')}{after}"
