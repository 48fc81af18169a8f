"""A run of ``check --exhaustive``: in a process of its own that is watched over, as every run of ``check``."""

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from rnn_goldens.errors import WrongUse
from rnn_goldens.exhaustive import suite
from rnn_goldens.exhaustive.arguments import ASKED
from rnn_goldens.exhaustive.corpus import every_argument
from rnn_goldens.exhaustive.progress import Progress
from rnn_goldens.plugin.builtin_check.watched import Finished, Suite
from rnn_goldens.plugin.builtin_check.watched import run as run_watched

_QUIETLY = ("--tb=no", "-r", "N", "--disable-warnings")
"""The table says what is wrong and where; whoever wants more asks pytest for it."""


def run(implementation: str, arguments: Sequence[str], *, resume: bool) -> Finished:
    """Visit every argument, or those that an interrupted run has not.

    Args:
        implementation: as ``check`` takes it.
        arguments: for pytest.
        resume: whether to go on with an interrupted run.

    Raises:
        WrongUse: python-flint is not installed, the folder can not be written to, or there is no interrupted run.
    """
    if not find_spec("flint"):
        raise WrongUse(
            "check --exhaustive certifies what it asks, and needs python-flint: pip install 'rnn-goldens[generate]'"
        )
    progress = Progress.of(implementation, Path.cwd())
    progress.begin(resume=resume)
    asked = (f"--rnn-goldens-dtype={','.join(ASKED)}", *_QUIETLY, *arguments, f"--rnn-goldens-progress={progress.path}")
    test = Path(suite.__path__[0]) / "test_every_argument.py"
    finished = run_watched(implementation, asked, suite=Suite(test, "rnn_goldens.exhaustive.plugin"))
    if finished.document is not None and finished.document["complete"]:
        progress.end()
        return finished
    visited = len(progress.read())
    if not visited:
        progress.end()
        return finished
    all_parts = len(every_argument().entries)
    how_far = f"{visited} of all {all_parts} parts were judged before the run ended; the same with --resume goes on"
    return replace(finished, trouble=f"{finished.trouble}\n{how_far}" if finished.trouble else how_far)
