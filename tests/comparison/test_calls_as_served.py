"""What the call patterns of serving ask of an implementation, and what they say about wrong results."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rnn_goldens import Golden, Unsupported
from rnn_goldens.cells.runner import Runner
from rnn_goldens.comparison.call_patterns import CALL_PATTERNS, judged
from rnn_goldens.comparison.calls_in_parts import Results
from rnn_goldens.comparison.served_sequences import ANOTHER
from rnn_goldens.corpus import open_corpus
from rnn_goldens.golden.data import InputsData

CORPUS = open_corpus()
PACKED, ZERO, ONE, LONG = (
    f"gated-delta/{name}" for name in ("packed", "packed-from-zero", "several-steps", "twenty-steps")
)
Run = Callable[[InputsData], Any]


def load(golden_id: str, dtype: str = "float32") -> Golden:
    return CORPUS.load(golden_id, dtype)


def results(pattern: str, golden: Golden, run: Run) -> list[Results]:
    return list(CALL_PATTERNS[pattern].of(run, golden))


def asked(pattern: str, golden_id: str, refuses: Callable[[InputsData], bool] = lambda _: False) -> list[InputsData]:
    """Return the calls of a pattern to a right implementation, which all pass."""
    calls, runner = list[InputsData](), Runner()

    def run(inputs: InputsData) -> Any:
        if refuses(inputs):
            raise Unsupported("not this")
        calls.append(inputs)
        return runner(inputs)

    assert all(judged(found).passed for found in results(pattern, load(golden_id), run))
    return calls


def places(call: InputsData) -> list[Any]:
    assert call.call.state_indices is not None
    found: list[Any] = call.call.state_indices.tolist()
    return found


def pool_of(call: InputsData) -> NDArray[Any]:
    return call.states["S0"]


def steps_of(call: InputsData) -> list[int]:
    """Return the number of steps of each packed row of a call."""
    assert call.offsets is not None
    found: list[int] = np.diff(call.offsets).tolist()
    return found


def q_of(call: InputsData) -> list[NDArray[Any]]:
    """Return the queries of each row of a call, (steps, heads, d_k)."""
    q = call.inputs["q"]
    return list(q) if call.offsets is None else np.split(q[0], call.offsets[1:-1])


def test_the_pool_has_other_places_than_rows_and_a_row_of_padding_runs_in_each_call() -> None:
    first, *others = asked("pool", PACKED)
    assert places(first) == [-1, 7, 3, 1]
    assert [places(call) for call in others[:2]] == [[-1, 7, 3], [5, 1, -1]]  # two groups of rows take turns
    own = [7, 5, 3, 1]
    pool = pool_of(first)
    assert np.isfinite(pool[own]).all()
    assert np.isnan(pool[[2, 4, 6, 8]]).all()
    assert (pool[[0, -1]] == ANOTHER).all()  # where a wrong place of padding lies
    for call in (first, *others):
        rows, indices = q_of(call), places(call)
        at = indices.index(-1)
        assert any(np.array_equal(rows[at], row) for row in [*rows[:at], *rows[at + 1 :]])


def test_the_first_sequence_runs_twice_in_a_pool() -> None:
    for call in asked("pool", LONG)[:1]:
        _, once, again = q_of(call)
        assert places(call) == [-1, 3, 1]
        assert np.array_equal(once, again)
        assert np.array_equal(pool_of(call)[3], pool_of(call)[1])


def test_most_of_a_sequence_is_prefilled_and_the_rest_runs_by_steps() -> None:
    assert [call.time for call in asked("pool", LONG)] == [17, *[1] * 6]


def test_each_call_receives_the_pool_that_the_call_before_returned() -> None:
    golden, runner = load(ONE), Runner()
    before: NDArray[Any] | None = None

    def run(inputs: InputsData) -> Any:
        nonlocal before
        if before is not None:
            np.testing.assert_array_equal(pool_of(inputs), before.astype(np.float32))
        found = runner(inputs)
        before = found["S_n"]
        return found

    results("pool", golden, run)
    assert before is not None


def changing(place: int, value: float) -> Run:
    """Return an implementation that writes to a place that is not its own."""
    runner = Runner()

    def run(inputs: InputsData) -> Any:
        found = runner(inputs)
        if inputs.call.state_indices is not None:
            found["S_n"][place] = value
        return found

    return run


@pytest.mark.parametrize(
    ("place", "owner"), [(0, "no sequence has it"), (2, "no sequence has it"), (3, "it is that of sequence 1")]
)
@pytest.mark.parametrize("value", [0.0, 7.0])
def test_a_call_must_not_change_the_places_of_others(place: int, owner: str, value: float) -> None:
    found = results("pool", load(ONE), changing(place, value))[0]
    text = f"a call changed place {place} of the pool, which is not its own: {owner}"
    assert found.violation == text
    assert not judged(found).passed
    *_, verdict = load(ONE).compare_calls(changing(2, value), "pool")
    assert verdict.message.startswith(f"{ONE} in float32: a call changed place 2 of the pool, which is not its own")


def test_rows_of_one_step_are_beside_longer_ones_and_calls_say_which_rows_begin() -> None:
    first, second, third = asked("mixed", ZERO)
    begins = [~call.call.arguments["has_initial_state"] for call in (first, second, third)]
    assert [row.tolist() for row in begins] == [[True], [False, True, True], [False, False, False]]
    assert [len(q) for q in q_of(second)] == [2, 3, 1]
    assert (pool_of(second)[[3, 1]] == ANOTHER).all()  # what lies in the places of rows that begin
    assert np.array_equal(q_of(second)[2], q_of(first)[0])  # the first sequence again


def test_calls_do_not_say_which_rows_begin_where_the_implementation_cannot_take_it() -> None:
    calls = asked("mixed", ZERO, lambda inputs: inputs.call.has_initial_state is not None)
    assert [sorted(call.call.arguments) for call in calls] == [["state_indices"]] * 3
    assert not pool_of(calls[1])[[3, 1]].any()


def test_wrong_drafts_are_other_steps_and_the_number_of_accepted_ones_varies() -> None:
    calls, queries = asked("drafts", LONG), load(LONG).inputs["q"][0]
    lengths = [call.time for call in calls]
    assert lengths[:9] == [4] * 9
    assert lengths[9:13] == [1, 4, 1, 4]  # then every other call has drafts
    accepted = [int(call.call.arguments["num_accepted_tokens"][0]) for call in calls[:9]]
    assert accepted == [1, 2, 3, 4, 1, 2, 3, 4, 1]
    done = 0
    for call, right in zip(calls, accepted[1:], strict=False):
        assert np.array_equal(call.inputs["q"][0, :right], queries[done : done + right])
        wrong = call.inputs["q"][0, right:]
        assert not any(np.array_equal(a, b) for a, b in zip(wrong, queries[done + right :], strict=False))
        done += right


def test_each_row_has_a_place_for_each_drafted_step() -> None:
    first, *_ = asked("drafts", ONE)
    assert places(first) == [[6, 7, 8, 9], [1, 2, 3, 4], [-1, -1, -1, -1]]
    pool = pool_of(first)
    assert np.isfinite(pool[[6, 1]]).all()
    assert np.isnan(pool[[7, 8, 9, 2, 3, 4]]).all()


def test_rows_with_drafts_and_without_are_in_one_call_if_the_implementation_takes_it() -> None:
    packed = [call for call in asked("drafts", ONE) if call.offsets is not None]
    assert [steps_of(call) for call in packed[:2]] == [[4, 1, 1], [1, 4, 4]]  # the last one is padding
    assert all(call.offsets is None for call in asked("drafts", ONE, lambda inputs: inputs.offsets is not None))


def test_sequences_continue_from_each_snapshot() -> None:
    first, *others = asked("snapshots", PACKED)
    assert first.call.arguments == {"snapshot_every": 2}
    assert [call.time for call in others] == [2, 2]  # from step 2 of sequences 0 and 2; from step 4 no step is left
    golden = load(PACKED)
    found = Runner()(first)["snapshots"]
    assert np.array_equal(pool_of(others[0])[0], found[0].astype(np.float32))
    assert np.array_equal(q_of(others[1])[0], golden.inputs["q"][0, 7:])


def test_snapshots_of_packed_sequences_are_asked_for_if_the_implementation_takes_them() -> None:
    assert any(call.offsets is not None for call in asked("snapshots", ONE))
    assert all(call.offsets is None for call in asked("snapshots", ONE, lambda inputs: inputs.offsets is not None))


def test_snapshots_of_long_sequences_are_every_64_steps() -> None:
    first, *_ = asked("snapshots", "gated-delta/packed-chunks")
    assert first.call.snapshot_every == 64


def test_each_sequence_is_padded_on_the_left_with_steps_of_its_own() -> None:
    (call,) = asked("padding", PACKED)
    mask = call.call.arguments["mask"]
    assert mask.sum(axis=1).tolist() == [4, 1, 4]
    assert [row.tolist() for row in mask] == [sorted(row.tolist()) for row in mask]
    assert not mask[:, :2].any()
    assert call.inputs["q"].any(axis=(2, 3)).all()


def test_empty_sequences_are_first_between_the_others_and_last() -> None:
    (call,) = asked("empty", PACKED)
    assert steps_of(call) == [0, 4, 0, 1, 4, 0]
    states = pool_of(call)
    assert np.array_equal(states[1], states[0])
    assert states[1].any()


def returning(change: Callable[[InputsData, dict[str, Any]], Any]) -> Run:
    runner = Runner()
    return lambda inputs: change(inputs, runner(inputs))


def own_rows(inputs: InputsData, found: dict[str, Any]) -> Any:
    indices = inputs.call.state_indices
    return found["o"], found["S_n"] if indices is None else found["S_n"][indices]


@pytest.mark.parametrize(
    ("pattern", "run", "text"),
    [
        (
            "pool",
            returning(own_rows),
            r"a call with state_indices returned a state of shape \(3, 2, 3, 2\); expected t",
        ),
        (
            "pool",
            returning(own_rows),
            r"the pool, \(8, 2, 3, 2\): return it, or change it in place and return only the",
        ),
        (
            "snapshots",
            returning(lambda _, found: {**found, "snapshots": found.get("snapshots", found["S_n"])[:1]}),
            r"snapshots every 2 steps have shape \(1, 2, 3, 2\); expected \(2, 2, 3, 2\)",
        ),
        (
            "snapshots",
            returning(lambda _, found: (found["o"], found["S_n"])),
            "returned 2 parts; expected o, S_n, snap",
        ),
        ("padding", returning(lambda _, found: (found["o"], found["S_n"], 1)), "returned 3 parts; expected o, S_n$"),
        ("mixed", returning(lambda _, found: found["o"]), "the implementation returned a ndarray; expected o, S_n$"),
        ("empty", returning(lambda _, found: (found["o"], None)), "o or S_n is None"),
        (
            "drafts",
            returning(lambda _, found: (found["o"][:, :1], found["S_n"])),
            r"have shape \(3, 1, 2, 2\); expected",
        ),
    ],
)
def test_what_is_no_result_is_an_error_that_says_what_is_expected(pattern: str, run: Run, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        results(pattern, load(ONE), run)


def test_an_empty_sequence_must_keep_its_state() -> None:
    def cleared(inputs: InputsData, found: dict[str, Any]) -> Any:
        assert inputs.offsets is not None
        found["S_n"][np.diff(inputs.offsets) == 0] = 0
        return found

    (found,) = results("empty", load(ONE), returning(cleared))
    assert found.violation == "the last state of an empty sequence is not its initial state"


SERVED = ["pool", "mixed", "drafts", "snapshots"]


@pytest.mark.parametrize("pattern", [*SERVED, "chunks", "steps", "stateful"])
def test_states_in_half_precision_between_calls_need_a_declaration(pattern: str) -> None:
    golden = load(ONE, "bfloat16")
    text = (
        "float32 inside, but bfloat16 between two calls: if that is intended, declare --rnn-goldens-profile=all-stored"
    )
    with pytest.raises(Unsupported, match=text):
        results(pattern, golden, Runner())


def test_an_implementation_may_declare_that_its_state_is_rounded() -> None:
    declared = load(ONE, "bfloat16").in_profile("all-stored")
    found = [one for pattern in SERVED for one in results(pattern, declared, Runner())]
    assert [judged(one).message for one in found if not judged(one).passed] == []
