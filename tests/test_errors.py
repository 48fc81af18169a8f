"""Errors go from process to process."""

import pickle

import pytest

from rnn_goldens import GoldenMismatch, InvalidFile, Refused, RnnGoldensError, UnknownName, load
from rnn_goldens.errors import WorkersFailed

ERRORS = [
    InvalidFile("a.h5", ["is damaged", "is old"], "Make it again."),
    UnknownName("golden", "lstm/plane", ["lstm/plain"]),
    Refused("mine/a: is refused"),
    WorkersFailed("gone"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_comes_from_another_process_as_it_was_raised(error: RnnGoldensError) -> None:
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is type(error)
    assert str(twin) == str(error)
    assert vars(twin) == vars(error)


def test_a_mismatch_does_too() -> None:
    golden = load("documented/single-sequence")
    twin = pickle.loads(pickle.dumps(GoldenMismatch(golden.compare(golden.out + 1, golden.h_n))))
    assert not twin.verdict.passed
