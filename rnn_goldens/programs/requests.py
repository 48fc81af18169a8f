"""What a program is sent: messages of ``schema/protocol-request-1.schema.json``."""

import json
from typing import Any

from rnn_goldens.checkable.golden import Question
from rnn_goldens.encoding.tree import asked_tree, to_document
from rnn_goldens.schema import PROTOCOL

Message = dict[str, Any]


def hello() -> Message:
    """The first request."""
    return {"request": "hello", "protocol": PROTOCOL}


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


def to_line(message: Message) -> bytes:
    """A message as it goes over a pipe: one line, each number the shortest decimal that reads back as the same."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n"
