from collections.abc import Callable
from pathlib import Path

import pytest
from programs.checking import TINY_RNN, Checked, check_program

Check = Callable[..., Checked]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """A function that checks ``tiny_rnn.py``, with instructions to misbehave, or another command."""

    def run(*options: str, misbehaviours: tuple[str, ...] = (), command: tuple[str, ...] = TINY_RNN) -> Checked:
        return check_program(tmp_path, options, (*command, *misbehaviours))

    return run
