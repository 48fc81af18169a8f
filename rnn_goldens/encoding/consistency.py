"""Checks of goldens and gradients that a JSON Schema cannot express: derived shapes and consistent values."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.encoding.tree import COEFFICIENTS, INTEGERS, Tree, cell_of, tolerance_from_tree
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.array_shapes import array_shapes
from rnn_goldens.golden.features import ALL_DERIVED, derived_features
from rnn_goldens.golden.precision import PRECISIONS, narrowest
from rnn_goldens.golden.recurrences import RecurrenceConfig
from rnn_goldens.golden.shapes import (
    STACKED,
    Config,
    Layout,
    Shape,
    initial_shapes,
    output_shapes,
    weight_count,
    weight_shapes,
)
from rnn_goldens.golden.tolerance import (
    LARGEST_TOLERANCE,
    LARGEST_TOLERANCE_OF_GRADIENTS,
    Bound,
    Contracts,
    Exact,
    loosest,
    loosest_of_gradients,
)
from rnn_goldens.plurals import counted

_PARTS = ("accumulation", "storage")
"""The two arrays that a bound has for each output."""


def problems(tree: Tree) -> list[str]:
    """Return the inconsistencies of a golden's tree that is valid by its schema."""
    try:
        config, layout = cell_of(tree)
    except WrongUse as error:
        return [f"config: {error}"]
    if isinstance(config, RecurrenceConfig):
        return _recurrence_problems(tree, config, layout)
    x = tree["inputs"]["x"]
    of_inputs = inputs_problems(layout, config, tree["weights"], tree["inputs"])
    if x.ndim not in (2, 3):
        return of_inputs
    expected = output_shapes(layout, config, x.shape)
    return [
        *of_inputs,
        *shape_problems("expected", tree["expected"], expected),
        *_state_problems(tree, initial_shapes(layout, config, x.shape[:-2]), [x.shape[-2]]),
        *tolerance_problems(tree["tolerance"], expected),
        *_looseness_problems(tree, loosest, LARGEST_TOLERANCE),
        *_finite_problems(tree, ("weights", "inputs", "expected")),
        *_feature_problems(tree, config),
        *_precision_problems(tree),
        *_rounding_problems(tree, ("weights", "inputs")),
    ]


def _recurrence_problems(tree: Tree, config: RecurrenceConfig, layout: Layout) -> list[str]:
    """Return the inconsistencies of the tree of a recurrence."""
    inputs = {name: array for name, array in tree["inputs"].items() if name != "offsets"}
    given = {name: array for name, array in inputs.items() if name not in layout.initial}
    first: NDArray[Any] = next(iter(given.values()), np.zeros(1))
    offsets = tree["inputs"].get("offsets")
    if first.ndim < 2:  # noqa: PLR2004 - (batch, time, …)
        return ["inputs: the first array has no axes (batch, time, …)"]
    if offsets is not None and (found := list(_offset_problems(offsets, first.shape))):
        return found
    shapes = array_shapes(layout, config, given, offsets)
    state = len(given) < len(inputs)
    derived = derived_features(config, state=state, packed=offsets is not None, exact=is_exact(tree))
    return [
        *shape_problems("weights", tree["weights"], dict(shapes.weights)),
        *shape_problems("inputs", inputs, {**shapes.inputs, **(shapes.initial if state else {})}),
        *shape_problems("expected", tree["expected"], dict(shapes.outputs)),
        *_state_problems(tree, shapes.initial, [first.shape[1]] if offsets is None else np.diff(offsets).tolist()),
        *contract_problems(tree["tolerance"], dict(shapes.outputs)),
        *_looseness_problems(tree, loosest, LARGEST_TOLERANCE),
        *_finite_problems(tree, ("weights", "inputs", "expected")),
        *_listed_problems(tree, derived),
        *_precision_problems(tree),
        *_rounding_problems(tree, ("weights", "inputs")),
    ]


def is_exact(tree: Tree) -> bool:
    """Return whether the tolerance of a tree is zero."""
    return bool(tree["tolerance"]["kind"] == Exact.kind)


def _offset_problems(offsets: NDArray[Any], shape: Shape) -> Iterator[str]:
    batch, time = shape[:2]
    if batch != 1:
        yield f"inputs: packed sequences have a batch of 1, not of {batch}"
    if offsets.ndim != 1 or len(offsets) < 2 or not (np.diff(offsets) > 0).all():  # noqa: PLR2004 - start and end
        yield "inputs/offsets: must increase from sequence to sequence"
    elif offsets[0] != 0 or offsets[-1] != time:
        yield f"inputs/offsets: {offsets.tolist()} must start at 0 and end at {time}, the number of time steps"


def _state_problems(tree: Tree, initial: Mapping[str, Shape], times: Sequence[int]) -> Iterator[str]:
    """Yield a problem for each state that is not expected at all steps; ``times``: steps of each packed sequence."""
    if states := tree.get("expected_states", {}):
        of = {name.removesuffix("0"): shape for name, shape in initial.items()}
        if len(times) == 1:
            expected = {name: (times[0] + 1, *shape) for name, shape in of.items()}
        else:
            expected = {f"{n}_{k}": (time + 1, *s[1:]) for n, s in of.items() for k, time in enumerate(times)}
        yield from shape_problems("expected_states", states, expected)
        yield from _finite_problems(tree, ("expected_states",))


def contract_problems(tolerance: Tree, expected: dict[str, Shape]) -> Iterator[str]:
    """Yield a problem for each coefficient of a recurrence with a wrong shape, or that is negative, infinite or NaN."""
    if tolerance["kind"] != Contracts.kind:
        return
    for algorithm in ("step", "any"):
        for kind in COEFFICIENTS if algorithm in tolerance else ():
            arrays = tolerance[algorithm][kind]
            yield from shape_problems(f"tolerance/{algorithm}/{kind}", arrays, expected)
            wrong = (name for name, array in arrays.items() if not _are_bounds(array))
            yield from (f"tolerance/{algorithm}/{kind}/{n}: holds a negative or infinite bound, or NaN" for n in wrong)


def gradients_problems(tree: Tree, golden: Golden, content: str) -> list[str]:
    """Return the inconsistencies of a tree of gradients that is valid by its schema.

    Args:
        tree: the tree of gradients.
        golden: the golden that the tree names.
        content: the content hash of that golden.
    """
    expected = golden.shapes.gradients(state=bool(golden.stored.states))
    cotangents = golden.shapes.cotangents
    wanted = {name: shape for name, shape in cotangents.items() if name in tree["cotangents"]}
    return [
        *_golden_problems(tree, golden, content),
        *shape_problems("cotangents", tree["cotangents"], wanted),
        *shape_problems("expected", tree["expected"], expected),
        *tolerance_problems(tree["tolerance"], expected),
        *contract_problems(tree["tolerance"], expected),
        *_looseness_problems(tree, loosest_of_gradients, LARGEST_TOLERANCE_OF_GRADIENTS),
        *_finite_problems(tree, ("cotangents", "expected")),
        *_zero_problems(tree),
        *_precision_problems(tree),
        *_rounding_problems(tree, ("cotangents",)),
    ]


def _golden_problems(tree: Tree, golden: Golden, content: str) -> Iterator[str]:
    if tree["id"] != golden.id:
        yield f"id: is {tree['id']}, the golden is {golden.id}"
    if tree["golden"] != content:
        yield f"golden: the gradients are of content {tree['golden'][:12]}…, {golden.id} has content {content[:12]}…"
    for name in tree["precisions"]:
        if name not in golden.precisions:
            yield f"precisions: {name} is not a precision of the golden: {', '.join(golden.precisions)}"


def _zero_problems(tree: Tree) -> Iterator[str]:
    for group in ("cotangents", "expected"):
        if not any(array.any() for array in tree[group].values()):
            yield f"{group}: all are zero, so they check nothing"


def inputs_problems(layout: Layout, config: Config, weights: Tree, inputs: Mapping[str, NDArray[Any]]) -> list[str]:
    """Return the problems of model inputs: options and shapes that contradict each other, and lengths outside x."""
    x = inputs["x"]
    if x.ndim not in (2, 3):
        return [f"inputs/x: has shape {x.shape}; expected (batch, time, input), or (time, input) if unbatched"]
    if not all(x.shape[:-1]):
        return [f"inputs/x: has shape {x.shape}; at least one sequence and one time step are required"]
    return [
        *_config_problems(layout, config),
        *_weight_problems(weights, layout, config),
        *shape_problems("inputs", inputs, _input_shapes(layout, config, inputs)),
        *_length_problems(inputs, x),
    ]


def _config_problems(layout: Layout, config: Config) -> Iterator[str]:
    is_projected = layout.is_projected
    if is_projected != (config.proj_size > 0):
        what = "is required: the cell has a projection" if is_projected else "is given, but the cell has no projection"
        yield f"config: proj_size {what}"
    if config.direction and config.bidirectional:
        yield "config: direction is reverse, so bidirectional must be false"
    for name, axes in layout.weights:
        if axes != (required := dict(STACKED).get(name, axes)):
            yield f"own_cell/weights/{name}: has the axes {axes}, but this name requires {required}: change either"


def _weight_problems(weights: Tree, layout: Layout, config: Config) -> Iterable[str]:
    """Check the shapes of the weights. First check their number, because a file may claim a billion layers."""
    if (required := weight_count(layout, config)) > 2 * len(weights):
        return [f"weights: {counted(len(weights), 'array')}, the configuration requires {required}"]
    return shape_problems("weights", weights, weight_shapes(layout, config))


def _input_shapes(layout: Layout, config: Config, inputs: Mapping[str, NDArray[Any]]) -> dict[str, Shape]:
    """Return the expected shapes of the inputs. One state requires all states; lengths require a batch."""
    batch = inputs["x"].shape[:-2]
    shapes: dict[str, Shape] = {"x": (*batch, inputs["x"].shape[-2], config.input_size)}
    if inputs.keys() - {"x", "lengths"}:
        shapes |= initial_shapes(layout, config, batch)
    if "lengths" in inputs and batch:
        shapes["lengths"] = batch
    return shapes


def shape_problems(group: str, arrays: Mapping[str, NDArray[Any]], expected: dict[str, Shape]) -> Iterator[str]:
    """Yield a problem for each array that is missing, not expected, or of another shape than expected."""
    if {name: array.shape for name, array in arrays.items()} == expected:
        return
    for name in [*expected, *(name for name in arrays if name not in expected)]:
        if name not in arrays:
            yield f"{group}: {name} is missing, the configuration requires it"
        elif name not in expected:
            yield f"{group}/{name}: not part of this configuration"
        elif arrays[name].shape != expected[name]:
            yield f"{group}/{name}: has shape {arrays[name].shape}, the configuration requires {expected[name]}"


def tolerance_problems(tolerance: Tree, expected: dict[str, Shape]) -> Iterator[str]:
    """Yield a problem for each bound whose shape differs from its output's, or that is negative, infinite or NaN."""
    if tolerance["kind"] != Bound.kind:
        return
    for part in _PARTS:
        yield from shape_problems(f"tolerance/{part}", tolerance[part], expected)
        if tolerance[part] and not _are_bounds(_concatenated(tolerance[part].values())):
            wrong = (name for name, array in tolerance[part].items() if not _are_bounds(array))
            yield from (f"tolerance/{part}/{n}: holds a bound that is negative, infinite or NaN" for n in wrong)


def _looseness_problems(tree: Tree, loosest: Callable[..., float], most: float) -> Iterator[str]:
    """Yield a problem for each precision in which a bound is so loose that wrong outputs would pass."""
    tolerance, expected = tree["tolerance"], tree["expected"]
    shapes = {name: array.shape for name, array in expected.items()}
    of_shapes = contract_problems if tolerance["kind"] == Contracts.kind else tolerance_problems
    if tolerance["kind"] == Exact.kind or list(of_shapes(tolerance, shapes)):
        return
    bound = tolerance_from_tree(tolerance)
    for name in tree["precisions"]:
        with np.errstate(all="ignore"):
            loose = loosest(bound, expected, PRECISIONS[name])
        if loose > most:
            yield f"tolerance: allows errors of {loose:.2g} in {name}, at most {most} is allowed"


def _are_bounds(array: NDArray[Any]) -> bool:
    return bool(array.min() >= 0 and array.max() < np.inf)  # both are False for NaN


def _finite_problems(tree: Tree, groups: Iterable[str]) -> Iterator[str]:
    arrays = {f"{group}/{name}": array for group in groups for name, array in tree[group].items()}
    if not np.isfinite(_concatenated(arrays.values())).all():
        wrong = (place for place, array in arrays.items() if not np.isfinite(array).all())
        yield from (f"{place}: holds NaN or infinity" for place in wrong)


def _length_problems(inputs: Mapping[str, NDArray[Any]], x: NDArray[Any]) -> Iterator[str]:
    time = x.shape[-2]
    if "lengths" in inputs and not ((inputs["lengths"] >= 1) & (inputs["lengths"] <= time)).all():
        yield f"inputs/lengths: {inputs['lengths'].tolist()} must be between 1 and {time}, the time steps of x"


def _feature_problems(tree: Tree, config: Config) -> Iterator[str]:
    derived = derived_features(
        config,
        state="h0" in tree["inputs"],
        lengths="lengths" in tree["inputs"],
        unbatched=tree["inputs"]["x"].ndim == 2,  # noqa: PLR2004 - (time, input)
        exact=is_exact(tree),
    )
    yield from _listed_problems(tree, derived)


def _listed_problems(tree: Tree, derived: tuple[str, ...]) -> Iterator[str]:
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
        if inexact and np.isfinite(array).all():
            yield f"{place}: holds numbers that {', '.join(inexact)} cannot represent"


def _concatenated(arrays: Iterable[NDArray[Any]]) -> NDArray[Any]:
    """Return all numbers of several arrays in one: checking one array is faster than checking twenty."""
    return np.concatenate([array.ravel() for array in arrays])
