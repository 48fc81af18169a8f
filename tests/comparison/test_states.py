"""States after single steps: what is right, and of which other step, row or sequence a wrong one is."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import rnn_goldens
from rnn_goldens import Golden, GoldenMismatch, UnknownName
from rnn_goldens.cells import case_of
from rnn_goldens.deviations import deviation
from rnn_goldens.errors import WrongUse

ATTENTION, PACKED, LSTM = "gated-delta/several-steps", "gated-delta/packed", "lstm/lengths"


def golden(golden_id: str, dtype: str = "float32") -> Golden:
    """Return a golden with its states after every step."""
    return rnn_goldens.certify(rnn_goldens.load(golden_id, dtype=dtype), states=True)


def outputs(of: Golden) -> dict[str, NDArray[Any]]:
    """Return copies of the expected outputs: a golden refuses its own arrays."""
    return {name: array.copy() for name, array in of.expected.items()}


def states(of: Golden) -> dict[str, NDArray[Any]]:
    """Return copies of the expected states after every step."""
    return {name: array.copy() for name, array in of.expected_states.items()}


def first_line(of: Golden, step: int, **given: object) -> str:
    """Return the first line of the message for wrong states after a step, without the golden's id and precision."""
    verdict = of.compare(outputs(of), states_at={step: given})
    assert not verdict.passed
    assert [*verdict.differences] == [*of.layout.outputs, *(f"{name} after step {step}" for name in given)]
    return verdict.message.splitlines()[0].partition(": ")[2]


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize("golden_id", [ATTENTION, PACKED, LSTM, "gru/lengths", "gru/bidirectional", "lstm/unbatched"])
def test_the_right_states_pass_at_every_step(golden_id: str, dtype: str) -> None:
    one = golden(golden_id, dtype)
    every = states(one)
    longest = max(map(len, every.values()))
    at = {step: {name: array[step] for name, array in every.items() if step < len(array)} for step in range(longest)}
    one.check(outputs(one), states_at=at)
    verdict = one.compare(outputs(one), states_at=at)
    assert verdict
    assert len(verdict.differences) == len(one.layout.outputs) + sum(map(len, every.values()))


def test_a_state_after_another_step_is_named() -> None:
    one, every = golden(ATTENTION), states(golden(ATTENTION))["S"]
    assert first_line(one, 3, S=every[2]) == "S after step 3 is the state after step 2"
    assert first_line(one, 3, S=every[0]) == "S after step 3 is the initial state"
    assert first_line(one, 1, S=every[2]) == "S after step 1 is the state after step 2"
    lstm = golden(LSTM)
    late = states(lstm)["c"][0]
    late[:, 2] = states(lstm)["c"][1, :, 2]  # of one step, which all later ones repeat
    assert first_line(lstm, 0, c=late) == "c after step 0 is, in batch 2, the state after step 1"
    part = every[2].copy()
    part[1] = every[1, 1]
    assert first_line(one, 2, S=part) == "S after step 2 is, in batch 1, the state after step 1"


def test_the_states_of_another_row_or_sequence_are_named() -> None:
    one, every = golden(ATTENTION), states(golden(ATTENTION))["S"]
    swapped = "S after step 2 has in batch 0 the state of batch 1 and in batch 1 the state of batch 0"
    assert first_line(one, 2, S=every[2, ::-1]) == swapped
    packed = golden(PACKED)
    by_name = states(packed)
    assert first_line(packed, 1, S_1=by_name["S_2"][1]) == "S_1 after step 1 is S_2 after step 1"
    assert first_line(packed, 4, S_2=by_name["S_0"][0]) == "S_2 after step 4 is S_0 after step 0"


def test_other_wrong_states_have_a_place_in_words() -> None:
    one, every = golden(ATTENTION), states(golden(ATTENTION))["S"]
    every[2, 1, 0, 2, 1] += 1
    assert first_line(one, 2, S=every[2]).startswith(
        "S after step 2 is first wrong at batch 1, head 0, key 2, value 1: got "
    )
    packed = golden(PACKED)
    state = states(packed)["S_2"][4] + 1
    assert first_line(packed, 4, S_2=state).startswith(
        "S_2 after step 4 is first wrong at head 0, key 0, value 0: got "
    )
    lstm = golden(LSTM)
    line = first_line(lstm, 2, c=states(lstm)["c"][2] + 1)
    assert line.startswith("c after step 2 is first wrong at layer 0 (batch 0, unit 0): got ")
    assert line.endswith("(9 of 9 elements wrong)")
    assert "9 NaN" in lstm.compare(outputs(lstm), states_at={2: {"c": np.full((1, 3, 3), np.nan)}}).message


def test_what_cannot_be_compared_is_wrong() -> None:
    one, every = golden(ATTENTION), states(golden(ATTENTION))["S"]
    assert first_line(one, 2, S=every[2, 0]) == "S after step 2 has shape (2, 3, 2), want (2, 2, 3, 2)"
    assert first_line(one, 2, S=every[2].astype(np.float16)) == (
        "S after step 2 is float16: less precise than the declared float32"
    )
    assert first_line(one, 2, S=None).startswith("S after step 2 is None")


def test_a_message_lists_three_wrong_states_and_counts_the_others() -> None:
    one, every = golden(LSTM), states(golden(LSTM))
    at = {step: {"h": every["h"][step], "c": every["c"][step] + 1} for step in range(5)}
    lines = one.compare(outputs(one), states_at=at).message.splitlines()
    assert [line.strip() for line in lines[1:8]] == [
        "out: all 36 elements right",
        "h_n: all 9 elements right",
        "c_n: all 9 elements right",
        *(f"c after step {step}: 9 of 9 elements wrong" for step in range(3)),
        "other states after single steps: 2 wrong, 5 right",
    ]
    assert len(lines) <= 15


def test_wrong_outputs_are_reported_first_and_explained_as_without_states() -> None:
    one, every = golden("gru/plain"), states(golden("gru/plain"))
    wrong = deviation("w_hh_ignored").alteration(case_of(one, np.float32))
    alone, both = one.compare(*wrong), one.compare(*wrong, states_at={2: {"h": every["h"][2] + 1}})
    assert both.explained_by == alone.explained_by != ()
    assert both.message.splitlines()[0] == alone.message.splitlines()[0]
    assert "h after step 2: " in both.message
    of_states = one.compare(outputs(one), states_at={2: {"h": every["h"][2] + 1}})
    assert (of_states.explained_by, of_states.facts) == ((), {})


@pytest.mark.parametrize(
    ("at", "error", "message"),
    [
        (5, WrongUse, r'states_at takes states by step and name, such as \{64: \{"S": S\}\}, not a int'),
        ({}, WrongUse, "it has none, so no state would be compared"),
        ({2: {}}, WrongUse, "it has none, so no state would be compared"),
        ({"2": {}}, WrongUse, "'2' is not a step"),
        ({True: {}}, WrongUse, "True is not a step"),
        ({2: 3}, WrongUse, "for step 2 it has a int"),
        ({9: {"S": 0}}, WrongUse, f"states_at has step 9, but {ATTENTION} has S after steps 0 to 3"),
        ({-1: {"S": 0}}, WrongUse, "states_at has step -1"),
        ({2: {"T": 0}}, UnknownName, f"no state of {ATTENTION} 'T'. States of {ATTENTION}: S"),
    ],
)
def test_wrong_steps_and_names_are_errors(at: Any, error: type[Exception], message: str) -> None:
    one = golden(ATTENTION)
    with pytest.raises(error, match=message):
        one.compare(outputs(one), states_at=at)


def test_packed_sequences_have_states_by_sequence() -> None:
    one = golden(PACKED)
    text = f"{PACKED} has packed sequences: states_at takes that of each, S_0, S_1 and S_2"
    with pytest.raises(WrongUse, match=text):
        one.compare(outputs(one), states_at={1: {"S": states(one)["S_0"][1]}})


def test_a_golden_does_not_compare_its_own_states_and_does_not_give_them_away() -> None:
    one = golden(LSTM)
    for name in ("h", "c"):
        with pytest.raises(WrongUse, match=rf"an output is the golden's own {name} after every step"):
            one.check(outputs(one), states_at={4: {name: one.expected_states[name][4]}})
    with pytest.raises(AttributeError, match="the states of lstm/lengths after every step are expected values"):
        _ = one.for_implementation().expected_states
    assert not one.expected_states["c"].flags.writeable
    with pytest.raises(GoldenMismatch, match="c after step 4 is first wrong"):
        one.check(outputs(one), states_at={4: {"c": states(one)["c"][4] + 1}})


def test_a_contract_applies_to_states() -> None:
    one = golden("linear-attention/small-updates", "bfloat16")
    stored = states(one)["S"][100] * (1 + 2.0**-7)
    assert not one.compare(outputs(one), states_at={100: {"S": stored}})
    assert one.in_profile("all-stored").compare(outputs(one), states_at={100: {"S": stored}})
