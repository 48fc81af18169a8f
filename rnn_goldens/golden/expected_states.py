"""The expected states of a golden after every step, with their tolerance under its profile."""

from collections.abc import Mapping

import numpy as np

from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.expected import Expected, ExpectedStates
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.rounding_profile import FLOAT32, IEEE
from rnn_goldens.golden.shapes import Shape
from rnn_goldens.golden.states import (
    every_shape,
    from_output,
    is_output,
    number_of_states,
    state_names,
    stored_shapes,
)
from rnn_goldens.golden.stored_arrays import Float64
from rnn_goldens.golden.tolerance import LARGEST_TOLERANCE, Bound, Contracts, Equal, Exact, in_use, loosest
from rnn_goldens.plurals import listed

_NOTHING = ExpectedStates({}, Bound({}, {}))


def shapes_to_store(golden: GoldenData) -> dict[str, Shape]:
    """Return the shapes of the states that the outputs of a golden do not hold: those that its file may store."""
    every = every_shape(golden.layout, golden.shapes.initial, golden.time, golden.offsets)
    return stored_shapes(golden.config, golden.layout, every)


def states_after_steps(golden: GoldenData) -> Expected:
    """Return the compared states after every step, by name; index 0 is the initial state.

    Raises Unsupported if the golden does not store them, is embedded, or has no tolerance of them under its profile.
    """
    if golden.embedding is not None:
        raise Unsupported(f"{golden.id} is embedded in {golden.embedding}: states after steps are those of the golden")
    if golden.is_integer:
        raise Unsupported(f"{golden.id} is of integers: out is h after every step, and c is stored after the last one")
    to_store = shapes_to_store(golden)
    if to_store and golden.stored_states is None:
        raise Unsupported(
            f"{golden.id} does not store its states after every step, {number_of_states(to_store):,} numbers of "
            f"{listed([*to_store])}: rnn_goldens.certify(golden, states=True) returns the golden with them"
        )
    stored = golden.stored_states or _NOTHING
    tolerance = in_use(stored.tolerance, golden.profile, golden.dtype)
    _require_tolerance(golden, stored, tolerance)
    first, values = golden.layout.states[0], dict(stored.values)
    if is_output(first, golden.config, golden.layout):
        of_outputs = in_use(golden.tolerance, golden.profile, golden.dtype)
        values[first] = _from_output(golden, golden.states[f"{first}0"], golden.stored.expected)
        if isinstance(of_outputs, Bound) and isinstance(tolerance, Bound):
            none = np.zeros(golden.state_shape)
            accumulation, storage = (
                {**of_stored, first: _from_output(golden, none, of_output)}
                for of_stored, of_output in (
                    (tolerance.accumulation, of_outputs.accumulation),
                    (tolerance.storage, of_outputs.storage),
                )
            )
            tolerance = Bound(accumulation, storage)
        else:
            tolerance = of_outputs
    names = state_names(golden.layout, golden.offsets)
    return Expected({name: values[name] for name in names}, tolerance, golden.dtype)


def _from_output(golden: GoldenData, initial: Float64, outputs: Mapping[str, Float64]) -> Float64:
    return from_output(np.asarray(initial, np.float64), outputs[golden.layout.result], golden.lengths)


def _require_tolerance(
    golden: GoldenData, stored: ExpectedStates, tolerance: Bound | Contracts | Equal | Exact
) -> None:
    """Raise Unsupported under an arithmetic in which the tolerance of stored states does not hold."""
    if golden.profile.arithmetic == IEEE or golden.dtype != FLOAT32 or not stored.values:
        return
    under = f"{golden.id} in {FLOAT32} by the profile {golden.profile}"
    if golden.is_network:
        raise Unsupported(
            f"{under}: {listed([*stored.values])} after every step has a tolerance by other profiles only"
        )
    if not (loose := loosest(tolerance, stored.values, PRECISIONS[FLOAT32])) <= LARGEST_TOLERANCE:
        raise Unsupported(f"{under}: the tolerance of states is {loose:.2g}, at most {LARGEST_TOLERANCE} is allowed")
