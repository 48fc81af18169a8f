"""What a program answers: messages of ``schema/protocol-answer-N.schema.json``, read from lines."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable.golden import Question
from rnn_goldens.golden.features import ASKED_FEATURES
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.programs.arrays import Read, read_arrays, without_data
from rnn_goldens.programs.lines import parse
from rnn_goldens.programs.misbehaviour import Misbehaviour
from rnn_goldens.programs.text import excerpt, printable
from rnn_goldens.schema import PROTOCOLS, problems

OUTPUTS = ("out", "h_n", "c_n")

GRADIENTS = "gradients"
"""The feature of a program that goes back, and what it answers then; from protocol 2 on."""

Rounded = NDArray[np.floating]


@dataclass(frozen=True)
class Hello:
    """What a program says of itself.

    Attributes:
        name: what to call it; "" if it does not say.
        cells, features, precisions: what it supports.
        version: of itself; "" if it does not say.
        protocol: which one it speaks.
    """

    name: str
    cells: frozenset[str]
    features: frozenset[str]
    precisions: frozenset[str]
    version: str = ""
    protocol: int = PROTOCOLS[0]

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
    arrays: Mapping[str, Read]

    def rounded(self, dtype: str) -> tuple[Rounded, ...]:
        """out, h_n and, if it was answered, c_n: each number the nearest one of a precision, in its NumPy type."""
        return tuple(_rounded(self.arrays[name], dtype) for name in OUTPUTS if name in self.arrays)


@dataclass(frozen=True, eq=False)
class Gradients:
    """The answer gradients: arrays by the name of what they are by; outputs beside them are read and left alone."""

    id: int
    arrays: Mapping[str, Read]

    def rounded(self, dtype: str) -> dict[str, Rounded]:
        """The same, each number the nearest one of a precision, in its NumPy type."""
        return {name: _rounded(array, dtype) for name, array in self.arrays.items()}


Answer = Refusal | Outputs | Gradients


def read(line: bytes, protocol: int = PROTOCOLS[0]) -> Hello | Answer:
    """Read an answer: of a protocol, or a hello, which says its own.

    Raises:
        Misbehaviour: not JSON, or not as the schema has it, or data do not fill their shape.
    """
    message = parse(line)
    if isinstance(message, dict) and message.get("answer") == "hello":
        protocol = _spoken(message)
    if found := _problem(message, protocol):
        raise _no_answer(line, found, protocol)
    if message["answer"] == "hello":
        supported = {name: frozenset(message[name]) for name in ("cells", "features", "precisions")}
        return Hello(message.get("name", ""), **supported, version=message.get("version", ""), protocol=protocol)
    request_id = int(message["id"])
    if message["answer"] == "unsupported":
        return Refusal(request_id, message["reason"])
    try:
        outputs = read_arrays({name: message[name] for name in OUTPUTS if name in message})
        if message["answer"] == "outputs":
            return Outputs(request_id, outputs)
        return Gradients(request_id, read_arrays(message[GRADIENTS], f"{GRADIENTS}/"))
    except ValueError as error:
        raise _no_answer(line, str(error), protocol) from None


def _spoken(hello: Mapping[str, Any]) -> int:
    """The protocol that a hello states, the first if it states none; raises Misbehaviour if it is not known here."""
    stated = hello.get("protocol", PROTOCOLS[0])
    for known in PROTOCOLS:
        if stated == known:
            return known
    ours = " and ".join(map(str, PROTOCOLS))
    raise Misbehaviour(f"speaks protocol {json.dumps(stated)[:20]}; this version of rnn-goldens speaks {ours}")


def _problem(message: object, protocol: int) -> str:
    """What keeps a message from being an answer of a protocol, as far as data of arrays do not matter; or nothing."""
    envelope = message
    if isinstance(message, dict):
        envelope = {name: without_data(value) if name in OUTPUTS else value for name, value in message.items()}
        if isinstance(given := message.get(GRADIENTS), dict):
            if nulls := [name for name, value in given.items() if value is None]:
                return f"{GRADIENTS}/{printable(nulls[0])}: null is no array; leave out what is not computed"
            envelope[GRADIENTS] = {name: without_data(value) for name, value in given.items()}
    return next(iter(problems(envelope, "protocol-answer", protocol)), "")


def _no_answer(line: bytes, problem: str, protocol: int) -> Misbehaviour:
    return Misbehaviour(f"printed JSON that is no answer of protocol {protocol} ({problem}): {excerpt(line)}")


def _rounded(array: Read, dtype: str) -> Rounded:
    with np.errstate(over="ignore"):  # a number beyond the largest one is infinite
        return PRECISIONS[dtype].round(array)
