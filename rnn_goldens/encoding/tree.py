"""A golden as a tree of groups, arrays and plain values: the form that HDF5 and JSON files both hold.

What is written here once decides the layout of both files. In HDF5 a group is a group, an array a dataset, anything
else an attribute; in JSON a group is an object and an array is ``{"shape", "dtype", "data"}``.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

import numpy as np

from rnn_goldens.golden import Arrays, Golden
from rnn_goldens.shapes import Config, weight_shapes
from rnn_goldens.tolerance import Exact

Tree = dict[str, Any]
"""Values: Tree, NumPy array (float64 or int64), str, int, bool or list of str."""

FORMAT = 1
INPUTS = ("x", "h0", "c0", "lengths")
EXPECTED = ("out", "h_n", "c_n")
_ARRAY_KEYS = {"shape", "dtype", "data"}


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
        "features": list(golden.features),
        "precisions": list(golden.precisions),
        "config": dict(golden.config),
        "weights": dict(golden.stored.weights),
        "inputs": _given(golden.stored, INPUTS),
        "expected": _given(golden.stored, EXPECTED),
        "tolerance": {"kind": golden.tolerance.kind, "bits": golden.tolerance.bits},
        "provenance": dict(golden.provenance),
    }


def from_tree(tree: Tree) -> Golden:
    """Build the golden back from a tree that is known to be valid."""
    config = Config(**tree["config"])
    weights = {name: tree["weights"][name] for name in weight_shapes(tree["cell"], config)}
    return Golden(
        id=tree["id"],
        title=tree["title"],
        purpose=tree["purpose"],
        documented_in=tree["documented_in"],
        cell=tree["cell"],
        config=config,
        features=tuple(tree["features"]),
        tolerance=Exact(bits=tree["tolerance"]["bits"]),
        precisions=tuple(tree["precisions"]),
        provenance=tree["provenance"],
        stored=Arrays(weights=weights, **tree["inputs"], **tree["expected"]),
    )


def to_document(tree: Tree) -> dict[str, Any]:
    """Replace each array by its JSON form."""
    return {name: _to_json(value) for name, value in tree.items()}


def from_document(document: Mapping[str, Any]) -> Tree:
    """Rebuild the arrays of a document that its schema finds valid; raises ValueError if data do not fill a shape."""
    return {name: _from_json(value, name) for name, value in document.items()}


def content_hash(golden: Golden) -> str:
    """SHA-256 of the logical content: canonical JSON, provenance aside. The same whatever the file's container."""
    document = to_document(to_tree(golden))
    del document["provenance"]
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def _given(arrays: Arrays, names: Iterable[str]) -> Tree:
    return {name: array for name in names if (array := getattr(arrays, name)) is not None}


def _to_json(value: object) -> object:
    if isinstance(value, dict):
        return to_document(value)
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape), "dtype": value.dtype.name, "data": value.ravel().tolist()}
    return value


def _from_json(value: object, where: str) -> object:
    if not isinstance(value, dict):
        return value
    if value.keys() != _ARRAY_KEYS:
        return {name: _from_json(item, f"{where}/{name}") for name, item in value.items()}
    try:
        array = np.array(value["data"], dtype=value["dtype"])
    except OverflowError:
        raise ValueError(f"{where}: data holds a number that no {value['dtype']} can hold") from None
    shape = tuple(cast("list[int]", value["shape"]))
    if array.size != np.prod(shape, dtype=int):
        raise ValueError(f"{where}: data holds {array.size} numbers, shape {shape} needs {np.prod(shape, dtype=int)}")
    return array.reshape(shape)
