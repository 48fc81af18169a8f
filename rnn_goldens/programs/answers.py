"""What a program answers: messages of ``schema/protocol-answer-1.schema.json``, read from lines."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable.golden import Question
from rnn_goldens.counted import counted
from rnn_goldens.encoding.json_file import no_key_twice
from rnn_goldens.golden.features import ASKED_FEATURES
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.programs.misbehaviour import Misbehaviour
from rnn_goldens.programs.text import excerpt
from rnn_goldens.schema import PROTOCOL, problems

OUTPUTS = ("out", "h_n", "c_n")
_LONGEST_INTEGER = 300
_DEEPEST = 16
"""Levels of brackets that are looked into; an answer has three."""

_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf, None: math.nan}


@dataclass(frozen=True)
class Hello:
    """What a program says of itself.

    Attributes:
        name: what to call it; "" if it does not say.
        cells, features, precisions: what it supports.
        version: of itself; "" if it does not say.
    """

    name: str
    cells: frozenset[str]
    features: frozenset[str]
    precisions: frozenset[str]
    version: str = ""

    def lacks(self, golden: Question) -> str | None:
        """What the program does not support of what a golden needs; None if it supports all."""
        if golden.cell not in self.cells:
            return golden.cell
        if golden.dtype not in self.precisions:
            return golden.dtype
        needed = (feature for feature in ASKED_FEATURES if feature in golden.features)
        return next((feature for feature in needed if feature not in self.features), None)


@dataclass(frozen=True)
class Refusal:
    """The answer unsupported."""

    id: int
    reason: str


@dataclass(frozen=True, eq=False)
class Outputs:
    """The answer outputs: arrays by name, float64 as they were read."""

    id: int
    arrays: Mapping[str, NDArray[np.float64]]

    def rounded(self, dtype: str) -> tuple[NDArray[np.floating], ...]:
        """out, h_n and, if it was answered, c_n: each number the nearest one of a precision, in its NumPy type."""
        with np.errstate(over="ignore"):  # a number beyond the largest one is infinite
            return tuple(PRECISIONS[dtype].round(self.arrays[name]) for name in OUTPUTS if name in self.arrays)


def read(line: bytes) -> Hello | Refusal | Outputs:
    """Read an answer.

    The data of arrays, which jsonschema would take a second for, NumPy reads; the rest is held against the schema.

    Raises:
        Misbehaviour: not JSON, or not as the schema has it, or data do not fill their shape.
    """
    message = _parse(line)
    if _is_deep(message):
        raise _nested_too_deep(line)
    envelope = message
    if isinstance(message, dict):
        spoken = message.get("protocol", PROTOCOL)
        if message.get("answer") == "hello" and spoken != PROTOCOL:
            spoken = json.dumps(spoken)[:20]
            raise Misbehaviour(f"speaks protocol {spoken}; this version of rnn-goldens speaks protocol {PROTOCOL}")
        envelope = {name: _without_data(value) if name in OUTPUTS else value for name, value in message.items()}
    if found := problems(envelope, "protocol-answer"):
        raise _no_answer(line, found[0])
    if message["answer"] == "hello":
        supported = {name: frozenset(message[name]) for name in ("cells", "features", "precisions")}
        return Hello(message.get("name", ""), **supported, version=message.get("version", ""))
    if message["answer"] == "unsupported":
        return Refusal(int(message["id"]), message["reason"])
    try:
        arrays = {name: _array(name, **message[name]) for name in OUTPUTS if name in message}
    except ValueError as error:
        raise _no_answer(line, str(error)) from None
    return Outputs(int(message["id"]), arrays)


def _parse(line: bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Parse a line; NaN and Infinity, which JSON has not and many writers write, are taken as they are meant."""
    try:
        return json.loads(line.decode("utf-8"), object_pairs_hook=no_key_twice, parse_int=_integer)
    except UnicodeDecodeError as error:
        problem = f"JSON is UTF-8, byte {error.start} is not"
    except RecursionError:
        raise _nested_too_deep(line) from None
    except ValueError as error:
        problem = str(error)
    hint = "stdout is for answers; anything else that a program has to say goes to stderr"
    raise Misbehaviour(f"printed a line that is not JSON ({problem}): {excerpt(line)}", [hint])


def _is_deep(message: object) -> bool:
    """Whether there are more levels than anything that goes into them by recursion is to see."""
    level = [message]
    for _ in range(_DEEPEST):
        level = [part for outer in level for part in _nested_in(outer)]
        if not level:
            return False
    return True


def _nested_in(outer: object) -> list[Any]:
    parts = list(outer.values()) if isinstance(outer, dict) else outer if isinstance(outer, list) else []
    return [part for part in parts if isinstance(part, dict | list)] if {dict, list} & set(map(type, parts)) else []


def _nested_too_deep(line: bytes) -> Misbehaviour:
    return Misbehaviour(f"printed JSON that is nested too deep, in more than {_DEEPEST} levels: {excerpt(line)}")


def _integer(digits: str) -> int | float:
    """An integer as JSON writes it: -0, which C prints for -0.0, keeps its sign; one beyond any double is infinite."""
    return int(digits) if digits != "-0" and len(digits) < _LONGEST_INTEGER else float(digits)


def _no_answer(line: bytes, problem: str) -> Misbehaviour:
    return Misbehaviour(f"printed JSON that is no answer of protocol {PROTOCOL} ({problem}): {excerpt(line)}")


def _without_data(array: object) -> object:
    if isinstance(array, dict) and isinstance(array.get("data"), list):
        return array | {"data": []}
    return array


def _array(name: str, shape: list[float], data: list[Any]) -> NDArray[np.float64]:
    """The array of a message whose data the schema has not seen; raises ValueError as the schema would."""
    sizes = tuple(map(int, shape))
    if set(map(type, data)) <= {int, float}:  # not bool, which NumPy takes for a number
        numbers = data
    else:
        numbers = [_number(f"{name}/data/{index}", item) for index, item in enumerate(data)]
    if len(data) != math.prod(sizes):
        raise ValueError(f"{name}: data holds {counted(len(data), 'number')}, shape {sizes} needs {math.prod(sizes)}")
    return np.array(numbers, dtype=np.float64).reshape(sizes)


def _number(where: str, item: object) -> float:
    if isinstance(item, int | float) and not isinstance(item, bool):
        return item
    if (item is None or isinstance(item, str)) and item in _NOT_FINITE:
        return _NOT_FINITE[item]
    raise ValueError(f"{where}: {json.dumps(item)[:40]} is no number, nor 'NaN', 'Infinity', '-Infinity' or null")
