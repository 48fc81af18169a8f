"""The pytest plugin. pytest loads ``hooks`` and ``options``; other modules are imported when used.

Four modules define what a project's tests can use:

- ``OPTIONS``: command-line options, which can also be set in the ini file.
- ``settings`` checks them, and reads ``@pytest.mark.rnn_goldens``, which selects goldens and parametrizes tests.
- ``fixture``: the fixture ``rnn_golden``, which records what a test checks, and restores what it changed;
  ``implementation`` has the fixture ``rnn_implementation``, and guards its calls.
- ``report_file``: the file that ``--rnn-goldens-report`` writes.

Internal modules, among others: ``check_log`` records the comparisons of a test, ``outcomes`` derives the outcome,
``run_results`` collects the outcomes of a run, and ``session_finish`` turns them into an exit code and prints them.
``builtin_check`` runs ``rnn-goldens check``.
"""

from collections.abc import Iterator, Mapping
from typing import Any

OPTIONS = {
    "dtype": "Only in these precisions: float64, float32, bfloat16, float16 (default of tests and check: float32), "
    "or int8, int16 of integer LSTMs.",
    "ids": "Only goldens with these ids: lstm/*,documented/*.",
    "cell": "Only goldens of these cells: rnn_tanh, rnn_relu, lstm, gru, or a dialect, recurrence or integer LSTM "
    "of rnn-goldens list --dialects.",
    "features": "Only goldens that have all of these: lengths, state, ...",
    "without": "Only goldens that have none of these.",
    "calls": "Call patterns to run as well: twice, rows, chunks, weights, views.",
    "outputs": "Compare only these outputs: out, if h_n is not returned.",
    "profile": "Which rounding errors to allow: tf32, wgsl, step, chunk=16 to chunk=256, operands-stored, all-stored.",
    "embed": "Larger sizes for a kernel of a fixed size: d_k=128,heads=4 or hidden_size=64,batch=16.",
    "corpus": "A corpus version, a folder with an index.json, or several: v2,goldens (default: the newest version).",
    "implementation": "What rnn_implementation returns: a built-in name, package.module:callable, or '-- COMMAND'.",
    "time-limit": "Seconds for one golden (default: 10 for a program, 60 in Python).",
    "at-least": "Fail unless so many goldens are compared: a selection that loses goldens is an error.",
    "known-failures": "A file of lines 'ID-PATTERN cell=... features=...  # reason or issue URL': goldens that are "
    "known to fail; one that passes is an error.",
    "skip": "A file like that of known failures: goldens not to run, because they hang or crash.",
    "report": "Write the results: an HTML page if FILE ends with .html (needs rnn-goldens[html]), else JSON.",
}
"""Options of the plugin, which ``rnn-goldens check`` takes, too."""

NAMES = ("dtype", "ids", "cell", "features", "without", "calls", "outputs", "profile", "embed")
"""Options that are names, separated by commas."""

FLAGS = {
    "gradients": "Only goldens with gradients, which are checked instead of outputs.",
    "update-known-failures": "Rewrite the file of known failures from this run.",
}
"""Options without a value."""

CHECK_HERE = "check-here"
"""The hidden command that runs a check in a child process: ``check-here FOLDER ALIVE``."""


def as_typed(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield plugin options as typed on a command line. Flags have the value ``True``; empty values are left out."""
    for name, value in options.items():
        option = f"--rnn-goldens-{name.replace('_', '-')}"
        if value is True:
            yield option
        elif value:
            yield f"{option}={','.join(value) if isinstance(value, tuple | list) else value}"
