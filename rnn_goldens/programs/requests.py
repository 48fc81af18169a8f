"""Requests to a program: messages of ``schema/protocol-request-N.schema.json``."""

import json
from typing import Any

import numpy as np

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.encoding.tree import inputs_tree, to_document
from rnn_goldens.schema import PROTOCOLS

Message = dict[str, Any]


def hello() -> Message:
    """Return the first request. It always states protocol 1, so that programs of any version can read it."""
    return {"request": "hello", "protocol": PROTOCOLS[0]}


def run(golden: Inputs, request_id: int) -> Message:
    """Return the request to compute a golden: its configuration, weights and inputs as stored."""
    return {
        "request": "run",
        "id": request_id,
        "golden": golden.id,
        "cell": golden.cell,
        "precision": golden.dtype,
        **to_document(inputs_tree(golden)),
    }


def run_back(golden: Inputs, request_id: int) -> Message:
    """Return the request for gradients, of protocol 2: the request of ``run`` plus the golden's cotangents."""
    cotangents = {name: np.asarray(array, np.float64) for name, array in golden.cotangents.items()}
    return {**run(golden, request_id), "cotangents": to_document(cotangents)}


def to_line(message: Message) -> bytes:
    """Return a message as one line; each number is the shortest decimal that reads back as the same double."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n"
