"""Deviations of recurrences as text, for the command explain."""

import pytest

from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.kill_matrix import detections
from rnn_goldens.deviations.families import RECURRENCES, RECURRENCES_BACK
from rnn_goldens.explain.recurrence_text import recurrence_deviation_text

CORPUS = open_corpus()
DETECTIONS = detections(CORPUS)
NAMED = {d.name: d for families in (RECURRENCES, RECURRENCES_BACK) for members in families.values() for d in members}


def test_a_deviation_is_shown_beside_the_right_code() -> None:
    text = recurrence_deviation_text(NAMED["decay_after_update"], CORPUS, DETECTIONS["decay_after_update"])
    assert text.startswith("decay_after_update: Applies the decay after the update instead of before.")
    assert "o is first wrong at time step 0" in " ".join(text.split())
    assert text.index("right: step of StepKernel") < text.index("wrong: step of StepKernel")


@pytest.mark.parametrize("name", list(NAMED)[::8])
def test_a_text_fits_a_screen(name: str) -> None:
    lines = recurrence_deviation_text(NAMED[name], CORPUS, DETECTIONS[name]).splitlines()
    assert len(lines) <= 50
    assert max(map(len, lines)) <= 80
