"""tract on the CPU, running the golden's ONNX model."""

import re
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tract
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.network_construction import require_cell
from rnn_goldens.implementations.onnx_model import ATTRIBUTES, network_model

_SIZES = re.compile(r" \(.*|: expected .*| a \d.*|\. \d.*")
"""The end of a cause that has sizes and values, so that goldens that are refused for one reason have one text."""


def run(golden: Inputs) -> tuple[NDArray[Any], ...]:
    """Return out, h_n (and c_n).

    Raises Unsupported for gradients and lengths, and in other precisions than float32 for every error of tract: it has
    only a part of each operator in them.
    """
    if golden.has_cotangents:
        raise Unsupported("tract computes outputs, and no gradients")
    if golden.lengths is not None:
        raise Unsupported("tract has no lengths: sequence_lens must be constant and equal to the number of steps")
    require_cell(golden, "tract", ATTRIBUTES)
    model = network_model(golden)
    feeds = model.feeds
    try:
        results = _runnable(model.build()).run(list(feeds.values()))
    except tract.TractError as error:
        cause = _last_cause(error)
        if golden.dtype != "float32":
            raise Unsupported(f"no {golden.dtype} in tract: {_SIZES.sub('', cause)}") from None
        raise RuntimeError(cause) from None  # instead of a message whose first line names a node, and a stack trace
    return model.to_golden([result.to_numpy() for result in results])


@lru_cache(maxsize=1)
def _runnable(model: bytes) -> tract.Runnable:
    """Return the optimized model; the same for the next call with the same bytes."""
    with TemporaryDirectory(prefix="rnn-goldens-") as folder:
        file = Path(folder) / "golden.onnx"
        file.write_bytes(model)
        return tract.onnx().load(file).into_model().into_runnable()


def _last_cause(error: tract.TractError) -> str:
    """Return the last cause of a message, without its number, the graph and the stack trace."""
    causes = re.split(r"\n *(?:Stack backtrace|ModelPatch )", str(error))[0].strip().splitlines()
    return re.sub(r"^ *\d+: ", "", causes[-1]).strip()
