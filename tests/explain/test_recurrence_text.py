"""A golden of a recurrence is shown one head at a time, with the first difference of the user's numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnn_goldens import load
from rnn_goldens.cells import golden_case
from rnn_goldens.errors import WrongUse
from rnn_goldens.explain.golden_text import Choice
from rnn_goldens.explain.reader_outputs import read_outputs
from rnn_goldens.explain.recurrence_text import recurrence_text


def shown(golden_id: str, choice: Choice = Choice(), changed: tuple[str, tuple[int, ...]] | None = None) -> Any:  # noqa: B008
    golden = load(golden_id, dtype="float32")
    if changed is None:
        return recurrence_text(golden, choice)
    outputs = {name: np.array(array) for name, array in golden.stored.expected.items()}
    outputs[changed[0]][changed[1]] += 1
    return recurrence_text(golden, choice, outputs)


@pytest.mark.parametrize(
    ("golden_id", "changed", "place"),
    [
        ("gated-delta/several-steps", ("o", (1, 2, 1, 0)), "o, row 1, head 1, time step 2"),
        ("gated-delta/grouped-values", ("o", (0, 1, 4, 0)), "o, row 0, head 4, time step 1"),
        ("gated-delta/packed", ("o", (0, 6, 1, 1)), "o, row 2, head 0, time step 1"),
        ("gated-delta/packed", ("S_n", (1, 0, 0, 0)), "S_n, row 1, head 0, time step 0"),
        ("selective-scan/groups", ("y", (0, 3, 5)), "y, row 0, head 1, time step 3"),
        ("causal-conv/several-steps", ("window_n", (1, 1, 0)), "window_n, row 1, head 1, time step 3"),
        ("slstm/several-steps", ("out", (0, 0, 1, 1)), "out, row 0, head 1, time step 0"),
    ],
)
def test_the_first_difference_is_found_and_its_step_is_shown(golden_id: str, changed: Any, place: str) -> None:
    text, right = shown(golden_id, changed=changed)
    assert not right
    assert f"the first difference is in {place}: yours is" in " ".join(text.split())
    where = place.split(", ", 1)[1]
    assert f"\n{where}\n" in text
    assert f"your {changed[0]}" in text


def test_right_numbers_are_said_to_be_right_and_a_wrong_recurrence_is_named() -> None:
    golden = load("gated-delta/several-steps", dtype="float32")
    text, right = recurrence_text(golden, Choice(), dict(golden.stored.expected))
    assert right
    assert "your numbers are right: o, S_n" in text
    from rnn_goldens.deviations import deviation

    wrong = deviation("scale_left_out").outputs(golden_case(golden, np.float64))
    assert "looks like scale_left_out" in recurrence_text(golden, Choice(), wrong)[0]


def test_the_states_after_a_step_are_those_before_the_next() -> None:
    text, _ = shown("delta-rule/several-steps")
    first, second = text.split("\n\n")[1:3]
    _, after = first.split("\n  S   ")
    _, before = second.split("\n  S before")
    assert before.split("\n  o ")[0].split() == after.split() != []


def test_packed_sequences_have_rows_with_time_steps_of_their_own() -> None:
    text, _ = shown("gated-delta/packed", Choice(row=1))
    assert "3 packed sequences, 9 time steps" in " ".join(text.split())
    assert text.count("time step ") == 1
    with pytest.raises(WrongUse, match="--step 1: row 1 of gated-delta/packed has time steps 0 to 0"):
        shown("gated-delta/packed", Choice(row=1, step=1))


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Choice(head=7), "--head 7: gated-delta/packed has heads 0 to 0"),
        (Choice(row=3), "--row 3: gated-delta/packed has rows 0 to 2"),
        (Choice(layer=0), "--layer: gated-delta/packed is a golden of a recurrence"),
    ],
)
def test_parts_that_do_not_exist_are_refused(choice: Choice, message: str) -> None:
    with pytest.raises(WrongUse, match=message):
        shown("gated-delta/packed", choice)


def test_a_file_of_outputs_needs_the_output_of_the_recurrence(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", S_n=np.zeros((3, 1, 3, 2)))
    with pytest.raises(WrongUse, match="has no 'o', which is required; optional are S_n"):
        read_outputs(tmp_path / "mine.npz", load("gated-delta/packed"))
