"""Errors can be pickled and sent to another process."""

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
def test_an_error_is_equal_after_pickling(error: RnnGoldensError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_a_mismatch_can_be_pickled() -> None:
    golden = load("documented/single-sequence")
    copy = pickle.loads(pickle.dumps(GoldenMismatch(golden.compare(golden.out + 1, golden.h_n))))
    assert not copy.verdict.passed
