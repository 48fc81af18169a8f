"""Right answers, for whoever writes a program and wants to see one."""

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.encoding.tree import to_document
from rnn_goldens.golden.features import ASKED_FEATURES
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS
from rnn_goldens.programs.answers import OUTPUTS
from rnn_goldens.programs.requests import Message
from rnn_goldens.schema import PROTOCOL


def hello() -> Message:
    """The hello of a program that supports everything."""
    return {
        "answer": "hello",
        "protocol": PROTOCOL,
        "name": "my_rnn",
        "cells": list(CELLS),
        "features": list(ASKED_FEATURES),
        "precisions": list(PRECISIONS),
    }


def outputs(golden: Golden, request_id: int) -> Message:
    """The right answer to the request for a golden."""
    names = [name for name in OUTPUTS if getattr(golden.stored, name) is not None]
    document = to_document({name: getattr(golden, name) for name in names})
    arrays = {name: {"shape": array["shape"], "data": array["data"]} for name, array in document.items()}
    return {"answer": "outputs", "id": request_id, **arrays}
