"""Goldens and gradients as trees of groups, arrays and plain values: the content of HDF5 and JSON files.

The tree defines the layout of both files. In HDF5 a group is a group, an array is a dataset, anything else is an
attribute; in JSON a group is an object and an array is ``{"shape", "dtype", "data"}``.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from rnn_goldens.checkable_golden import Golden, Inputs
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.expected import ExpectedStates, Gradients
from rnn_goldens.golden.features import CORE
from rnn_goldens.golden.integer_config import IntegerConfig, integer_config
from rnn_goldens.golden.recurrence_config import AnyConfig, RecurrenceConfig, recurrence_config
from rnn_goldens.golden.recurrences import Recurrence
from rnn_goldens.golden.rounding_profile import CHUNKS, STEP
from rnn_goldens.golden.shapes import Config, Layout, cotangent_of, in_file_order, is_custom_cell
from rnn_goldens.golden.states import state_names
from rnn_goldens.golden.stored_arrays import GoldenArrays, LazyArrays
from rnn_goldens.golden.tolerance import Bound, Coefficients, Contracts, Derived, Equal, Exact, Tolerance
from rnn_goldens.plurals import counted

Tree = dict[str, Any]
"""Values: Tree, NumPy array (float64 or an integer type), str, number, bool, or list of str or of numbers."""

FORMAT = 1

COEFFICIENTS = ("accumulation", "state", "storage")
"""The kinds of coefficients of a recurrence's tolerance."""

DECLARED = ("inputs", "weights", "states", "outputs", "options")
"""What a custom recurrence declares by name: axes of arrays, and defaults of options."""

TEXTS = ("id", "title", "purpose", "documented_in", "cell")
"""What describes a golden, as text, in the order of files."""

INTEGERS = ("lengths", "offsets")
"""Names of the input arrays that hold integers in each golden."""


def inputs_tree(inputs: Inputs) -> Tree:
    """Return the part of the tree that holds the model inputs."""
    stored = inputs.stored
    arrays = _typed({**stored.inputs, **_in_order(stored.states, inputs.layout.initial)}, inputs.config)
    integers = {"lengths": stored.lengths, "offsets": stored.offsets}
    return {
        "config": dict(inputs.config),
        "weights": _typed(stored.weights, inputs.config),
        "inputs": arrays | {name: array for name, array in integers.items() if array is not None},
    }


def _typed(arrays: Mapping[str, Any], config: AnyConfig) -> Tree:
    """Return arrays in the types in which files store them."""
    return {name: array.astype(config.type_of(name), copy=False) for name, array in arrays.items()}


def to_tree(golden: Golden) -> Tree:
    """Convert a golden to the tree of format 1."""
    return {
        "kind": golden.config.kind,
        "format": FORMAT,
        **{name: getattr(golden, name) for name in TEXTS},
        **(_declared(golden) if is_custom_cell(golden.cell) else {}),
        "features": [feature for feature in golden.features if feature != CORE],  # only an index has it
        "precisions": list(golden.precisions),
        **inputs_tree(golden),
        "expected": _typed(_in_order(golden.stored.expected, golden.layout.outputs), golden.config),
        "tolerance": _tolerance_to_tree(golden.tolerance, golden.layout.outputs),
        **_states_to_tree(golden),
        "provenance": dict(sorted(golden.provenance.items())),
    }


def _states_to_tree(golden: Golden) -> Tree:
    """Return the part of the tree that holds the states after every step; empty if they are not stored."""
    if (states := golden.stored_states) is None:
        return {}
    names = state_names(golden.layout, golden.offsets)
    return {
        "expected_states": _in_order(states.values, names),
        "states_tolerance": _tolerance_to_tree(states.tolerance, names),
    }


def _declared(golden: Golden) -> Tree:
    """Return the part of the tree that declares the arrays of a custom cell or recurrence."""
    if isinstance(golden.config, RecurrenceConfig):
        of = golden.config.recurrence
        listed = {kind: [f"{name}: {value}" for name, value in getattr(of, kind).items()] for kind in DECLARED}
        return {"own_recurrence": {**listed, "compared": list(of.compared)}}
    layout = golden.layout
    return {"own_cell": {"gates": layout.gates, "states": list(layout.states), "weights": dict(layout.weights)}}


def _recurrence_of(stored: Tree, name: str) -> Recurrence:
    """Return the declaration of a custom recurrence, of which a file does not store what it means."""
    listed: dict[str, Any] = {kind: dict(entry.split(": ") for entry in stored[kind]) for kind in DECLARED}
    listed["options"] = {name: None if of == "None" else float(of) for name, of in listed["options"].items()}
    return Recurrence("", name, **listed, compared=tuple(stored["compared"]))


def from_tree(tree: Tree) -> Golden:
    """Convert a valid tree to a golden. Any error means that it is not valid; validation reports why."""
    (config, layout), weights = cell_of(tree), tree["weights"]
    if isinstance(config, IntegerConfig):  # every number of the integer types is one of float64, but of 64 bits
        weights, given, expected = (
            {n: a.astype(float) for n, a in tree[g].items()} for g in ("weights", "inputs", "expected")
        )
        tree = {**tree, "inputs": given, "expected": expected}
    if not (is_lazy := isinstance(weights, LazyArrays)) and (required := config.weight_count(layout)) != len(weights):
        raise ValueError(f"weights: {counted(len(weights), 'array')}, the configuration requires {required}")
    given = _inputs_from_tree(tree["inputs"], layout)
    shapes = config.shapes(layout, given["inputs"], given.get("offsets"))
    return Golden(
        **{name: tree[name] for name in TEXTS},
        custom_layout=layout if is_custom_cell(tree["cell"]) and isinstance(config, Config) else None,
        config=config,
        features=tuple(tree["features"]),
        tolerance=tolerance_from_tree(tree["tolerance"]),
        precisions=tuple(tree["precisions"]),
        provenance=tree["provenance"],
        stored=GoldenArrays(
            weights=weights.named(shapes.weights) if is_lazy else {name: weights[name] for name in shapes.weights},
            **given,
            expected=_in_order(tree["expected"], layout.outputs),
        ),
        stored_states=_states_from_tree(tree, layout, given.get("offsets")),
    )


def _states_from_tree(tree: Tree, layout: Layout, offsets: Any) -> ExpectedStates | None:  # noqa: ANN401 - or None
    if "expected_states" not in tree:
        return None
    values = _in_order(tree["expected_states"], state_names(layout, offsets))
    return ExpectedStates(values, tolerance_from_tree(tree["states_tolerance"]))


def to_gradients_tree(golden: Golden) -> Tree:
    """Convert the gradients of a golden to a tree. The golden must have gradients."""
    gradients = golden.gradients
    assert gradients is not None
    return {
        "kind": "gradients",
        "format": FORMAT,
        "id": golden.id,
        "purpose": gradients.purpose,
        "precisions": list(gradients.precisions),
        "golden": content_hash(golden),
        "cotangents": _in_order(gradients.cotangents, map(cotangent_of, golden.layout.outputs)),
        "expected": {**_in_order(gradients.expected, _gradient_names(golden)), **gradients.expected},
        "tolerance": _tolerance_to_tree(gradients.tolerance, _gradient_names(golden)),
        "provenance": dict(sorted(gradients.provenance.items())),
    }


def gradients_from_tree(tree: Tree, golden: Golden) -> Gradients:
    """Convert a valid tree of gradients of this golden to gradients."""
    return Gradients(
        purpose=tree["purpose"],
        precisions=tuple(tree["precisions"]),
        cotangents=_in_order(tree["cotangents"], map(cotangent_of, golden.layout.outputs)),
        expected=_in_order(tree["expected"], _gradient_names(golden)),
        tolerance=tolerance_from_tree(tree["tolerance"]),
        provenance=tree["provenance"],
    )


def _gradient_names(golden: Golden) -> Iterable[str]:
    return golden.shapes.gradients(state=bool(golden.stored.states))


def cell_of(tree: Tree) -> tuple[AnyConfig, Layout]:
    """Return configuration and layout, which a tree stores for a custom cell. Raises WrongUse for wrong sizes."""
    if tree["kind"] == IntegerConfig.kind:
        of_integers = integer_config(tree["cell"], tree["config"])
        return of_integers, of_integers.recurrence.layout
    if tree["kind"] == RecurrenceConfig.kind:
        own = _recurrence_of(tree["own_recurrence"], tree["cell"]) if is_custom_cell(tree["cell"]) else None
        of_recurrence = recurrence_config(tree["cell"], tree["config"], own)
        return of_recurrence, of_recurrence.recurrence.layout
    config = Config(**tree["config"])
    if not is_custom_cell(tree["cell"]):
        return config, LAYOUTS[tree["cell"]]
    stored = tree["own_cell"]
    return config, Layout(stored["gates"], tuple(stored["states"]), in_file_order(stored["weights"]))


def to_document(tree: Tree) -> dict[str, Any]:
    """Return the tree with each array replaced by its JSON form."""
    document = dict(tree)
    for name, value in tree.items():
        if isinstance(value, dict):
            document[name] = to_document(value)
        elif isinstance(value, np.ndarray):
            document[name] = {"shape": list(value.shape), "dtype": value.dtype.name, "data": value.ravel().tolist()}
    return document


def content_hash(golden: Golden) -> str:
    """Return the SHA-256 of the logical content: canonical JSON without provenance. Independent of the file format."""
    return _hash_of(to_tree(golden))


def gradients_hash(golden: Golden) -> str:
    """Return the SHA-256 of the gradients' content, which includes the content hash of their golden."""
    return _hash_of(to_gradients_tree(golden))


def _hash_of(tree: Tree) -> str:
    document = to_document(tree)
    del document["provenance"]
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def _tolerance_to_tree(tolerance: Tolerance, names: Iterable[str]) -> Tree:
    """Convert a tolerance, as stored, to a tree, in the order of the names of its arrays."""
    if isinstance(tolerance, Derived):
        tolerance = tolerance.stored
    if isinstance(tolerance, Equal):
        return {"kind": tolerance.kind}
    if isinstance(tolerance, Exact):
        return {"kind": tolerance.kind, "bits": tolerance.bits}
    names = list(names)
    if isinstance(tolerance, Contracts):
        algorithms = {STEP: tolerance.step, **{f"chunk={size}": of for size, of in tolerance.chunks.items()}}
        return {
            "kind": tolerance.kind,
            **{
                name: {kind: _in_order(getattr(of, kind), names) for kind in COEFFICIENTS}
                for name, of in algorithms.items()
            },
        }
    accumulation, storage = _in_order(tolerance.accumulation, names), _in_order(tolerance.storage, names)
    return {"kind": tolerance.kind, "accumulation": accumulation, "storage": storage}


def tolerance_from_tree(tree: Tree) -> Tolerance:
    """Convert a tree to a tolerance."""
    if tree["kind"] == Contracts.kind:
        chunks = {size: Coefficients(**tree[name]) for name, size in CHUNKS.items() if name in tree}
        return Contracts(Coefficients(**tree[STEP]), chunks)
    if tree["kind"] == Equal.kind:
        return Equal()
    if tree["kind"] == Exact.kind:
        return Exact(bits=tree["bits"])
    return Bound(accumulation=tree["accumulation"], storage=tree["storage"])


def _in_order(arrays: Mapping[str, Any], names: Iterable[str]) -> Tree:
    """Return the arrays that have one of the names, in the order of the names."""
    return {name: arrays[name] for name in names if name in arrays}


def _inputs_from_tree(tree: Tree, layout: Layout) -> Tree:
    """Return the arguments of ``InputArrays`` for the inputs of a tree."""
    integers = {name: tree[name] for name in INTEGERS if name in tree}
    states = _in_order(tree, layout.initial)
    inputs = {name: array for name, array in tree.items() if name not in (*integers, *states)}
    return {**integers, "inputs": inputs, "states": states}
