"""The consistency check reports problems that a schema cannot find."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from factories.for_each import for_each
from factories.goldens import make_golden

from rnn_goldens import Golden
from rnn_goldens.encoding.consistency import problems
from rnn_goldens.encoding.tree import Tree, to_tree
from rnn_goldens.golden.tolerance import Bound

CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "plain": {"bias": False},
    "states": {"cell": "lstm", "state": True},
    "deep, both ways, ragged": {"num_layers": 3, "bidirectional": True, "lengths": [3, 1], "state": True},
    "one sequence, one step": {"batch": (1,), "time": 1, "lengths": [1]},
    "unbatched": {"batch": (), "cell": "gru", "state": True},
}


def bounded(golden: Golden) -> Golden:
    """Return the golden with a bound as its tolerance; no array of the bound is zero."""
    arrays = {name: np.abs(golden.stored.expected[name]) + 1 for name in ("out", "h_n")}
    return replace(golden, tolerance=Bound(arrays, dict(arrays)), features=())


@for_each(list(CONFIGURATIONS))
def test_a_consistent_golden_has_no_problems(configuration: str) -> None:
    assert problems(to_tree(make_golden(**CONFIGURATIONS[configuration]))) == []


def test_a_bound_may_be_zero_but_not_looser_than_any_derived_one() -> None:
    tree = to_tree(bounded(make_golden(bias=False)))
    assert problems(tree) == []
    tree["tolerance"]["accumulation"]["out"] = np.zeros((2, 3, 2))
    tree["tolerance"]["storage"]["h_n"] = np.zeros((1, 2, 2))
    assert problems(tree) == []
    tree = to_tree(bounded(make_golden(bias=False)))
    tree["tolerance"]["storage"]["h_n"] = np.full((1, 2, 2), 1e300)
    precisions = tree["precisions"]
    assert [problem.partition(" in ")[2] for problem in problems(tree)] == [
        f"{name}, at most 0.1 is allowed" for name in precisions
    ]


@pytest.mark.parametrize("part", ["accumulation", "storage"])
def test_an_empty_bound_has_one_problem_for_each_output(part: str) -> None:
    tree = to_tree(bounded(make_golden(bias=False)))
    tree["tolerance"][part] = {}
    assert [problem.partition(", ")[0] for problem in problems(tree)] == [
        f"tolerance/{part}: {name} is missing" for name in ("out", "h_n")
    ]


def test_the_kind_of_a_tolerance_is_compared_by_value_not_identity() -> None:
    tree = to_tree(make_golden(bias=False))
    tree["tolerance"]["kind"] = "".join(["ex", "act"])  # equal to the constant, but another object
    assert problems(tree) == []


def put(path: str, value: Any) -> Callable[[Tree], None]:
    """Return a function that sets the value at a path of a tree."""
    *groups, name = path.split("/")

    def change(tree: Tree) -> None:
        for group in groups:
            tree = tree[group]
        tree[name] = value(tree[name]) if callable(value) else value

    return change


def without(path: str) -> Callable[[Tree], None]:
    """Return a function that removes the value at a path of a tree."""
    group, _, name = path.rpartition("/")

    def change(tree: Tree) -> None:
        for part in group.split("/"):
            tree = tree[part]
        del tree[name]

    return change


def with_one(number: float) -> Callable[[Any], Any]:
    """Return a function that returns a copy of an array with this number in the middle."""

    def change(array: Any) -> Any:
        array = array.copy()
        array.flat[array.size // 2] = number
        return array

    return change


REQUIRES, CANNOT = "the configuration requires", "holds numbers that {} cannot represent"
W_HH, LENGTHS = "weights/weight_hh_l0", "inputs/lengths"
AXES = "expected (batch, time, input) or (time, input)"


RAGGED, LSTM = {"lengths": [3, 1]}, {"cell": "lstm", "state": True}
IMPLIED, UNBATCHED = "the content implies ['bias', 'exact']", ["bias", "exact", "unbatched"]
TOO_FEW_BITS = "precisions: {} significant bits, the tolerance needs 12"

CHANGES: list[tuple[dict[str, Any], Callable[[Tree], None], list[str]]] = [
    ({}, put("inputs/x", np.zeros(6)), [f"inputs/x: has shape (6,); {AXES}"]),
    ({}, put("inputs/x", np.zeros((2, 3, 1, 3))), [f"inputs/x: has shape (2, 3, 1, 3); {AXES}"]),
    ({}, put("inputs/x", np.zeros((2, 3, 4))), [f"inputs/x: has shape (2, 3, 4), {REQUIRES} (2, 3, 3)"]),
    ({}, put(W_HH, np.zeros((2, 3))), [f"{W_HH}: has shape (2, 3), {REQUIRES} (2, 2)"]),
    ({}, without("weights/bias_hh_l0"), [f"weights: bias_hh_l0 is missing, {REQUIRES} it"]),
    ({}, put("weights/weight_ih_l1", np.zeros((2, 2))), ["weights/weight_ih_l1: not part of this configuration"]),
    ({}, put("weights", {}), [f"weights: 0 arrays, {REQUIRES} 4"]),
    ({}, put("config/proj_size", 2), ["config: proj_size is given, but the cell has no projection"]),
    ({"cell": "lstm_projection"}, lambda _: None, ["config: proj_size is required: the cell has a projection"]),
    (
        {"direction": "reverse", "bidirectional": True},
        lambda _: None,
        ["config: direction is reverse, so bidirectional must be false"],
    ),
    (LSTM, without("inputs/c0"), [f"inputs: c0 is missing, {REQUIRES} it"]),
    (LSTM, put("inputs/h0", np.zeros((1, 3, 2))), [f"inputs/h0: has shape (1, 3, 2), {REQUIRES} (1, 2, 2)"]),
    (RAGGED, put(LENGTHS, np.array([3, 1, 1])), ["inputs: lengths has shape (3,); expected (2,): (batch)"]),
    (RAGGED, put(LENGTHS, np.array([4, 1])), ["inputs: lengths [4, 1] must be between 1 and 3, the time steps of x"]),
    (
        RAGGED,
        put(LENGTHS, np.array([3, 0])),
        ["inputs: lengths [3, 0]: lengths[1] is 0, and a sequence of no time steps is not supported: leave it out"],
    ),
    ({}, without("expected/h_n"), [f"expected: h_n is missing, {REQUIRES} it"]),
    ({}, put("expected/c_n", np.zeros((1, 2, 2))), ["expected/c_n: not part of this configuration"]),
    ({"batch": ()}, put("expected/out", np.zeros((3, 3))), [f"expected/out: has shape (3, 3), {REQUIRES} (3, 2)"]),
    ({}, put("features", ["bias"]), [f"features: lists ['bias'], {IMPLIED}"]),
    ({}, put("features", [*UNBATCHED, "chaotic"]), [f"features: lists {UNBATCHED}, {IMPLIED}"]),
    ({}, put("tolerance/bits", 8), []),
    ({}, put("features", ["bias", "exact", "chaotic"]), []),
    ({}, put("tolerance/bits", 12), [TOO_FEW_BITS.format("bfloat16 has 8"), TOO_FEW_BITS.format("float16 has 11")]),
    ({}, put("weights/bias_ih_l0", with_one(257)), [f"weights/bias_ih_l0: {CANNOT.format('bfloat16')}"]),
    ({}, put("inputs/x", with_one(0.1)), [f"inputs/x: {CANNOT.format('float32, bfloat16, float16')}"]),
    ({}, put("inputs/x", with_one(1e300)), [f"inputs/x: {CANNOT.format('float32, bfloat16, float16')}"]),
    ({"state": True}, put("inputs/h0", with_one(70000)), [f"inputs/h0: {CANNOT.format('bfloat16, float16')}"]),
    ({"time": 300, "lengths": [300, 299]}, put(LENGTHS, np.array([257, 299])), []),
]


@for_each(CHANGES, lambda case: str(case[2]))
def test_each_change_of_a_golden_causes_exactly_the_expected_problems(
    configuration: dict[str, Any], change: Callable[[Tree], None], messages: list[str]
) -> None:
    tree = to_tree(make_golden(**configuration))
    change(tree)
    found = problems(tree)
    assert len(found) == len(messages)
    for problem, beginning in zip(found, messages, strict=True):
        assert problem.startswith(beginning)


def test_problems_of_inputs_do_not_hide_those_of_expected_values() -> None:
    tree = to_tree(make_golden())
    put("weights/bias_ih_l0", np.zeros(1))(tree)
    put("expected/out", np.zeros((1, 1, 1)))(tree)
    found = "; ".join(problems(tree))
    assert "weights/bias_ih_l0: has shape (1,)" in found
    assert "expected/out: has shape (1, 1, 1)" in found


BAD_BOUND = "holds a bound that is negative, infinite or NaN"
BOUNDS = [
    (put("accumulation/out", with_one(-1e-300)), f"accumulation/out: {BAD_BOUND}"),
    (put("storage/h_n", with_one(np.inf)), f"storage/h_n: {BAD_BOUND}"),
    (put("storage/out", with_one(np.nan)), f"storage/out: {BAD_BOUND}"),
    (without("storage/out"), f"storage: out is missing, {REQUIRES} it"),
    (put("accumulation/c_n", np.zeros(3)), "accumulation/c_n: not part of this configuration"),
    (put("accumulation/h_n", np.zeros((2, 2))), f"accumulation/h_n: has shape (2, 2), {REQUIRES} (1,"),
]


@for_each(BOUNDS, lambda case: case[1])
def test_one_defect_in_a_bound_is_one_problem(change: Callable[[Tree], None], message: str) -> None:
    tree = to_tree(bounded(make_golden(bias=False)))
    tree["tolerance"]["kind"] = "".join(["bou", "nd"])  # another object than the constant, as if read from a file
    change(tree["tolerance"])
    (problem,) = problems(tree)
    assert problem.startswith(f"tolerance/{message}")


@pytest.mark.parametrize(
    ("shape", "what"),
    [((0, 3, 3), "sequence"), ((2, 0, 3), "time step"), ((0, 3), "time step"), ((0, 0, 3), "sequence")],
)
def test_an_empty_batch_or_no_time_step_is_the_first_problem(shape: tuple[int, ...], what: str) -> None:
    tree = to_tree(make_golden())
    tree["inputs"]["x"] = np.zeros(shape)
    assert problems(tree)[0] == (
        f"inputs/x: has shape {shape}: no {what}, so there is nothing to check: give at least one"
    )


def test_an_unbatched_golden_has_no_lengths() -> None:
    tree = to_tree(make_golden(batch=()))
    tree["inputs"]["lengths"] = np.array([3])
    assert "inputs: lengths is given, but x is unbatched" in problems(tree)


@pytest.mark.parametrize(("layers", "listed"), [(2, True), (3, False)])
def test_missing_weights_are_listed_unless_more_than_half_are_missing(layers: int, listed: bool) -> None:
    tree = to_tree(make_golden())
    tree["config"]["num_layers"] = layers
    found = problems(tree)
    assert ("weights: weight_ih_l1 is missing, the configuration requires it" in found) == listed
    assert (f"weights: 4 arrays, the configuration requires {4 * layers}" in found) != listed
