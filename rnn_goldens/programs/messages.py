"""Messages of the protocol: requests, answers of a program parsed from lines, and correct answers as examples.

They are messages of ``schema/protocol-request-N.schema.json`` and ``schema/protocol-answer-N.schema.json``.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Golden, Inputs
from rnn_goldens.encoding import json_file
from rnn_goldens.encoding.tree import inputs_tree, to_document
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.features import INPUT_FEATURES, RECURRENCE_FEATURES
from rnn_goldens.golden.precision import INPUT_TYPES, NUMBER_TYPES, PRECISIONS
from rnn_goldens.golden.recurrences import INTEGER_LSTMS, RECURRENCES
from rnn_goldens.plurals import counted
from rnn_goldens.programs.misbehaviour import Misbehaviour, excerpt, printable
from rnn_goldens.schema import PROTOCOLS, problems

GRADIENTS = "gradients"
"""The feature of a program that computes gradients, and the name of an answer with gradients; from protocol 2 on."""

_RESULTS = {"out", *(name for recurrence in RECURRENCES.values() for name in recurrence.outputs)}
"""The names of outputs at each time step."""

Rounded = NDArray[np.floating]
Read = NDArray[np.float64]

_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf, None: math.nan}

_LONGEST_INTEGER = 300
_DEEPEST = 16
"""Maximum levels of brackets; an answer has four."""


@dataclass(frozen=True)
class Hello:
    """The hello of a program, which states what it supports.

    Attributes:
        name: its name; "" if not stated.
        cells, features, precisions: the names of the cells, features and precisions that it supports.
        version: its version; "" if not stated.
        protocol: the protocol version that it uses.
    """

    name: str
    cells: frozenset[str]
    features: frozenset[str]
    precisions: frozenset[str]
    version: str = ""
    protocol: int = PROTOCOLS[0]

    def lacks(self, golden: Inputs) -> str | None:
        """Return the first thing that a golden needs and the program does not support; None if it supports all."""
        if golden.cell not in self.cells:
            return golden.cell
        if golden.dtype not in self.precisions:
            return golden.dtype
        needed = (name for name in (*INPUT_FEATURES, *RECURRENCE_FEATURES) if name in golden.features)
        return next((feature for feature in needed if feature not in self.features), None)


@dataclass(frozen=True)
class Refusal:
    """The answer ``unsupported``."""

    id: int
    reason: str


@dataclass(frozen=True, eq=False)
class Arrays:
    """The answer ``outputs`` or ``gradients``: float64 arrays by name."""

    id: int
    answer: str
    arrays: Mapping[str, Read]

    def rounded(self, golden: Inputs) -> dict[str, Rounded]:
        """Return the arrays in a golden's precision, in its NumPy type: outputs in its order, then all others.

        The last states of a recurrence that are not compared are left out.
        """
        not_compared = {f"{state}_n" for state in golden.layout.states} if self.answer != GRADIENTS else ()
        names = dict.fromkeys([*golden.layout.outputs, *(name for name in self.arrays if name not in not_compared)])
        return {name: _rounded(self.arrays[name], golden.dtype) for name in names if name in self.arrays}


Answer = Refusal | Arrays


def read(line: bytes, protocol: int = PROTOCOLS[0]) -> Hello | Answer:
    """Parse an answer of a protocol version; a hello states its own version.

    Raises Misbehaviour if the line is not JSON or does not match the schema, the data of an array do not match its
    shape, or a hello states an unknown version.
    """
    message = _parsed(line)
    if isinstance(message, dict) and message.get("answer") == "hello":
        protocol = _protocol_of(message)
    if found := _problem(message, protocol):
        raise _invalid_answer(line, found, protocol)
    if message["answer"] == "hello":
        supported = {name: frozenset(message[name]) for name in ("cells", "features", "precisions")}
        return Hello(message.get("name", ""), **supported, version=message.get("version", ""), protocol=protocol)
    request_id = int(message["id"])
    if message["answer"] == "unsupported":
        return Refusal(request_id, message["reason"])
    are_gradients = message["answer"] == GRADIENTS
    named = message[GRADIENTS] if are_gradients else {name: message[name] for name in message if _is_output(name)}
    try:
        arrays = {n: _array(f"{GRADIENTS}/{n}" if are_gradients else n, **array) for n, array in named.items()}
    except ValueError as error:
        raise _invalid_answer(line, str(error), protocol) from None
    return Arrays(request_id, message["answer"], arrays)


def _parsed(line: bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Parse JSON, with NaN, which many writers print; raises Misbehaviour for other text, and if nested too deep."""
    try:
        return json_file.parse(line, _DEEPEST, lenient=True, parse_int=_integer)
    except RecursionError:
        nested = f"nested too deep, in more than {_DEEPEST} levels"
        raise Misbehaviour(f"printed JSON that is {nested}: {excerpt(line)}") from None
    except ValueError as problem:
        hint = "stdout is for answers; print everything else to stderr"
        raise Misbehaviour(f"printed a line that is not JSON ({problem}): {excerpt(line)}", [hint]) from None


def _integer(digits: str) -> float:
    """Parse an integer. -0 becomes -0.0, which C prints as -0; a number beyond the largest double becomes infinite."""
    return int(digits) if digits != "-0" and len(digits) < _LONGEST_INTEGER else float(digits)


def _is_output(name: str) -> bool:
    return name in _RESULTS or name.endswith("_n")


def _protocol_of(hello: Mapping[str, Any]) -> int:
    """Return the protocol version that a hello states, 1 if none; raises Misbehaviour if it is unknown."""
    stated = hello.get("protocol", PROTOCOLS[0])
    for known in PROTOCOLS:
        if stated == known:
            return known
    ours = " and ".join(map(str, PROTOCOLS))
    raise Misbehaviour(f"speaks protocol {json.dumps(stated)[:20]}; this version of rnn-goldens speaks {ours}")


def _problem(message: object, protocol: int) -> str:
    """Return why a message is not an answer of a protocol version, ignoring the data of arrays; "" if it is one."""
    envelope = message
    if isinstance(message, dict):
        envelope = {name: _without_data(value) if _is_output(name) else value for name, value in message.items()}
        if isinstance(gradients := message.get(GRADIENTS), dict):
            if nulls := [name for name, value in gradients.items() if value is None]:
                return f"{GRADIENTS}/{printable(nulls[0])}: null is not an array; leave out what is not computed"
            envelope[GRADIENTS] = {name: _without_data(value) for name, value in gradients.items()}
    return next(iter(problems(envelope, "protocol-answer", protocol)), "")


def _without_data(array: object) -> object:
    """Return an array without its data, for validation by the schema."""
    if isinstance(array, dict) and isinstance(array.get("data"), list):
        return array | {"data": []}
    return array


def _array(name: str, shape: list[float], data: list[Any]) -> Read:
    """Return an array as float64; raises ValueError for data that do not match the shape, or are not numbers.

    NumPy reads the data, for which jsonschema is too slow; the schema checks the rest.
    """
    sizes = tuple(map(int, shape))
    if set(map(type, data)) <= {int, float}:  # not bool, which NumPy accepts as a number
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
    raise ValueError(f"{where}: {json.dumps(item)[:40]} is not a number, 'NaN', 'Infinity', '-Infinity' or null")


def _invalid_answer(line: bytes, problem: str, protocol: int) -> Misbehaviour:
    return Misbehaviour(f"printed JSON that is not an answer of protocol {protocol} ({problem}): {excerpt(line)}")


def _rounded(array: Read, dtype: str) -> Rounded:
    with np.errstate(over="ignore"):  # a number beyond the largest is infinite
        return NUMBER_TYPES[dtype].round(array)


Message = dict[str, Any]


def hello() -> Message:
    """Return the first request. It always states protocol 1, so that programs of any version can read it."""
    return {"request": "hello", "protocol": PROTOCOLS[0]}


def request(golden: Inputs, request_id: int, *, back: bool = False) -> Message:
    """Return the request to compute a golden as stored, or its gradients if ``back``, which needs protocol 2."""
    cotangents = {name: np.asarray(array, np.float64) for name, array in golden.cotangents.items()} if back else {}
    return {
        "request": "run",
        "id": request_id,
        "golden": golden.id,
        "cell": golden.cell,
        "precision": golden.dtype,
        **to_document(inputs_tree(golden)),
        **({"cotangents": to_document(cotangents)} if back else {}),
    }


def to_line(message: Message) -> bytes:
    """Return a message as one line; each number is the shortest decimal that reads back as the same double."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def correct_hello(protocol: int = PROTOCOLS[0], further: Sequence[str] = ()) -> Message:
    """Return the hello of a program that supports everything in a protocol version, and further cells."""
    return {
        "answer": "hello",
        "protocol": protocol,
        "name": "my_rnn",
        "cells": [*CELLS, *further],
        "features": [
            *INPUT_FEATURES,
            *(RECURRENCE_FEATURES if further else ()),
            *([GRADIENTS] if protocol > PROTOCOLS[0] else []),
        ],
        "precisions": [*PRECISIONS, *(INPUT_TYPES if {*INTEGER_LSTMS} & {*further} else ())],
    }


def correct_outputs(golden: Golden, request_id: int) -> Message:
    """Return the correct answer to the request for a golden's outputs."""
    return {"answer": "outputs", "id": request_id, **_arrays(golden.expected)}


def correct_gradients(golden: Golden, request_id: int) -> Message:
    """Return the correct answer to a request for gradients; raises what ``golden.checkable_gradients`` raises."""
    nearest = {
        name: PRECISIONS[golden.dtype].round(array).astype(np.float64)
        for name, array in golden.checkable_gradients().expected.items()
    }
    return {"answer": GRADIENTS, "id": request_id, GRADIENTS: _arrays(nearest)}


def _arrays(arrays: Mapping[str, Any]) -> Message:
    document = to_document(dict(arrays))
    return {name: {"shape": array["shape"], "data": array["data"]} for name, array in document.items()}
