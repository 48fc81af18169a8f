"""Checks of goldens and gradients that a JSON Schema cannot express: derived shapes and consistent values.

All numbers are finite: the readers of both formats refuse others.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.encoding.tree import COEFFICIENTS, INTEGERS, Tree, cell_of, tolerance_from_tree
from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.golden.features import ALL_DERIVED, derived_features
from rnn_goldens.golden.precision import PRECISIONS, narrowest
from rnn_goldens.golden.recurrence_config import AnyConfig
from rnn_goldens.golden.rounding_profile import ALGORITHMS, Profile
from rnn_goldens.golden.shapes import BATCH, STACKED, TIME, Axes, Layout, Shape
from rnn_goldens.golden.states import end_problems, every_shape, stored_shapes
from rnn_goldens.golden.stored_arrays import emptiness, length_problems, offset_problems
from rnn_goldens.golden.tolerance import (
    LARGEST_TOLERANCE,
    LARGEST_TOLERANCE_OF_GRADIENTS,
    Bound,
    Contracts,
    Exact,
    in_use,
    loosest,
    loosest_of_gradients,
)
from rnn_goldens.plurals import counted

Shapes = Mapping[str, Shape]

STATES, STATES_TOLERANCE = "expected_states", "states_tolerance"

_PARTS = ("accumulation", "storage")
"""The two arrays that a bound has for each output."""


def problems(tree: Tree) -> list[str]:
    """Return the inconsistencies of a golden's tree that is valid by its schema."""
    try:
        config, layout = cell_of(tree)
    except (UnknownName, WrongUse) as error:
        return [f"config: {error}"]
    if of_axes := _problems_of_axes(layout, config, tree):
        return of_axes
    inputs = tree["inputs"]
    x, offsets, state = inputs[config.input_names[0]], inputs.get("offsets"), any(n in inputs for n in layout.initial)
    axes, shapes = _axes(layout, config, x), config.shapes(layout, inputs, offsets)
    time, batch = x.shape[axes.index(TIME)], (*x.shape[: axes.index(TIME)], None)[0]
    lengths = length_problems(inputs["lengths"], batch, time, config.input_names[0]) if "lengths" in inputs else ()
    derived = derived_features(
        config,
        state=state,
        lengths="lengths" in inputs,
        packed=offsets is not None,
        unbatched=BATCH not in axes,
        exact=tree["tolerance"]["kind"] == Exact.kind,
    )
    given = {config.lengths_name: inputs[config.lengths_name].shape} if config.lengths_name in inputs else {}
    expected = {
        "weights": shapes.weights,
        "inputs": {**shapes.inputs, **(shapes.initial if state else {}), **given},  # one state requires all states
        "expected": shapes.outputs,
    }
    algorithms = _algorithms(config, time, offsets)
    of_states = stored_shapes(config, layout, every_shape(layout, shapes.initial, time, offsets))
    return [
        *_config_problems(layout, config),
        *(f"inputs: {problem}" for problem in lengths),
        *_feature_problems(tree, derived),
        *_problems_of_arrays(tree, expected, algorithms, loosest, LARGEST_TOLERANCE),
        *_problems_of_states(tree, layout, of_states, algorithms),
    ]


def _problems_of_states(tree: Tree, layout: Layout, shapes: Shapes, algorithms: Sequence[str]) -> list[str]:
    """Return the problems of the states after every step and their tolerance; [] if there are none of either."""
    states, tolerance = (tree.get(group) for group in (STATES, STATES_TOLERANCE))
    if states is None and tolerance is None:
        return []
    if states is None or tolerance is None:
        there, missing = (STATES, STATES_TOLERANCE) if tolerance is None else (STATES_TOLERANCE, STATES)
        return [f"{there}: is present, but {missing} is not: a golden has both, or none of them"]
    if not shapes:
        return [f"{STATES}: the outputs of this configuration hold every state"]
    if tolerance["kind"] != tree["tolerance"]["kind"]:
        return [f"{STATES_TOLERANCE}: its kind is {tolerance['kind']}, that of tolerance {tree['tolerance']['kind']}"]
    found = list(_shape_problems(STATES, states, shapes))
    of_steps = {name: (shape[0], *(1,) * (len(shape) - 1)) for name, shape in shapes.items()}
    found += _tolerance_problems(tolerance, of_steps, STATES_TOLERANCE)
    if found:
        return found
    inputs, of_tree = tree["inputs"], {**tree, "expected": states, "tolerance": tolerance}
    return [
        *_algorithm_problems(tolerance, algorithms, STATES_TOLERANCE),
        *_looseness_problems(of_tree, loosest, LARGEST_TOLERANCE, STATES_TOLERANCE),
        *_precision_problems(of_tree),
        *(
            f"{STATES}/{problem}"
            for problem in end_problems(layout, inputs.get("offsets"), states, inputs, tree["expected"])
        ),
    ]


def gradients_problems(tree: Tree, golden: Golden, content: str) -> list[str]:
    """Return the inconsistencies of a tree of gradients that is valid by its schema, given its golden."""
    expected = golden.shapes.gradients(state=bool(golden.stored.states))
    cotangents = golden.shapes.cotangents
    wanted = {name: shape for name, shape in cotangents.items() if name in tree["cotangents"]}
    zero = [group for group in ("cotangents", "expected") if not any(array.any() for array in tree[group].values())]
    return [
        *_golden_problems(tree, golden, content),
        *(f"{group}: all are zero, so they check nothing" for group in zero),
        *_problems_of_arrays(
            tree,
            {"cotangents": wanted, "expected": expected},
            _algorithms(golden.config, golden.time, golden.offsets),
            loosest_of_gradients,
            LARGEST_TOLERANCE_OF_GRADIENTS,
        ),
    ]


def _golden_problems(tree: Tree, golden: Golden, content: str) -> Iterator[str]:
    if tree["id"] != golden.id:
        yield f"id: is {tree['id']}, the golden is {golden.id}"
    if tree["golden"] != content:
        yield f"golden: the gradients are of content {tree['golden'][:12]}…, {golden.id} has content {content[:12]}…"
    for name in tree["precisions"]:
        if name not in golden.precisions:
            yield f"precisions: {name} is not a precision of the golden: {', '.join(golden.precisions)}"


def _problems_of_axes(layout: Layout, config: AnyConfig, tree: Tree) -> list[str]:
    """Return the problems because of which no shapes follow from the first input; [] if they do."""
    inputs, name = tree["inputs"], config.input_names[0]
    if name not in inputs:
        return [f"inputs: {name} is missing, the configuration requires it"]
    x, axes = inputs[name], _axes(layout, config, inputs[name])
    if x.ndim != len(axes):
        possible = dict.fromkeys(config.axes(name, layout, batched=batched) for batched in (True, False))
        expected = " or ".join(f"({', '.join(axes)})" for axes in possible)
        return [f"inputs/{name}: has shape {x.shape}; expected {expected}"]
    time, batch = x.shape[axes.index(TIME)], x.shape[: axes.index(TIME)]
    if empty := emptiness((*batch, None)[0], time):
        return [f"inputs/{name}: has shape {x.shape}: {empty}"]
    if "offsets" in inputs and (found := list(offset_problems(inputs["offsets"], (*batch, None)[0], time, name))):
        return [f"inputs: {problem}" for problem in found]
    if (required := config.weight_count(layout)) > 2 * len(tree["weights"]):  # a file may claim a billion layers
        return [f"weights: {counted(len(tree['weights']), 'array')}, the configuration requires {required}"]
    return []


def _axes(layout: Layout, config: AnyConfig, first: NDArray[Any]) -> Axes:
    """Return the names of the axes of the first input."""
    return config.axes(config.input_names[0], layout, batched=first.ndim != 2)  # noqa: PLR2004 - (time, input)


def _config_problems(layout: Layout, config: AnyConfig) -> Iterator[str]:
    yield from (f"config: {problem}" for problem in config.problems(layout))
    for name, axes in layout.weights:
        if axes != (required := dict(STACKED).get(name, axes)):
            yield f"own_cell/weights/{name}: has the axes {axes}, but this name requires {required}: change either"


def _algorithms(config: AnyConfig, time: int, offsets: NDArray[Any] | None) -> tuple[str, ...]:
    """Return the algorithms that the tolerance of a recurrence has coefficients for, the strictest first."""
    return config.algorithms(time if offsets is None else int(np.diff(offsets).max()))


def _problems_of_arrays(
    tree: Tree,
    expected: Mapping[str, Shapes],
    algorithms: Sequence[str],
    loosest: Callable[..., float],
    most: float,
) -> list[str]:
    """Return the problems of arrays, given expected shapes by group, and how loose a bound is and may be at most."""
    found = [problem for group, shapes in expected.items() for problem in _shape_problems(group, tree[group], shapes)]
    found += _tolerance_problems(tree["tolerance"], expected["expected"])
    found += [] if found else _algorithm_problems(tree["tolerance"], algorithms)
    found += [] if found else _looseness_problems(tree, loosest, most)
    shared = [group for group in expected if group != "expected"]
    return [*found, *_precision_problems(tree), *_rounding_problems(tree, shared)]


def _shape_problems(group: str, arrays: Mapping[str, NDArray[Any]], expected: Shapes) -> Iterator[str]:
    """Yield a problem for each array that is missing, not expected, or of another shape than expected."""
    if {name: array.shape for name, array in arrays.items()} == dict(expected):
        return
    for name in [*expected, *(name for name in arrays if name not in expected)]:
        if name not in arrays:
            yield f"{group}: {name} is missing, the configuration requires it"
        elif name not in expected:
            yield f"{group}/{name}: not part of this configuration"
        elif arrays[name].shape != expected[name]:
            yield f"{group}/{name}: has shape {arrays[name].shape}, the configuration requires {expected[name]}"


def _tolerance_problems(tolerance: Tree, expected: Shapes, place: str = "tolerance") -> Iterator[str]:
    """Yield a problem for each bound whose shape differs from its output's, or that is negative, infinite or NaN."""
    groups = {}
    if tolerance["kind"] == Bound.kind:
        groups = {part: tolerance[part] for part in _PARTS}
    elif tolerance["kind"] == Contracts.kind:
        stated = [algorithm for algorithm in ALGORITHMS if algorithm in tolerance]
        groups = {f"{algorithm}/{kind}": tolerance[algorithm][kind] for algorithm in stated for kind in COEFFICIENTS}
    for group, arrays in groups.items():
        yield from _shape_problems(f"{place}/{group}", arrays, expected)
        if arrays and not _are_bounds(_concatenated(arrays.values())):
            wrong = (name for name, array in arrays.items() if not _are_bounds(array))
            yield from (f"{place}/{group}/{n}: holds a bound that is negative, infinite or NaN" for n in wrong)


def _algorithm_problems(tolerance: Tree, algorithms: Sequence[str], place: str = "tolerance") -> Iterator[str]:
    """Yield a problem if contracts are of other algorithms, or a looser one has a smaller coefficient."""
    if tolerance["kind"] != Contracts.kind:
        return
    stated = [algorithm for algorithm in ALGORITHMS if algorithm in tolerance]
    if stated != list(algorithms):
        yield f"{place}: has {', '.join(stated)}; these sequences require {', '.join(algorithms)}"
    for (before, smaller), (name, larger) in pairwise([(one, tolerance[one]) for one in stated]):
        for kind in COEFFICIENTS:
            below = (of for of, array in smaller[kind].items() if (larger[kind][of] < array).any())
            yield from (f"{place}/{name}/{kind}/{of}: is smaller than that of {before}" for of in below)


def _looseness_problems(
    tree: Tree, loosest: Callable[..., float], most: float, place: str = "tolerance"
) -> Iterator[str]:
    """Yield a problem for each precision in which a bound is so loose that wrong outputs would pass."""
    if tree["tolerance"]["kind"] == Exact.kind:
        return
    bound = tolerance_from_tree(tree["tolerance"])
    if isinstance(bound, Contracts):
        bound = in_use(bound, Profile(algorithm=ALGORITHMS[-1]), "")
    for name in tree["precisions"]:
        with np.errstate(all="ignore"):
            loose = loosest(bound, tree["expected"], PRECISIONS[name])
        if loose > most:
            yield f"{place}: allows errors of {loose:.2g} in {name}, at most {most} is allowed"


def _are_bounds(array: NDArray[Any]) -> bool:
    return bool(array.min() >= 0 and array.max() < np.inf)  # both are False for NaN


def _feature_problems(tree: Tree, derived: tuple[str, ...]) -> Iterator[str]:
    listed = tuple(feature for feature in tree["features"] if feature in ALL_DERIVED)
    if listed != derived:
        yield f"features: lists {list(listed)}, the content implies {list(derived)}"


def _precision_problems(tree: Tree) -> Iterator[str]:
    bits = tree["tolerance"].get("bits", 0)
    for name in tree["precisions"]:
        if PRECISIONS[name].bits < bits:
            yield f"precisions: {name} has {PRECISIONS[name].bits} significant bits, the tolerance needs {bits}"


def _rounding_problems(tree: Tree, groups: Iterable[str]) -> Iterator[str]:
    """Yield a problem for each array, shared by all precisions, that a listed precision cannot represent exactly."""
    arrays = {f"{group}/{name}": array for group in groups for name, array in tree[group].items()}
    floats = {place: array for place, array in arrays.items() if not place.endswith(INTEGERS)}
    numbers = _concatenated(floats.values())
    if all(PRECISIONS[name].holds(numbers) for name in narrowest(tree["precisions"])):
        return
    lacking = [name for name in tree["precisions"] if not PRECISIONS[name].holds(numbers)]
    for place, array in floats.items():
        inexact = [name for name in lacking if not PRECISIONS[name].holds(array)]
        if inexact:
            yield f"{place}: holds numbers that {', '.join(inexact)} cannot represent"


def _concatenated(arrays: Iterable[NDArray[Any]]) -> NDArray[Any]:
    """Return all numbers of several arrays in one: checking one array is faster than checking twenty."""
    return np.concatenate([array.ravel() for array in arrays])
