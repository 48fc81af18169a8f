"""Compares one output or gradient with the expected one: shape and precision first, then every value.

Only operators and methods of arrays decide whether values are right, so that a test that replaces ``np.where`` cannot
change the verdict.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.comparison.actual import Actual
from rnn_goldens.comparison.array_conversion import Output
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS, Expected
from rnn_goldens.golden.precision import NUMBER_TYPES, PRECISIONS
from rnn_goldens.golden.shapes import (
    BATCH,
    DIRECTION_AND_UNIT,
    GATE_AND_UNIT,
    LAYER,
    LAYER_AND_DIRECTION,
    SEQUENCE,
    TIME,
    UNIT,
    Axes,
)
from rnn_goldens.golden.tolerance import Equal, Exact

_IN_WORDS = {
    TIME: "time step",
    DIRECTION_AND_UNIT: UNIT,
    "query_heads": "query head",
    "heads": "head",
    "key_heads": "key head",
    "beta_heads": "beta",
    "groups": "group",
    "hidden_size": UNIT,
    "input_size": "input",
    "d_k": "key",
    "d_v": "value",
    "d": "unit",
    "channels": "channel",
}
"""Names of axes in texts."""


def axes(golden: GoldenData, name: str) -> tuple[str, ...]:
    """Return the names of the axes of an output in words: ``("batch", "time step", "unit")`` for out of a network."""
    return tuple(_IN_WORDS.get(axis, axis) for axis in golden.axes(name))


def place(golden: GoldenData, axes: Axes, index: tuple[int, ...]) -> str:
    """Return the position of an element of an output, state or gradient with some axes as text.

    ``time step 2 (batch 0, unit 1)`` of out, ``time step 2 (batch 0, input 1)`` of x, ``layer 0 (batch 0, unit 1,
    reverse direction)`` of a state, ``gate f, unit 1, column 2`` of a weight, ``batch 0, head 1, key 2, value 3``.
    """
    outer, inner, direction = "", list[str](), ""
    for axis, at in zip(axes, index, strict=True):
        if axis == TIME:
            outer = f"time step {at}"
        elif axis == LAYER:
            outer = f"layer {at}"
        elif axis == LAYER_AND_DIRECTION:
            layer, reverse = divmod(at, 2)
            outer, direction = f"layer {layer}", f", {('forward', 'reverse')[reverse]} direction"
        elif axis == DIRECTION_AND_UNIT:
            reverse, unit = divmod(at, golden.network.output_size)
            inner, direction = [*inner, f"unit {unit}"], ", reverse direction" if reverse else ""
        elif axis == GATE_AND_UNIT:
            gate, unit = divmod(at, golden.network.hidden_size)
            inner += [f"gate {golden.layout.gates[gate]}", f"unit {unit}"]
        else:
            inner.append(f"{BATCH if axis == SEQUENCE else _IN_WORDS.get(axis, axis)} {at}")
    listed = ", ".join(inner) + direction
    return f"{outer} ({listed})" if outer else listed


def first(golden: GoldenData, name: str, of: Axes, wrong: NDArray[np.intp]) -> tuple[int, ...]:
    """Return the index of the wrong element that is computed first. Each row of ``wrong`` is an index.

    For out, this is the earliest element in the order of its direction: the reverse direction starts at the end of a
    sequence. For the gradient of x, it is at the latest time step, because a backward pass starts at the end. For other
    arrays, it is the first element in memory.
    """
    if TIME not in of:
        return tuple(int(i) for i in wrong[0])
    time = wrong[:, of.index(TIME)]
    if name in golden.stored.inputs:
        row = time.argmax()
    elif of[-1] == DIRECTION_AND_UNIT:
        length = golden.time if golden.lengths is None else golden.lengths[wrong[:, 0]]
        from_the_end = (wrong[:, -1] >= golden.network.output_size) & (time < length)
        row = np.where(from_the_end, length - 1 - time, time).argmin()
    else:
        row = time.argmin()
    return tuple(int(i) for i in wrong[row])


Float64 = NDArray[np.float64]

HALF = ("bfloat16", "float16")

_MATRIX = 2


@dataclass(frozen=True)
class Element:
    """A wrong element: its index, its actual and expected value, the allowed error and its position as text."""

    index: tuple[int, ...]
    got: float
    want: float
    allowed: float
    place: str


@dataclass(frozen=True)
class Difference:
    """The difference of one output or gradient from the expected one.

    Attributes:
        output: ``out``, ``h_n`` or ``c_n``; for a gradient the name of its array; for a state ``S after step 64``.
        problem: why values were not compared (not an array, wrong shape, lower precision); None if they were.
        dtype: the type of the actual array.
        size: number of elements.
        wrong: number of elements outside the tolerance, NaN and infinity included.
        nan, infinite: number of NaN and of infinite elements.
        first: the wrong element that is computed first, as defined by ``first`` of this module.
        largest: the wrong element with the largest error; NaN or infinity only if no wrong element is finite.
        time_steps: the time steps of ``out``, or of the gradient of ``x``, that have a wrong element, in order.
        computed_in: the lowest precision that represents every value, if lower than declared; None for exact goldens,
            and for values that would be wrong in bfloat16: inputs and zeros are bfloat16 numbers, too.
        largest_error: the largest error, as a fraction of the tolerance; infinite where the tolerance is zero or
            subnormal and the error is a normal number.
        is_finer: whether the declared precision is a half precision that does not represent every value. Then the array
            was computed in a higher precision.
    """

    output: str
    problem: str | None = None
    dtype: str = ""
    size: int = 0
    wrong: int = 0
    nan: int = 0
    infinite: int = 0
    first: Element | None = None
    largest: Element | None = None
    time_steps: tuple[int, ...] = ()
    computed_in: str | None = None
    largest_error: float = 0.0
    is_finer: bool = False

    @property
    def passed(self) -> bool:
        """True if this output or gradient is right."""
        return self.problem is None and not self.wrong


def difference(actual: Actual, name: str) -> Difference:
    """Compare one actual array with the expected one."""
    if name in actual.problems:
        return not_comparable(name, actual.problems[name])
    output, want = actual.arrays[name], actual.expected.values[name]
    if output.values.shape != want.shape:
        return not_comparable(name, _shape_problem(actual, name, output.values.shape, want.shape), output.dtype)
    found = _compared(actual, name, output)
    if actual.of == GRADIENTS and not found.passed and not found.problem:
        mistake = _mistaken_array(actual, name, output)
        return found if mistake is None else not_comparable(name, mistake, output.dtype)
    return found


def not_comparable(name: str, problem: str, dtype: str = "") -> Difference:
    """Return the difference of an array whose values are not compared."""
    return Difference(name, problem=problem, dtype=dtype, largest_error=float("inf"))


def _shape_problem(actual: Actual, name: str, got: tuple[int, ...], want: tuple[int, ...]) -> str:
    hint, axes = "", actual.axes(name) if name in actual.expected.values else ()
    if axes[:2] == (BATCH, TIME) and got == (want[1], want[0], *want[2:]) != want:
        hint = f"; it looks time-major, {name} is batch-first: ({', '.join(axes)})"
    elif actual.of == GRADIENTS and axes[1:] == ("column",) and got == want[::-1]:
        hint = f"; it is transposed: PyTorch's {name} is (gates·hidden, columns)"
    elif [n for n in got if n != 1] == [n for n in want if n != 1]:
        hint = "; only axes of size 1 differ"
    return f"has shape {got}, want {want}{hint}"


def _mistaken_array(actual: Actual, name: str, output: Output) -> str | None:
    """Return what was passed instead of a gradient: its transpose, the array itself or an output; None if unknown."""
    got, golden = output.values, actual.golden
    if got.ndim == _MATRIX and got.shape[0] == got.shape[1]:
        transposed = _compared(actual, name, Output(got.T.copy(), output.dtype))
        if transposed.passed:
            return "is transposed: its transpose is right"
    arrays = {**golden.stored.weights, **golden.stored.inputs, **golden.stored.states}
    itself = arrays.get(name)
    if itself is not None and got.shape == itself.shape and (got == itself).all() and got.any():
        return f"is {name} itself, not its gradient, which torch has in {name}.grad"
    of, outputs = f"{name.removesuffix('0')}_n" if name in golden.layout.initial else "", golden.expected_of(OUTPUTS)
    if of in outputs.values and got.any() and not outputs.wrong(of, got).any():
        return f"is the output {of}, not a gradient: check(out, h_n) compares outputs"
    return None


def _compared(actual: Actual, name: str, output: Output) -> Difference:
    """Compare the values of an array of the right shape, unless its precision is too low."""
    expected = actual.expected
    precision = NUMBER_TYPES[expected.dtype]
    if output.bits is not None and output.bits < precision.bits and not actual.golden.is_integer:
        problem = f"is {output.dtype}: less precise than the declared {expected.dtype}"
        return not_comparable(name, problem, output.dtype)
    got, want, allowed = output.values, expected.values[name], expected.allowed(name)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        error = abs(got - want)
        right = error <= allowed  # False for NaN
        if right.all():
            largest = float((error / allowed).max()) if error.any() else 0.0  # works where the tolerance is zero, too
            finer = expected.dtype in HALF and not precision.holds(output.values)
            return Difference(name, dtype=output.dtype, size=got.size, largest_error=largest, is_finer=finer)
        fraction = error / allowed
    fraction = np.where(np.isnan(fraction), np.inf, fraction)
    fraction[(allowed < 2.0**precision.min_exponent) & (error >= 2.0**precision.min_exponent)] = np.inf

    def element(index: tuple[int, ...]) -> Element:
        in_words = place(actual.golden, of, index)
        return Element(index, float(got[index]), float(want[index]), float(allowed[index]), in_words)

    wrong, of = np.argwhere(~right), actual.axes(name)
    finite_first = np.where(right, -2.0, np.where(np.isfinite(got), error, -1.0))
    return Difference(
        name,
        dtype=output.dtype,
        size=got.size,
        wrong=len(wrong),
        nan=int(np.isnan(got).sum()),
        infinite=int(np.isinf(got).sum()),
        first=element(first(actual.golden, name, of, wrong)),
        largest=element(tuple(int(i) for i in np.unravel_index(finite_first.argmax(), got.shape))),
        time_steps=tuple(np.unique(wrong[:, of.index(TIME)]).tolist()) if TIME in of else (),
        computed_in=_lower_precision(expected, name, got),
        largest_error=float(fraction.max()),
    )


def _lower_precision(expected: Expected, name: str, got: Float64) -> str | None:
    """Return the lowest precision that represents all values; None if it is the declared one or unknown."""
    if isinstance(expected.tolerance, Exact | Equal) or not np.isfinite(got).all() or not got.any():
        return None
    lower = [p for p in PRECISIONS.values() if p.bits < PRECISIONS[expected.dtype].bits]
    with np.errstate(over="ignore", invalid="ignore"):
        lowest = next((p.name for p in sorted(lower, key=lambda p: p.bits) if (p.round(got) == got).all()), None)
    if lowest == "bfloat16" and replace(expected, dtype=lowest).wrong(name, got).any():
        return None
    return lowest
