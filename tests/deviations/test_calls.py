"""Bugs between calls: single calls are right, the call patterns that each lists detect it, and a failure names it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rnn_goldens import Golden
from rnn_goldens.cells.runner import Runner
from rnn_goldens.comparison.call_patterns import CALL_PATTERNS, compare_calls
from rnn_goldens.comparison.verdict import Verdict
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import Deviation
from rnn_goldens.deviations.calls import CALLS
from rnn_goldens.deviations.wrong_calls import WrongCalls
from rnn_goldens.golden.features import KERNEL_SIZE
from rnn_goldens.golden.recurrences import INTEGER_LSTMS, RECURRENCES

CORPUS = open_corpus()
Run = Callable[[Any], Any]
ZERO, PACKED, LONG = "gated-delta/packed-from-zero", "gated-delta/packed", "gated-delta/twenty-steps"
UPPER, FIVE_STEPS = "lstm/two-layers-no-state", "lstm/hidden-17-batch-17-no-state"
INTEGERS, INTEGER_STATE = "lstm-int8-tflm/zero-points", "lstm-int8-cmsis/state"
GOLDENS = (ZERO, PACKED, LONG, UPPER, FIVE_STEPS)
FURTHER = (
    *GOLDENS,
    INTEGERS,
    INTEGER_STATE,
    "gated-delta/several-steps",
    "lstm/plain",
    "gru/plain",
    "causal-conv/packed",
    "rg-lru/packed",
)

NAMED = {
    "state_of_call_before_ignored": ("mixed", ZERO),
    "state_ignored_by_several_steps": ("mixed", ZERO),
    "kept_state_ignored": ("stateful", INTEGER_STATE),
    "kept_state_ignored_by_several_steps": ("stateful", LONG),
    "state_ignored_by_one_step": ("mixed", ZERO),
    "kept_state_not_updated_by_several_steps": ("stateful", LONG),
    "kept_state_not_updated_by_one_step": ("stateful", "gated-delta/several-steps"),
    "state_not_reset": ("twice", ZERO),
    "c_of_call_before_ignored": ("chunks", UPPER),
    "h_of_call_before_ignored": ("chunks", UPPER),
    "c_not_reset": ("twice", UPPER),
    "h_not_reset": ("twice", UPPER),
    "states_of_upper_layers_not_kept": ("steps", UPPER),
    "accepted_drafts_ignored": ("drafts", LONG),
    "one_accepted_draft_too_few": ("drafts", LONG),
    "snapshots_of_chunk_before": ("snapshots", LONG),
    "last_state_of_empty_sequence_zero": ("empty", PACKED),
}
"""Where no other bug gives the same results, by bug: others are the only one in their first pattern on ``ZERO``."""


def wrong(bug: Deviation) -> WrongCalls:
    assert isinstance(bug.wrong, WrongCalls)
    return bug.wrong


def suitable(bug: Deviation, golden_ids: tuple[str, ...], pattern: str) -> list[Golden]:
    """Return the goldens that a bug and a call pattern apply to."""
    goldens = [CORPUS.load(golden_id, "float32") for golden_id in golden_ids]
    return [one for one in goldens if bug.applies_to(one.cell) and CALL_PATTERNS[pattern].applies(one)]


def detected(bug: Deviation, pattern: str) -> Iterator[Golden]:
    """Yield the goldens on which a bug is right in a single call and wrong in a pattern."""
    for golden in suitable(bug, GOLDENS, pattern):
        once, *others = compare_calls(golden, wrong(bug).runner(), golden.compare, [pattern])
        if once[1].passed and any(not verdict.passed for _, verdict in others):
            yield golden


def named(bug: Deviation, pattern: str, golden: Golden) -> Verdict | None:
    """Return the verdict with causes on a bug in a pattern; None if the single call is wrong, or nothing is."""
    run: Run = wrong(bug).runner()
    verdicts = dict(golden.compared(run, [pattern]))
    verdict = verdicts.get(pattern)
    return verdict if verdicts["once"].passed and verdict is not None and not verdict.passed else None


@pytest.mark.parametrize("bug", CALLS, ids=lambda bug: bug.name)
def test_each_pattern_that_a_bug_lists_detects_it(bug: Deviation) -> None:
    assert [pattern for pattern in wrong(bug).calls if not any(detected(bug, pattern))] == []


@pytest.mark.parametrize("bug", CALLS, ids=lambda bug: bug.name)
def test_a_failure_names_the_bug_alone(bug: Deviation) -> None:
    pattern, golden_id = NAMED.get(bug.name, (wrong(bug).calls[0], ZERO))
    golden = CORPUS.load(golden_id, "float32")
    verdict = named(bug, pattern, golden)
    assert verdict is not None
    assert verdict.explained_by == (bug.name,)
    first, second = verdict.message.splitlines()[:2]
    assert first.startswith(f"{golden_id} in {golden.dtype}, like {bug.name}: ")
    assert second.startswith(f"  looks like {bug.name}: {bug.sentence[:20]}")


@pytest.mark.slow
@pytest.mark.parametrize("bug", CALLS, ids=lambda bug: bug.name)
def test_the_bug_is_among_the_causes_wherever_it_is_detected(bug: Deviation) -> None:
    for pattern in wrong(bug).calls:
        found = [named(bug, pattern, golden) for golden in suitable(bug, FURTHER, pattern)]
        causes = [verdict.explained_by for verdict in found if verdict is not None]
        assert causes
        assert [names for names in causes if bug.name not in names] == []


OF_INTEGERS = [bug for bug in CALLS if bug.applies_to("lstm_int8_tflm")]


def test_bugs_of_one_layer_between_calls_apply_to_integer_lstms() -> None:
    assert {bug.name for bug in OF_INTEGERS} == {
        *("state_of_call_before_ignored", "state_ignored_by_several_steps", "state_ignored_by_one_step"),
        *("kept_state_ignored", "kept_state_ignored_by_several_steps"),
        *("kept_state_not_updated_by_several_steps", "kept_state_not_updated_by_one_step"),
        *("state_not_reset", "c_not_reset", "h_not_reset", "c_of_call_before_ignored", "h_of_call_before_ignored"),
    }


@pytest.mark.parametrize("golden_id", [INTEGERS, "lstm-16x8-cmsis/plain"])
@pytest.mark.parametrize("bug", OF_INTEGERS, ids=lambda bug: bug.name)
def test_each_pattern_that_applies_to_an_integer_lstm_names_the_bug(bug: Deviation, golden_id: str) -> None:
    golden = CORPUS.load(golden_id, "float32")
    patterns = [pattern for pattern in wrong(bug).calls if CALL_PATTERNS[pattern].applies(golden)]
    verdicts = [named(bug, pattern, golden) for pattern in patterns]
    assert patterns
    assert [verdict is not None and bug.name in verdict.explained_by for verdict in verdicts] == [True] * len(patterns)


def wrong_verdicts(golden: Golden) -> list[str]:
    """Return the messages of a right runner in all call patterns."""
    run: Run = Runner()
    return [verdict.message for verdict in golden.compare_calls(run, list(CALL_PATTERNS)) if not verdict.passed]


@pytest.mark.parametrize("golden_id", [*FURTHER, "gru/with-state", "mamba2/groups"])
def test_a_right_runner_passes_every_call_pattern(golden_id: str) -> None:
    assert wrong_verdicts(CORPUS.load(golden_id, "float32")) == []


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn_tanh", *RECURRENCES])
def test_a_right_runner_passes_every_call_pattern_of_every_golden(cell: str, dtype: str) -> None:
    entries = [one for one in CORPUS.select(cell=cell) if dtype in one.precisions and KERNEL_SIZE not in one.features]
    assert [message for one in entries for message in wrong_verdicts(CORPUS.load(one.id, dtype))] == []


@pytest.mark.parametrize("cell", INTEGER_LSTMS)
def test_a_right_integer_lstm_passes_every_call_pattern_of_every_golden(cell: str) -> None:
    assert [text for entry in CORPUS.select(cell=cell) for text in wrong_verdicts(CORPUS.load(entry.id))] == []
