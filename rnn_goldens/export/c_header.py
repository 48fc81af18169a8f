"""A golden as a C header: sizes as macros, numbers as static const arrays, in C99 and without any library."""

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.export.content import allowed, expected, inputs
from rnn_goldens.export.exported import ITSELF, Exported, identifier

_WIDTH = 110


def c_header(golden: Golden) -> Exported:
    """The header; what it declares begins with the golden's id, ``/`` and ``-`` as ``_``."""
    name = identifier(golden.id)
    guard = f"{name.upper()}_H"
    lines = [
        *_comment(golden),
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        *(f"#define {name.upper()}_{size} {value}" for size, value in _sizes(golden).items()),
        *_arrays(name, golden),
        "",
        f"#endif /* {guard} */",
        "",
    ]
    return Exported(golden.id, f"{name}.h", {ITSELF: "\n".join(lines).encode("utf-8")})


def _comment(golden: Golden) -> Iterator[str]:
    config = ", ".join(f"{name}={value}" for name, value in golden.config.items())
    gates = golden.layout.gates
    rows = f" Rows of weights: the gates {', '.join(gates)}, hidden_size rows each." if len(gates) > 1 else ""
    yield f"/* {golden.id} in {golden.dtype}, a golden of rnn-goldens."
    for paragraph in (
        golden.purpose,
        f"Cell {golden.cell}, {config}.{rows}",
        "Arrays are flat, the last axis runs fastest. x is (batch, time, input), out (batch, time, directions*hidden), "
        "states are (layers*directions, batch, hidden)." + ("" if golden.batch_shape else " The golden has no batch."),
        f"Weights, x and states are {golden.dtype} numbers. What is expected is exact, rounded once to double; "
        "it is right if every element is off by at most its tolerance: !(fabs(got - expected) <= tolerance) is wrong.",
    ):
        yield " *"
        yield from textwrap.wrap(_harmless(paragraph), _WIDTH, initial_indent=" * ", subsequent_indent=" * ")
    yield " */"


def _harmless(text: str) -> str:
    """Text that can stand in a comment: nothing in it begins or ends one, is a trigraph, or can not be seen."""
    for sign in ("*/", "/*", "??"):
        text = text.replace(sign, " ".join(sign))
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _sizes(golden: Golden) -> dict[str, int]:
    config = golden.config
    return {
        "BATCH": golden.batch_shape[0] if golden.batch_shape else 1,
        "TIME": golden.stored.x.shape[-2],
        "INPUT": config.input_size,
        "HIDDEN": config.hidden_size,
        "LAYERS": config.num_layers,
        "DIRECTIONS": config.num_directions,
        "HAS_BIAS": int(config.bias),
        "HAS_STATE": int(golden.initial_state is not None),
        "HAS_LENGTHS": int(golden.lengths is not None),
    }


def _arrays(name: str, golden: Golden) -> Iterator[str]:
    tolerances = {f"{output}_tolerance": array for output, array in allowed(golden).items()}
    for array_name, array in {**golden.weights, **inputs(golden), **expected(golden), **tolerances}.items():
        yield ""
        yield f"/* {' x '.join(map(str, array.shape))} */"
        yield f"static const {_c_type(array)} {name}_{array_name}[{array.size}] = {{"
        yield from _rows(array)
        yield "};"


def _c_type(array: NDArray[Any]) -> str:
    """The type that holds every number: C99 has no half precisions."""
    if array.dtype.kind == "i":
        return "int"
    return "double" if array.dtype == np.float64 else "float"


def _rows(array: NDArray[Any]) -> Iterator[str]:
    """The numbers, each row of the last axis on lines of its own."""
    for row in array.reshape(-1, array.shape[-1]):
        line = ", ".join(_literals(row))
        yield from textwrap.wrap(f"{line},", _WIDTH, initial_indent="    ", subsequent_indent="    ")


def _literals(row: NDArray[Any]) -> Sequence[str]:
    kind = _c_type(row)
    if kind == "int":
        return [str(number) for number in row.tolist()]
    suffix = "f" if kind == "float" else ""
    return [f"{_hexadecimal(number)}{suffix}" for number in row.tolist()]


def _hexadecimal(number: float) -> str:
    """A number as C99 has to read it exactly, which it need not do with decimals."""
    assert math.isfinite(number)
    mantissa, exponent = number.hex().split("p")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}p{exponent}"
