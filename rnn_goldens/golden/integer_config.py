"""The configuration of an integer LSTM: its sizes, its quantization parameters, and the types of its arrays."""

import math
import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.golden.precision import INTEGERS, whole_number
from rnn_goldens.golden.recurrence_config import LARGEST, RecurrenceConfig
from rnn_goldens.golden.recurrences import HIDDEN, INPUT, INTEGER_GATES, INTEGER_LSTMS
from rnn_goldens.golden.shapes import Layout

WIDE = tuple(cell for cell in INTEGER_LSTMS if "16x8" in cell)
"""Those with 16-bit activations, 64-bit biases and 16-bit multipliers."""

DOUBLE, SINGLE = "double", "single"
ROUNDINGS = (DOUBLE, SINGLE)
"""How a multiplier rounds: to 31 bits and then after the shift, or once."""

_INT32 = 2**31 - 1
_LARGEST_FLOAT32 = float(np.finfo(np.float32).max)


def _within(least: int, most: int) -> Callable[[object], bool]:
    def holds(value: object) -> bool:
        number = whole_number(value)
        return number is not None and least <= number <= most

    return holds


def _is_float32(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 < value <= _LARGEST_FLOAT32 and float(np.float32(value)) == value


def _shown(value: object) -> str:
    """Return a value as text of a bounded length."""
    try:
        return reprlib.repr(value)
    except ValueError:  # Python does not print integers of thousands of digits
        return "a number that is too long to print"


@dataclass(frozen=True)
class _Parameter:
    """A quantization parameter: whether it has one number for each gate, which numbers are valid, and that in words."""

    by_gate: bool
    is_valid: Callable[[object], bool]
    must: str

    def problem(self, name: str, value: object) -> str | None:
        """Return what is wrong with a value, if anything."""
        if not self.by_gate:
            values: Sequence[object] = [value]
        elif isinstance(value, list | tuple) and len(value) == len(INTEGER_GATES):
            values = value
        else:
            return f"{name} is {_shown(value)}, but must be a list of {len(INTEGER_GATES)}, for the gates i, f, g and o"
        wrong = [one for one in values if not self.is_valid(one)]
        return f"{name} has {_shown(wrong[0])}, but must be {self.must}" if wrong else None


_ZERO = _Parameter(by_gate=False, is_valid=_within(-128, 127), must="an integer from -128 to 127")
_MULTIPLIER = _within(2**30, _INT32)
_OF_MULTIPLIER, _OF_SCALE = f"an integer from {2**30} to {_INT32}", "a positive number that float32 represents"
_LARGEST_SHIFTS = {"W": 30, "R": 30, "h": 1}
"""Of h, a product of an activation and a tanh is below 2^30, and its shift to the left in 32 bits."""
_LARGEST_WIDE_SHIFT = 7
"""The largest shift of a sum of 64 bits that TensorFlow Lite Micro computes, ``MultiplyByQuantizedMultiplier``."""

PARAMETERS: Mapping[str, _Parameter] = {
    "x_zero": _ZERO,
    "h_zero": _ZERO,
    **{
        name: _Parameter(by_gate=name[0] != "h", is_valid=of, must=must)
        for matrix, largest in _LARGEST_SHIFTS.items()
        for name, of, must in (
            (f"{matrix}_multiplier", _MULTIPLIER, _OF_MULTIPLIER),
            (f"{matrix}_shift", _within(-31, largest), f"an integer from -31 to {largest}"),
        )
    },
    "cell_power": _Parameter(by_gate=False, is_valid=_within(-15, -9), must="an integer from -15 to -9"),
    "cell_clip": _Parameter(by_gate=False, is_valid=_within(0, 32767), must="an integer from 0 to 32767"),
    "x_scale": _Parameter(by_gate=False, is_valid=_is_float32, must=_OF_SCALE),
    "h_scale": _Parameter(by_gate=False, is_valid=_is_float32, must=_OF_SCALE),
    "W_scale": _Parameter(by_gate=True, is_valid=_is_float32, must=_OF_SCALE),
    "R_scale": _Parameter(by_gate=True, is_valid=_is_float32, must=_OF_SCALE),
}
"""The quantization parameters by name. The multipliers and shifts define the answer; engines that take scales derive
theirs from the scales."""


class IntegerConfig(RecurrenceConfig):
    """Sizes and quantization parameters of an integer LSTM: ``config["x_zero"]``, ``config["W_multiplier"]``."""

    kind: ClassVar[str] = "integer"
    is_wide_inside: ClassVar[bool] = False

    @property
    def width(self) -> str:
        """The type of inputs and outputs: ``int8`` or ``int16``."""
        return "int16" if self.cell in WIDE else "int8"

    def type_of(self, name: str) -> str:
        """Return the type of an array: of an input, weight, state or output, or of its initial or last value."""
        if name[:2] in ("W_", "R_"):
            return "int8"
        if name[:2] == "b_":
            return "int64" if self.cell in WIDE else "int32"
        return "int16" if name[:1] == "c" else self.width

    def zero_of(self, name: str) -> float:
        """Return the number that an initial state holds if none is given: the zero point of h."""
        return float(self["h_zero"]) if name == "h0" else 0.0

    def problems(self, layout: Layout) -> Iterator[str]:  # noqa: ARG002 - as that of networks
        """Yield a problem for each parameter that is not valid."""
        for name, parameter in PARAMETERS.items():
            if problem := parameter.problem(name, self[name]):
                yield problem
        if self.width == "int16" and (self["x_zero"], self["h_zero"]) != (0, 0):
            yield "x_zero and h_zero must be 0 with 16-bit activations"
        for name in ("W_shift", "R_shift") if self.width == "int16" else ():
            if (largest := max(self[name])) > _LARGEST_WIDE_SHIFT:
                yield f"{name} has {largest}, but must be at most {_LARGEST_WIDE_SHIFT} with 16-bit activations"
        if (rounding := self.get("rounding", DOUBLE)) not in ROUNDINGS:
            yield f"rounding is {rounding!r}, but must be {' or '.join(map(repr, ROUNDINGS))}"
        elif rounding == SINGLE and not self.cell.endswith("_cmsis"):
            yield f"rounding is {SINGLE!r}, which only CMSIS-NN has as an option"


def integer_config(cell: str, values: Mapping[str, Any]) -> IntegerConfig:
    """Return the configuration of an integer LSTM. Raises WrongUse if it is wrong."""
    recurrence = INTEGER_LSTMS[cell]
    known = (INPUT, HIDDEN, *PARAMETERS, "rounding")
    if missing := [name for name in known[:-1] if name not in values]:
        raise WrongUse(f"{cell}: config has no {', '.join(missing)}")
    if unknown := [name for name in values if name not in known]:
        raise UnknownName(f"parameter of {cell}", str(unknown[0]), known, plural=f"Parameters of {cell}")
    for name in (INPUT, HIDDEN):
        if not _within(1, LARGEST)(values[name]):
            raise WrongUse(f"{cell}: {name} is {_shown(values[name])}, but must be an integer from 1 to {LARGEST}")
    config = IntegerConfig(cell, recurrence, {name: _plain(values[name]) for name in known if name in values})
    for problem in config.problems(recurrence.layout):
        raise WrongUse(f"{cell}: {problem}")
    return config


def with_multipliers(cell: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return values of a configuration with the multipliers that its scales give, if it has only scales."""
    if any(name.endswith(("_multiplier", "_shift")) for name in values):
        return values
    names = ("x_scale", "h_scale", "W_scale", "R_scale")
    if missing := [name for name in names if name not in values]:
        raise WrongUse(f"{cell}: config has no {', '.join(missing)}")
    scales = {name: _plain(values[name]) for name in names}
    for problem in filter(None, (PARAMETERS[name].problem(name, value) for name, value in scales.items())):
        raise WrongUse(f"{cell}: {problem}")
    return {**values, **multipliers(cell, *scales.values())}


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever is given
    """Return numbers and lists of other libraries as those of Python, and anything else as it is."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return _plain(value.tolist()) if hasattr(value, "tolist") else value


def multipliers(
    cell: str, x_scale: float, h_scale: float, input_scales: Sequence[float], recurrent_scales: Sequence[float]
) -> dict[str, Any]:
    """Return the multipliers and shifts that the engine of a cell derives from scales: those of x, h, W and R."""
    of_h = 2.0**-30 / h_scale  # LiteRT divides in float32, TensorFlow Lite Micro in double
    found: dict[str, Any] = {}
    for matrix, scales, scale in (("W", input_scales, x_scale), ("R", recurrent_scales, h_scale)):
        pairs = [multiplier(of_matrix * scale * 2.0**12) for of_matrix in scales]
        found |= {f"{matrix}_multiplier": [m for m, _ in pairs], f"{matrix}_shift": [s for _, s in pairs]}
    m, s = multiplier(float(np.float32(of_h)) if cell.endswith("_tflite") else of_h)
    return {**found, "h_multiplier": m, "h_shift": s}


def multiplier(real: float) -> tuple[int, int]:
    """Return a multiplier m of 31 bits and a shift s, so that m · 2^(s - 31) is the nearest to a number."""
    part, power = math.frexp(real)
    m = math.floor(part * 2**31 + 0.5)
    return (m // 2, power + 1) if m == 1 << 31 else (m, power)


def limits(type_name: str) -> tuple[float, float]:
    """Return the least and the largest number of an integer type, of those that float64 represents."""
    bits = min(INTEGERS[type_name].bits, 54)
    return -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1
