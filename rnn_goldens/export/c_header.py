"""Exports a golden as a C99 header without dependencies: sizes as macros, numbers as static const arrays."""

import math
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.differences import axes
from rnn_goldens.export.exported_golden import ITSELF, Exported, Files, allowed, expected, identifier, inputs
from rnn_goldens.golden.integer_config import SINGLE
from rnn_goldens.golden.shapes import BATCH, DIRECTION_AND_UNIT, SEQUENCE, TIME

CHECKER = "rnn_goldens.h"
"""The header that compares outputs with goldens, in this folder; ``c/`` of the repository has it."""

_CHECKER_GUARD = "RNN_GOLDENS_H"

_WIDTH = 110


def checker() -> Exported:
    """Return the header that compares outputs with exported goldens."""
    return Exported(CHECKER, CHECKER, {ITSELF: Path(__file__).with_name(CHECKER).read_bytes()})


def with_checker(encoded: Sequence[Exported]) -> Files:
    """Return the headers of goldens, and the header that compares outputs with them."""
    return Files(encoded, [checker()])


def c_header(golden: Golden) -> Exported:
    """Return the header. All its names begin with the golden's id, with ``/`` and ``-`` replaced by ``_``."""
    name = identifier(golden.id)
    guard = f"{name.upper()}_H"
    lines = [
        *_comment(golden),
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        *(["#include <stdint.h>", ""] if golden.is_integer else []),
        *(f"#define {name.upper()}_{size} {value}" for size, value in _sizes(golden).items()),
        *_arrays(name, golden),
        "",
        *(_for_checker_of_integers(name, golden) if golden.is_integer else _for_checker(name, golden)),
        "",
        f"#endif /* {guard} */",
        "",
    ]
    return Exported(golden.id, f"{name}.h", {ITSELF: "\n".join(lines).encode("utf-8")})


def _comment(golden: Golden) -> Iterator[str]:
    config = ", ".join(f"{name}={value}" for name, value in golden.config.items() if not isinstance(value, list))
    gates = golden.layout.gates
    rows = f" Rows of weights: the gates {', '.join(gates)}, hidden_size rows each." if len(gates) > 1 else ""
    yield f"/* {golden.id} in {golden.dtype}, a golden of rnn-goldens."
    for paragraph in (
        golden.purpose,
        f"Cell {golden.cell}, {config}.{rows}",
        _layout(golden),
        f"{_of_numbers(golden)} {CHECKER} compares outputs, if it is included before this file.",
    ):
        yield " *"
        yield from textwrap.wrap(_comment_safe(paragraph), _WIDTH, initial_indent=" * ", subsequent_indent=" * ")
    yield " */"


def _of_numbers(golden: Golden) -> str:
    """Return what the numbers are, as text."""
    if golden.is_integer:
        return "Lists have a number for each of the gates i, f, g and o. Every bit of an output is defined."
    return (
        f"Weights, inputs and states are {golden.dtype} numbers. Expected values are exact results, rounded once to "
        "double. Each element has a tolerance: a result is wrong if !(fabs(got - expected) <= tolerance)."
    )


def _layout(golden: Golden) -> str:
    """Return the axes of inputs, states and outputs as text."""
    by_axes: dict[tuple[str, ...], list[str]] = {}
    for name in (*golden.inputs, *golden.layout.initial, *golden.layout.outputs):
        of_name = golden.axes(name)
        by_axes.setdefault(_with_batch(of_name) if golden.is_integer else of_name, []).append(name)
    parts = (f"{', '.join(names)}: ({', '.join(axes)})" for axes, names in by_axes.items())
    return f"Arrays are flat, the last axis runs fastest. Axes: {'; '.join(parts)}."


def _with_batch(of_output: tuple[str, ...]) -> tuple[str, ...]:
    """Return the axes of an integer golden, whose sequences are not packed: each is a row of the batch."""
    return tuple(BATCH if axis == SEQUENCE else axis for axis in of_output)


def _comment_safe(text: str) -> str:
    """Return text without comment delimiters, trigraphs and unprintable characters."""
    for token in ("*/", "/*", "??"):
        text = text.replace(token, " ".join(token))
    return "".join(character if character.isprintable() else " " for character in text)


def _sizes(golden: Golden) -> dict[str, int]:
    lengths = golden.config.lengths_name
    has_lengths = {"lengths": golden.lengths, "offsets": golden.offsets}[lengths] is not None
    single = {"SINGLE_ROUNDING": int(golden.config.get("rounding") == SINGLE)}
    of_integers = {n.upper(): v for n, v in golden.config.items() if isinstance(v, int)} | single
    return {
        "BATCH": golden.batch_shape[0] if golden.batch_shape else 1,
        "TIME": golden.time,
        **{name.upper(): size for name, size in golden.config.sizes.items()},
        **(of_integers if golden.is_integer else {}),
        "HAS_STATE": int(bool(golden.given_states)),
        **({} if golden.is_integer else {f"HAS_{lengths.upper()}": int(has_lengths)}),
    }


def _arrays(name: str, golden: Golden) -> Iterator[str]:
    for array_name, array in _named_arrays(golden).items():
        yield ""
        yield f"/* {' x '.join(map(str, array.shape))} */"
        kind = f"{array.dtype}_t" if golden.is_integer else _c_type(array)
        yield f"static const {kind} {name}_{array_name}[{array.size}] = {{"
        yield from _rows(array)
        yield "};"


def _named_arrays(golden: Golden) -> dict[str, NDArray[Any]]:
    """Return the arrays by name; an integer golden has those of its configuration, and no tolerances."""
    if golden.is_integer:
        of_gates = {name: value for name, value in golden.config.items() if isinstance(value, list)}
        lists = {name: np.array(value, np.int32) for name, value in of_gates.items() if isinstance(value[0], int)}
        return {**lists, **golden.weights, **golden.inputs, **golden.states, **golden.expected}
    tolerances = {f"{output}_tolerance": array for output, array in allowed(golden).items()}
    return {**golden.weights, **inputs(golden), **expected(golden), **tolerances}


def _for_checker_of_integers(name: str, golden: Golden) -> Iterator[str]:
    """Yield a description of each expected output of an integer golden for ``rnn_goldens.h``."""
    yield f"#ifdef {_CHECKER_GUARD}"
    for output, array in golden.expected.items():
        names = ", ".join(f'"{axis}"' for axis in _with_batch(axes(golden, output)))
        axis = golden.axis(output, TIME)
        yield f"static const rnn_goldens_integers {name}_{output}_expected = {{"
        yield f'    "{golden.id}", "{output}", {array.ndim}, {{{", ".join(map(str, array.shape))}}}, {{{names}}},'
        yield f"    {-1 if axis is None else axis}, {name}_{output}, {8 * array.itemsize},"
        yield "};"
    yield f"#endif /* {_CHECKER_GUARD} */"


def _for_checker(name: str, golden: Golden) -> Iterator[str]:
    """Yield a description of each expected output for ``rnn_goldens.h``."""
    yield f"#ifdef {_CHECKER_GUARD}"
    for output, array in expected(golden).items():
        shape = ", ".join(map(str, array.shape))
        names = ", ".join(f'"{axis}"' for axis in axes(golden, output))
        time, reverse, lengths = _order_in_time(name, golden, output)
        yield f"static const rnn_goldens_expected {name}_{output}_expected = {{"
        yield f'    "{golden.id}", "{output}", {array.ndim}, {{{shape}}}, {{{names}}},'
        yield f"    {time}, {reverse}, {lengths}, {name}_{output}, {name}_{output}_tolerance,"
        yield "};"
    yield f"#endif /* {_CHECKER_GUARD} */"


def _order_in_time(name: str, golden: Golden, output: str) -> tuple[int, int, str]:
    """Return the axis of time or -1, the first unit of the reverse direction or 0, and the name of the lengths."""
    axis, reverse = golden.axis(output, TIME), DIRECTION_AND_UNIT in golden.axes(output)
    lengths = f"{name}_lengths" if axis is not None and golden.lengths is not None else "NULL"
    return -1 if axis is None else axis, golden.network.output_size if reverse else 0, lengths


def _c_type(array: NDArray[Any]) -> str:
    """Return the type that represents the numbers exactly: C99 has no half precisions."""
    if array.dtype.kind == "i":
        return "int"
    return "double" if array.dtype == np.float64 else "float"


def _rows(array: NDArray[Any]) -> Iterator[str]:
    """Yield the numbers, each row of the last axis on separate lines."""
    is_integer, suffix = array.dtype.kind == "i", "f" if _c_type(array) == "float" else ""
    for row in array.reshape(-1, array.shape[-1]).tolist():
        line = ", ".join(str(number) if is_integer else f"{_hexadecimal(number)}{suffix}" for number in row)
        yield from textwrap.wrap(f"{line},", _WIDTH, initial_indent="    ", subsequent_indent="    ")


def _hexadecimal(number: float) -> str:
    """Return a hexadecimal literal, which C99 compilers must read exactly, unlike a decimal one."""
    assert math.isfinite(number)
    mantissa, exponent = number.hex().split("p")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}p{exponent}"
