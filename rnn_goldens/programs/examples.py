"""Correct answers, as examples for authors of programs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.encoding.tree import to_document
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.features import INPUT_FEATURES, RECURRENCE_FEATURES
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.programs.answers import GRADIENTS
from rnn_goldens.programs.requests import Message
from rnn_goldens.schema import PROTOCOLS


def hello(protocol: int = PROTOCOLS[0], further: Sequence[str] = ()) -> Message:
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


def outputs(golden: Golden, request_id: int) -> Message:
    """Return the correct answer to the request for a golden's outputs."""
    return {"answer": "outputs", "id": request_id, **_arrays(golden.expected)}


def gradients(golden: Golden, request_id: int) -> Message:
    """Return the correct answer to a request for gradients; raises what ``golden.checkable_gradients`` raises."""
    nearest = {
        name: PRECISIONS[golden.dtype].round(array).astype(np.float64)
        for name, array in golden.checkable_gradients().expected.items()
    }
    return {"answer": GRADIENTS, "id": request_id, GRADIENTS: _arrays(nearest)}


def _arrays(arrays: Mapping[str, Any]) -> Message:
    document = to_document(dict(arrays))
    return {name: {"shape": array["shape"], "data": array["data"]} for name, array in document.items()}
