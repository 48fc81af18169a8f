"""A run of ``check --exhaustive``: in a process of its own that is watched over, as every run of ``check``."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from rnn_goldens.errors import WrongUse
from rnn_goldens.exhaustive import suite
from rnn_goldens.exhaustive.arguments import ASKED
from rnn_goldens.plugin.builtin_check.watched import Finished, Suite
from rnn_goldens.plugin.builtin_check.watched import run as run_watched

_QUIETLY = ("--tb=no", "-r", "N", "--disable-warnings")
"""The table says what is wrong and where; whoever wants more asks pytest for it."""


def run(implementation: str, arguments: Sequence[str]) -> Finished:
    """Visit every argument.

    Args:
        implementation: as ``check`` takes it.
        arguments: for pytest.

    Raises:
        WrongUse: python-flint is not installed.
    """
    if not find_spec("flint"):
        raise WrongUse(
            "check --exhaustive certifies what it asks, and needs python-flint: pip install 'rnn-goldens[generate]'"
        )
    asked = (f"--rnn-goldens-dtype={','.join(ASKED)}", *_QUIETLY, *arguments)
    test = Path(suite.__path__[0]) / "test_every_argument.py"
    return run_watched(implementation, asked, suite=Suite(test, "rnn_goldens.exhaustive.plugin"))
