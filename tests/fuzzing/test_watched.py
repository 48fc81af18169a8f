"""What a process leaves behind that is watched over: the golden it is asked, as long as it is."""

import os
from pathlib import Path

import pytest

from rnn_goldens import load
from rnn_goldens.errors import ProgramFailed
from rnn_goldens.fuzzing.watched import Watched


def test_a_golden_is_asked_until_its_outputs_are_there_and_not_while_others_are_drawn(tmp_path: Path) -> None:
    watched, golden = Watched(tmp_path), load("documented/mini-batch")
    with watched.asking(golden):
        asked = watched.now()
        assert asked is not None
        assert asked.id == golden.id
    assert watched.now() is None
    assert watched.since() is None


def test_what_a_process_died_of_has_failed_without_being_asked_again(tmp_path: Path) -> None:
    watched, golden = Watched(tmp_path), load("documented/mini-batch")
    watched.note_death(golden, "was killed by SIGSEGV")
    with pytest.raises(ProgramFailed, match="the process that was asked was killed by SIGSEGV"), watched.asking(golden):
        os._exit(1)
