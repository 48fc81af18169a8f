"""Files with the states after every step: what is stored is read, and inconsistent states are refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rnn_goldens
from rnn_goldens import encoding, schema
from rnn_goldens.encoding import hdf5_file, json_file
from rnn_goldens.encoding.tree import Tree, to_document, to_tree

IDS: dict[str, dict[str, tuple[int, ...]]] = {
    "lstm/lengths": {"c": (5, 1, 3, 3)},
    "gru/bidirectional": {"h": (5, 2, 3, 3)},
    "gated-delta/several-steps": {"S": (4, 2, 2, 3, 2)},
    "gated-delta/packed": {"S_0": (5, 1, 3, 2), "S_1": (2, 1, 3, 2), "S_2": (5, 1, 3, 2)},
    "gated-delta/exact-steps": {"S": (7, 1, 1, 4, 3)},
}
"""Goldens, and the shapes of the states that they store."""


def written(tree: Tree, path: Path) -> Path:
    """Write a tree to a file."""
    path.write_bytes(json_file.encode(to_document(tree)) if path.suffix == ".json" else hdf5_file.encode(tree))
    return path


@pytest.mark.parametrize("suffix", encoding.OUTPUTS.suffixes)
@pytest.mark.parametrize("golden_id", IDS)
def test_states_are_stored_with_a_number_of_their_tolerance_for_each_step(
    golden_id: str, suffix: str, tmp_path: Path
) -> None:
    golden = rnn_goldens.certify(rnn_goldens.load(golden_id))
    path = tmp_path / f"mine{suffix}"
    rnn_goldens.save(golden, path)
    found = rnn_goldens.read(path, dtype=golden.dtype)
    assert encoding.content_hash(found) == encoding.content_hash(golden)
    assert {name: array.tobytes() for name, array in found.expected_states.items()} == {
        name: array.tobytes() for name, array in golden.expected_states.items()
    }
    tree = to_tree(found)
    assert {name: array.shape for name, array in tree["expected_states"].items()} == IDS[golden_id]
    for name, array in tree["states_tolerance"].get("storage", {}).items():
        assert array.shape == (len(tree["expected_states"][name]), *(1,) * (len(IDS[golden_id][name]) - 1))


def test_a_file_without_states_is_read_as_before(tmp_path: Path) -> None:
    golden = rnn_goldens.certify(rnn_goldens.load("lstm/plain"), states=True)
    tree = to_tree(golden)
    del tree["expected_states"], tree["states_tolerance"]
    found = rnn_goldens.read(written(tree, tmp_path / "mine.json"))
    with pytest.raises(rnn_goldens.Unsupported, match="does not store its states after every step"):
        _ = found.expected_states


def drop(*path: str) -> Callable[[Tree], Any]:
    """Return a change of a tree that removes an entry."""

    def change(tree: Tree) -> None:
        for name in path[:-1]:
            tree = tree[name]
        del tree[path[-1]]

    return change


def put(value: Callable[[Any], Any], *path: str) -> Callable[[Tree], Any]:
    """Return a change of a tree that changes an entry."""

    def change(tree: Tree) -> None:
        for name in path[:-1]:
            tree = tree[name]
        tree[path[-1]] = value(tree.get(path[-1]))

    return change


S, TOLERANCE = ("expected_states", "S"), "states_tolerance"

WRONG: dict[str, tuple[Callable[[Tree], Any], str]] = {
    "a step is missing": (put(lambda a: a[1:], *S), r"expected_states/S: has shape \(3, 2, 2, 3, 2\)"),
    "no such state": (put(lambda _: np.zeros(1), "expected_states", "T"), "expected_states/T: not part of this"),
    "no tolerance": (drop(TOLERANCE), "expected_states: is present, but states_tolerance is not: a golden has both"),
    "no states": (drop("expected_states"), "states_tolerance: is present, but expected_states is not"),
    "another kind": (put(lambda _: {"kind": "exact", "bits": 3}, TOLERANCE), "states_tolerance: its kind is exact"),
    "a tolerance for each element": (
        put(lambda _: np.zeros((4, 2, 2, 3, 2)), TOLERANCE, "step", "state", "S"),
        r"states_tolerance/step/state/S: has shape \(4, 2, 2, 3, 2\), the configuration requires \(4, 1, 1, 1, 1\)",
    ),
    "a negative tolerance": (
        put(lambda a: -1 - a, TOLERANCE, "step", "state", "S"),
        "states_tolerance/step/state/S: holds a bound that is negative",
    ),
    "a loose tolerance": (
        put(lambda a: a + 1e9, TOLERANCE, "chunk=16", "storage", "S"),
        "states_tolerance: allows errors of",
    ),
    "no chunks": (drop(TOLERANCE, "chunk=16"), "states_tolerance: has step; these sequences require step, chunk=16"),
    "tighter in chunks": (
        put(lambda a: 0 * a, TOLERANCE, "chunk=16", "storage", "S"),
        "states_tolerance/chunk=16/storage/S: is smaller than that of step",
    ),
    "another first state": (
        put(lambda a: a + (np.arange(4) == 0)[:, None, None, None, None], *S),
        "S: its first state",
    ),
    "another last state": (
        put(lambda a: a + (np.arange(4) == 3)[:, None, None, None, None], *S),
        "S: its last state is not the last state S_n",
    ),
}


@pytest.mark.parametrize("suffix", encoding.OUTPUTS.suffixes)
@pytest.mark.parametrize("what", WRONG)
def test_inconsistent_states_are_refused(what: str, suffix: str, tmp_path: Path) -> None:
    tree = to_tree(rnn_goldens.certify(rnn_goldens.load("gated-delta/several-steps")))
    change, problem = WRONG[what]
    change(tree)
    with pytest.raises(rnn_goldens.InvalidFile, match=problem):
        rnn_goldens.read(written(tree, tmp_path / f"mine{suffix}"))


@pytest.mark.parametrize("golden_id", ["gated-delta/packed", "lstm/lengths"])
def test_the_ends_of_every_sequence_are_compared(golden_id: str, tmp_path: Path) -> None:
    tree = to_tree(rnn_goldens.certify(rnn_goldens.load(golden_id)))
    name = list(tree["expected_states"])[-1]
    tree["expected_states"][name] = tree["expected_states"][name][::-1]
    with pytest.raises(rnn_goldens.InvalidFile, match=rf"expected_states/{name}: its first state is not the initial"):
        rnn_goldens.read(written(tree, tmp_path / "mine.json"))


def test_states_that_outputs_hold_are_not_part_of_a_file(tmp_path: Path) -> None:
    golden = rnn_goldens.load("gru/plain")
    states = {"expected_states": {"h": golden.expected_states["h"].astype(float)}}
    tolerance = {"kind": "bound", "accumulation": states["expected_states"], "storage": states["expected_states"]}
    with pytest.raises(rnn_goldens.InvalidFile, match="the outputs of this configuration hold every state"):
        rnn_goldens.read(written({**to_tree(golden), **states, "states_tolerance": tolerance}, tmp_path / "mine.json"))


@pytest.mark.parametrize("golden_id", IDS)
def test_types_and_schema_accept_the_same_states(golden_id: str) -> None:
    document = to_document(to_tree(rnn_goldens.certify(rnn_goldens.load(golden_id))))
    assert schema.problems(document, document["kind"]) == []
    del document["states_tolerance"]["kind"]
    assert schema.problems(document, document["kind"])
