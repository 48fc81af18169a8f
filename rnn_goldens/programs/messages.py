"""Messages of the protocol that this package writes: requests, and correct answers as examples for authors of programs.

Requests are messages of ``schema/protocol-request-N.schema.json``.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnn_goldens.checkable_golden import Golden, Inputs
from rnn_goldens.encoding.tree import inputs_tree, to_document
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.features import INPUT_FEATURES, RECURRENCE_FEATURES
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.programs.answers import GRADIENTS
from rnn_goldens.schema import PROTOCOLS

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
        "precisions": list(PRECISIONS),
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
