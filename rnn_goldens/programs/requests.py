"""What a program is sent: messages of ``schema/protocol-request-1.schema.json``."""

import json
from typing import Any

from rnn_goldens.encoding.tree import to_document, to_tree
from rnn_goldens.golden import Golden
from rnn_goldens.schema import PROTOCOL

Message = dict[str, Any]


def hello() -> Message:
    """The first request."""
    return {"request": "hello", "protocol": PROTOCOL}


def run(golden: Golden, request_id: int) -> Message:
    """The request to compute a golden: its configuration, weights and inputs, as its file has them."""
    tree = to_tree(golden)
    asked = {name: tree[name] for name in ("config", "weights", "inputs")}
    return {
        "request": "run",
        "id": request_id,
        "golden": golden.id,
        "cell": golden.cell,
        "precision": golden.dtype,
        **to_document(asked),
    }


def to_line(message: Message) -> bytes:
    """A message as it goes over a pipe: one line, each number the shortest decimal that reads back as the same."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n"
