"""What a program is sent: messages of ``schema/protocol-request-N.schema.json``."""

import json
from typing import Any

import numpy as np

from rnn_goldens.checkable.golden import Question
from rnn_goldens.encoding.tree import asked_tree, to_document
from rnn_goldens.schema import PROTOCOLS

Message = dict[str, Any]


def hello() -> Message:
    """The first request, the same in each protocol: with the first, so that a program of that is greeted as ever."""
    return {"request": "hello", "protocol": PROTOCOLS[0]}


def run(golden: Question, request_id: int) -> Message:
    """The request to compute a golden: its configuration, weights and inputs, as its file has them."""
    return {
        "request": "run",
        "id": request_id,
        "golden": golden.id,
        "cell": golden.cell,
        "precision": golden.dtype,
        **to_document(asked_tree(golden)),
    }


def run_back(golden: Question, request_id: int) -> Message:
    """The request for gradients, of protocol 2: the same with the golden's cotangents, always all of them."""
    cotangents = {name: np.asarray(array, np.float64) for name, array in golden.cotangents.items()}
    return {**run(golden, request_id), "cotangents": to_document(cotangents)}


def to_line(message: Message) -> bytes:
    """A message as it goes over a pipe: one line, each number the shortest decimal that reads back as the same."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n"
