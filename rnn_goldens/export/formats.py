"""The export formats: their requirements, default precisions and encoders."""

from collections.abc import Sequence
from importlib.util import find_spec

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.export import WEIGHTS_AS_INPUTS
from rnn_goldens.export.exported_golden import Exported
from rnn_goldens.golden.precision import PRECISIONS

_EXTRAS = {"onnx": "onnx", WEIGHTS_AS_INPUTS: "onnx", "safetensors": "safetensors"}
"""The package that a format requires, which is also the name of the extra that installs it."""


def require(to: str) -> None:
    """Raise WrongUse, with what to install, if the format requires a package that is not installed."""
    package = _EXTRAS.get(to)
    if package is not None and find_spec(package) is None:
        raise WrongUse(f"--to {to} needs {package}, which is not installed: pip install 'rnn-goldens[{package}]'")


def usual_precision(to: str, precisions: Sequence[str]) -> str:
    """Return the default precision: the widest of the golden, but at most float32 for ONNX.

    ONNX Runtime does not support recurrent networks in float64.

    Raises:
        Unsupported: the golden has no such precision.
    """
    if _EXTRAS.get(to) != "onnx":
        return precisions[0]
    narrow = [name for name in precisions if PRECISIONS[name].bits <= PRECISIONS["float32"].bits]
    if not narrow:
        raise Unsupported(
            f"its only precision is {', '.join(precisions)}, which ONNX Runtime does not support for this operator: "
            f"use --dtype={precisions[0]} for other runtimes"
        )
    return narrow[0]


def encode(golden: Golden, to: str) -> Exported:
    """Export a golden in its precision to one of ``FORMATS``. Raises Unsupported if the format cannot represent it."""
    if _EXTRAS.get(to) == "onnx":
        from rnn_goldens.export.onnx_test_case import onnx_test_case

        return onnx_test_case(golden, stored_weights=to != WEIGHTS_AS_INPUTS)
    from rnn_goldens.export import array_files
    from rnn_goldens.export.c_header import c_header

    return {"npz": array_files.npz, "safetensors": array_files.safetensors, "c": c_header}[to](golden)
