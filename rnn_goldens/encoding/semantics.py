"""What a JSON Schema cannot say about a golden and its gradients: shapes that follow, and values that agree."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.encoding.tree import Tree, layout_of
from rnn_goldens.golden.features import DERIVED_FEATURES, derived_features
from rnn_goldens.golden.gradients import COTANGENTS
from rnn_goldens.golden.precision import PRECISIONS, narrowest
from rnn_goldens.golden.shapes import (
    Config,
    Layout,
    Shape,
    gradient_shapes,
    output_shapes,
    state_shape,
    weight_count,
    weight_shapes,
)
from rnn_goldens.golden.tolerance import (
    LARGEST_TOLERANCE,
    LARGEST_TOLERANCE_OF_GRADIENTS,
    Bound,
    Exact,
    loosest,
    loosest_of_gradients,
)

_PARTS = ("accumulation", "storage")
"""Of a bound."""


def problems(tree: Tree) -> list[str]:
    """List the inconsistencies of a tree that its schema finds valid: empty if there are none."""
    config, x, layout = Config(**tree["config"]), tree["inputs"]["x"], layout_of(tree)
    asked = question_problems(layout, config, tree["weights"], tree["inputs"])
    if x.ndim not in (2, 3):
        return asked
    expected = output_shapes(layout, config, x.shape)
    return [
        *asked,
        *shape_problems("expected", tree["expected"], expected),
        *tolerance_problems(tree["tolerance"], expected),
        *_looseness_problems(tree, loosest, LARGEST_TOLERANCE),
        *_finite_problems(tree, ("weights", "inputs", "expected")),
        *_feature_problems(tree, config),
        *_precision_problems(tree),
        *_rounding_problems(tree, ("weights", "inputs")),
    ]


def gradients_problems(tree: Tree, golden: Golden, content: str) -> list[str]:
    """The same of a tree of gradients.

    Args:
        tree: it.
        golden: whose gradients they are said to be.
        content: the hash of its content.
    """
    shape, state = golden.stored.x.shape, golden.stored.h0 is not None
    expected = gradient_shapes(golden.layout, golden.config, shape, state=state)
    outputs = output_shapes(golden.layout, golden.config, shape)
    given = {name: outputs[of] for name, of in COTANGENTS.items() if of in outputs and name in tree["cotangents"]}
    return [
        *_golden_problems(tree, golden, content),
        *shape_problems("cotangents", tree["cotangents"], given),
        *shape_problems("expected", tree["expected"], expected),
        *tolerance_problems(tree["tolerance"], expected),
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
        yield f"golden: they are gradients of {tree['golden'][:12]}…, and {golden.id} holds {content[:12]}…"
    for name in tree["precisions"]:
        if name not in golden.precisions:
            yield f"precisions: {name} is none of the golden's: {', '.join(golden.precisions)}"


def _zero_problems(tree: Tree) -> Iterator[str]:
    for group in ("cotangents", "expected"):
        if not any(array.any() for array in tree[group].values()):
            yield f"{group}: all are zero, and tell nothing"


def question_problems(layout: Layout, config: Config, weights: Tree, inputs: Mapping[str, NDArray[Any]]) -> list[str]:
    """List where the shapes of what is asked do not follow from the configuration, and lengths that x has not."""
    x = inputs["x"]
    if x.ndim not in (2, 3):
        return [f"inputs/x: has {x.ndim} axes; it is (batch, time, input), or (time, input) if unbatched"]
    if not all(x.shape[:-1]):
        return [f"inputs/x: has shape {x.shape}; there is at least one sequence, and one time step"]
    return [
        *_weight_problems(weights, layout, config),
        *shape_problems("inputs", inputs, _input_shapes(layout, config, inputs)),
        *_length_problems(inputs, x),
    ]


def _weight_problems(weights: Tree, layout: Layout, config: Config) -> Iterable[str]:
    """Shapes of the weights. A file may claim a billion layers: they are counted before they are listed."""
    if (asked := weight_count(layout, config)) > 2 * len(weights):
        return [f"weights: holds {len(weights)}, the configuration asks for {asked}"]
    return shape_problems("weights", weights, weight_shapes(layout, config))


def _input_shapes(layout: Layout, config: Config, inputs: Mapping[str, NDArray[Any]]) -> dict[str, Shape]:
    """Shapes of the inputs that are given; the states come all or none, lengths need a batch."""
    batch = inputs["x"].shape[:-2]
    shapes: dict[str, Shape] = {"x": (*batch, inputs["x"].shape[-2], config.input_size)}
    if {"h0", "c0"} & inputs.keys():
        shapes |= {f"{name}0": state_shape(config, batch) for name in layout.states}
    if "lengths" in inputs and batch:
        shapes["lengths"] = batch
    return shapes


def shape_problems(group: str, arrays: Mapping[str, NDArray[Any]], wanted: dict[str, Shape]) -> Iterator[str]:
    """Arrays that are missing, too many, or of another shape than is wanted."""
    if {name: array.shape for name, array in arrays.items()} == wanted:
        return
    for name in [*wanted, *(name for name in arrays if name not in wanted)]:
        if name not in arrays:
            yield f"{group}: {name} is missing, the configuration asks for it"
        elif name not in wanted:
            yield f"{group}/{name}: the configuration has no place for it"
        elif arrays[name].shape != wanted[name]:
            yield f"{group}/{name}: has shape {arrays[name].shape}, the configuration asks for {wanted[name]}"


def tolerance_problems(tolerance: Tree, wanted: dict[str, Shape]) -> Iterator[str]:
    """Bounds of other shapes than what they are of, and such as are none."""
    if tolerance["kind"] != Bound.kind:
        return
    for part in _PARTS:
        yield from shape_problems(f"tolerance/{part}", tolerance[part], wanted)
        if tolerance[part] and not _are_bounds(_all_of(tolerance[part].values())):
            wrong = (name for name, array in tolerance[part].items() if not _are_bounds(array))
            yield from (
                f"tolerance/{part}/{n}: holds a number that is no bound: negative, infinite or NaN" for n in wrong
            )


def _looseness_problems(tree: Tree, loosest: Callable[..., float], most: float) -> Iterator[str]:
    """Precisions in which a bound allows more than any that this project derives, which would pass what is wrong."""
    tolerance, expected = tree["tolerance"], tree["expected"]
    if tolerance["kind"] != Bound.kind or list(
        tolerance_problems(tolerance, {n: a.shape for n, a in expected.items()})
    ):
        return
    bound = Bound(tolerance["accumulation"], tolerance["storage"])
    for name in tree["precisions"]:
        with np.errstate(all="ignore"):
            loose = loosest(bound, expected, PRECISIONS[name])
        if loose > most:
            yield f"tolerance: allows errors of {loose:.2g} in {name}, at most {most} is allowed"


def _are_bounds(array: NDArray[Any]) -> bool:
    return bool(array.min() >= 0 and array.max() < np.inf)  # of NaN neither is so


def _finite_problems(tree: Tree, groups: Iterable[str]) -> Iterator[str]:
    arrays = {f"{group}/{name}": array for group in groups for name, array in tree[group].items()}
    if not np.isfinite(_all_of(arrays.values())).all():
        wrong = (place for place, array in arrays.items() if not np.isfinite(array).all())
        yield from (f"{place}: holds NaN or infinity" for place in wrong)


def _length_problems(inputs: Mapping[str, NDArray[Any]], x: NDArray[Any]) -> Iterator[str]:
    time = x.shape[-2]
    if "lengths" in inputs and not ((inputs["lengths"] >= 1) & (inputs["lengths"] <= time)).all():
        yield f"inputs/lengths: {inputs['lengths'].tolist()} is not within 1 and the {time} time steps of x"


def _feature_problems(tree: Tree, config: Config) -> Iterator[str]:
    follows = derived_features(
        config,
        state="h0" in tree["inputs"],
        lengths="lengths" in tree["inputs"],
        unbatched=tree["inputs"]["x"].ndim == 2,  # noqa: PLR2004 - (time, input)
        exact=tree["tolerance"]["kind"] == Exact.kind,
    )
    said = tuple(feature for feature in tree["features"] if feature in DERIVED_FEATURES)
    if said != follows:
        yield f"features: says {list(said)}, what it holds gives {list(follows)}"


def _precision_problems(tree: Tree) -> Iterator[str]:
    bits = tree["tolerance"].get("bits", 0)
    for name in tree["precisions"]:
        if PRECISIONS[name].bits < bits:
            yield f"precisions: {name} has {PRECISIONS[name].bits} significant bits, the tolerance needs {bits}"


def _rounding_problems(tree: Tree, groups: Iterable[str]) -> Iterator[str]:
    """One file serves every precision it lists only if what it gives is a number in each of them."""
    arrays = {f"{group}/{name}": array for group in groups for name, array in tree[group].items()}
    given = {place: array for place, array in arrays.items() if place != "inputs/lengths"}
    numbers = _all_of(given.values())
    if all(PRECISIONS[name].holds(numbers) for name in narrowest(tree["precisions"])):
        return
    lacking = [name for name in tree["precisions"] if not PRECISIONS[name].holds(numbers)]
    for place, array in given.items():
        inexact = [name for name in lacking if not PRECISIONS[name].holds(array)]
        if inexact and np.isfinite(array).all():
            yield f"{place}: holds numbers that {', '.join(inexact)} can not hold"


def _all_of(arrays: Iterable[NDArray[Any]]) -> NDArray[Any]:
    """Every number of several arrays: to ask one array is faster than to ask each of twenty."""
    return np.concatenate([array.ravel() for array in arrays])
