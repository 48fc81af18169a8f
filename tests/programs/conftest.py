from collections.abc import Callable
from pathlib import Path

import pytest
from programs.checking import TINY_RNN, Checked, check_program

Check = Callable[..., Checked]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Check ``tiny_rnn.py``, told what to do, or another command."""

    def run(*options: str, tell: tuple[str, ...] = (), command: tuple[str, ...] = TINY_RNN) -> Checked:
        return check_program(tmp_path, options, (*command, *tell))

    return run
