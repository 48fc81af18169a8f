"""Where sequences are cut, which steps run one by one, and how an implementation with states of its own is called."""

from typing import Any

import pytest

from rnn_goldens import Golden
from rnn_goldens.cells.runner import Runner
from rnn_goldens.comparison.call_patterns import CALL_PATTERNS, judged
from rnn_goldens.comparison.calls_in_parts import drawn
from rnn_goldens.corpus import open_corpus

CORPUS = open_corpus()


def load(golden_id: str) -> Golden:
    return CORPUS.load(golden_id, "float32")


def parts(pattern: str, golden_id: str) -> list[list[tuple[int, bool, bool]]]:
    """Return the number of steps of each call of each result, whether it is given states, and whether it continues."""
    calls, found, runner = list[Any](), list[list[tuple[int, bool, bool]]](), Runner()

    def run(inputs: Any) -> Any:
        calls.append((inputs.time, bool(inputs.given_states), inputs.call.continues))
        return runner(inputs)

    for results in CALL_PATTERNS[pattern].of(run, load(golden_id)):
        assert judged(results).passed
        found.append(calls.copy())
        calls.clear()
    return found


def test_long_sequences_are_cut_in_the_middle_at_drawn_steps_and_around_64() -> None:
    in_middle, anywhere, *around = parts("chunks", "gated-delta/150-steps")
    assert [time for time, *_ in in_middle] == [75, 75]
    assert len(anywhere) == 3
    assert sum(time for time, *_ in anywhere) == 150
    assert [[time for time, *_ in calls] for calls in around] == [[63, 87], [64, 86], [65, 85]]
    assert [[time for time, *_ in calls] for calls in parts("chunks", "sizes-gru/steps-65-no-state")[2:]] == [
        [63, 2],
        [64, 1],
    ]


def test_steps_are_drawn_by_the_golden() -> None:
    one, other = load("gated-delta/150-steps"), load("gated-delta/210-steps")
    assert drawn(one, 2, 150) == drawn(one, 2, 150) != drawn(other, 2, 150)
    assert drawn(one, 5, 3) == [1, 2]
    assert all(0 < step < 4 for step in drawn(one, 2, 4))


def test_no_sequence_is_cut_twice_in_the_same_way() -> None:
    assert [[time for time, *_ in calls] for calls in parts("chunks", "gru/plain")] == [[2, 2], [1, 2, 1]]
    assert parts("chunks", "sizes-gru/batch-9-no-state") == [[(1, False, False), (1, True, False)]]


def test_the_last_three_steps_or_half_of_a_short_sequence_run_one_by_one() -> None:
    (calls,) = parts("steps", "gated-delta/twenty-steps")
    assert calls == [(17, True, False), *[(1, True, False)] * 3]
    (calls,) = parts("steps", "lstm/plain")
    assert calls == [(2, False, False), *[(1, True, False)] * 2]


def test_parts_with_kept_states_are_given_none_and_continue_and_a_whole_call_follows() -> None:
    first, whole = parts("stateful", "gated-delta/twenty-steps")
    assert [time for time, *_ in first] == [10, 2, 7, 1]
    assert [given for _, given, _ in first] == [True, False, False, False]
    assert [continues for *_, continues in first] == [False, True, True, True]
    assert whole == [(20, True, False)]


@pytest.mark.parametrize(
    ("golden_id", "times"),
    [("lstm/plain", [1, 2, 1]), ("gated-delta/several-steps", [1, 1, 1]), ("sizes-gru/batch-9-no-state", [1, 1])],
)
def test_a_second_call_has_two_steps_if_there_are_four(golden_id: str, times: list[int]) -> None:
    first, _ = parts("stateful", golden_id)
    assert [time for time, *_ in first] == times
