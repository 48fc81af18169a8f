"""A golden, and its gradients, as trees of groups, arrays and plain values: what HDF5 and JSON files both hold.

What is written here once decides the layout of both files. In HDF5 a group is a group, an array a dataset, anything
else an attribute; in JSON a group is an object and an array is ``{"shape", "dtype", "data"}``.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from rnn_goldens.checkable.golden import Golden, Question
from rnn_goldens.golden.arrays import Arrays, Asked
from rnn_goldens.golden.gradients import COTANGENTS, Gradients
from rnn_goldens.golden.shapes import (
    LAYOUTS,
    Config,
    Layout,
    gradient_shapes,
    is_own_cell,
    weight_count,
    weight_shapes,
)
from rnn_goldens.golden.tolerance import Bound, Exact, Tolerance

Tree = dict[str, Any]
"""Values: Tree, NumPy array (float64 or int64), str, int, bool or list of str."""

FORMAT = 1
INPUTS = ("x", "h0", "c0", "lengths")
EXPECTED = ("out", "h_n", "c_n")


def asked_tree(question: Question) -> Tree:
    """The part of the tree that says what is asked."""
    return {
        "config": dict(question.config),
        "weights": dict(question.stored.weights),
        "inputs": _given(question.stored, INPUTS),
    }


def to_tree(golden: Golden) -> Tree:
    """Lay a golden out as the tree of format 1."""
    return {
        "kind": "golden",
        "format": FORMAT,
        "id": golden.id,
        "title": golden.title,
        "purpose": golden.purpose,
        "documented_in": golden.documented_in,
        "cell": golden.cell,
        **_own_to_tree(golden.own_layout),
        "features": list(golden.features),
        "precisions": list(golden.precisions),
        **asked_tree(golden),
        "expected": _given(golden.stored, EXPECTED),
        "tolerance": _tolerance_to_tree(golden.tolerance, EXPECTED),
        "provenance": dict(sorted(golden.provenance.items())),
    }


def from_tree(tree: Tree) -> Golden:
    """Build the golden back from a tree that is known to be valid.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not; a check of it says what is wrong.
    """
    config, weights, layout = Config(**tree["config"]), tree["weights"], layout_of(tree)
    if (asked := weight_count(layout, config)) != len(weights):
        raise ValueError(f"weights: holds {len(weights)}, the configuration asks for {asked}")
    weights = {name: weights[name] for name in weight_shapes(layout, config)}
    return Golden(
        id=tree["id"],
        title=tree["title"],
        purpose=tree["purpose"],
        documented_in=tree["documented_in"],
        cell=tree["cell"],
        own_layout=layout if is_own_cell(tree["cell"]) else None,
        config=config,
        features=tuple(tree["features"]),
        tolerance=_tolerance_from_tree(tree["tolerance"]),
        precisions=tuple(tree["precisions"]),
        provenance=tree["provenance"],
        stored=Arrays(weights=weights, **tree["inputs"], **tree["expected"]),
    )


def to_gradients_tree(golden: Golden) -> Tree:
    """Lay the gradients of a golden out, which has some, likewise."""
    gradients = golden.gradients
    assert gradients is not None
    return {
        "kind": "gradients",
        "format": FORMAT,
        "id": golden.id,
        "purpose": gradients.purpose,
        "precisions": list(gradients.precisions),
        "golden": content_hash(golden),
        "cotangents": _in_order(gradients.cotangents, COTANGENTS),
        "expected": {**_in_order(gradients.expected, _gradient_names(golden)), **gradients.expected},
        "tolerance": _tolerance_to_tree(gradients.tolerance, _gradient_names(golden)),
        "provenance": dict(sorted(gradients.provenance.items())),
    }


def gradients_from_tree(tree: Tree, golden: Golden) -> Gradients:
    """Build them back from a tree that is known to be of this golden."""
    return Gradients(
        purpose=tree["purpose"],
        precisions=tuple(tree["precisions"]),
        cotangents=_in_order(tree["cotangents"], COTANGENTS),
        expected=_in_order(tree["expected"], _gradient_names(golden)),
        tolerance=_tolerance_from_tree(tree["tolerance"]),
        provenance=tree["provenance"],
    )


def _gradient_names(golden: Golden) -> Iterable[str]:
    return gradient_shapes(golden.layout, golden.config, golden.stored.x.shape, state=golden.stored.h0 is not None)


def layout_of(tree: Tree) -> Layout:
    """What shapes follow from: known of our cells, and said by a golden of someone's own."""
    if not is_own_cell(tree["cell"]):
        return LAYOUTS[tree["cell"]]
    said = tree["own_cell"]
    return Layout(said["gates"], tuple(said["states"]), tuple(said.get("vectors", ())))


def to_document(tree: Tree) -> dict[str, Any]:
    """Replace each array by its JSON form."""
    return {name: _to_json(value) for name, value in tree.items()}


def content_hash(golden: Golden) -> str:
    """SHA-256 of the logical content: canonical JSON, provenance aside. The same whatever the file's container."""
    return _hash_of(to_tree(golden))


def gradients_hash(golden: Golden) -> str:
    """The same of its gradients, and of what they are of, too."""
    return _hash_of(to_gradients_tree(golden))


def _hash_of(tree: Tree) -> str:
    document = to_document(tree)
    del document["provenance"]
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def _own_to_tree(layout: Layout | None) -> Tree:
    if layout is None:
        return {}
    vectors = {"vectors": list(layout.vectors)} if layout.vectors else {}
    return {"own_cell": {"gates": layout.gates, "states": list(layout.states), **vectors}}


def _tolerance_to_tree(tolerance: Tolerance, names: Iterable[str]) -> Tree:
    """Lay a tolerance out, in the order of the names of what it is of."""
    if isinstance(tolerance, Exact):
        return {"kind": tolerance.kind, "bits": tolerance.bits}
    names = list(names)
    accumulation, storage = _in_order(tolerance.accumulation, names), _in_order(tolerance.storage, names)
    return {"kind": tolerance.kind, "accumulation": accumulation, "storage": storage}


def _tolerance_from_tree(tree: Tree) -> Tolerance:
    """The way back."""
    if tree["kind"] == Exact.kind:
        return Exact(bits=tree["bits"])
    return Bound(accumulation=tree["accumulation"], storage=tree["storage"])


def _in_order(arrays: Mapping[str, Any], names: Iterable[str]) -> Tree:
    """Those of the arrays that have one of the names, in the order of the names."""
    return {name: arrays[name] for name in names if name in arrays}


def _given(arrays: Asked, names: Iterable[str]) -> Tree:
    return {name: array for name in names if (array := getattr(arrays, name)) is not None}


def _to_json(value: object) -> object:
    if isinstance(value, dict):
        return to_document(value)
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape), "dtype": value.dtype.name, "data": value.ravel().tolist()}
    return value
