"""The formats there are: what each needs, in which precision it is written unless another is said, and its encoder."""

from collections.abc import Sequence
from importlib.util import find_spec

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.export.exported import Exported
from rnn_goldens.golden.precision import PRECISIONS

_EXTRAS = {"onnx": "onnx", "safetensors": "safetensors"}
"""What has to be installed for a format: the package, and the extra of this project that brings it."""


def require(to: str) -> None:
    """Raise WrongUse, which says what to install, unless the format can be written here."""
    package = _EXTRAS.get(to)
    if package is not None and find_spec(package) is None:
        raise WrongUse(f"--to {to} needs {package}, which is not installed: pip install 'rnn-goldens[{package}]'")


def usual_precision(to: str, precisions: Sequence[str]) -> str:
    """The widest of a golden's; for ONNX of those up to float32, as ONNX Runtime has no RNN of float64.

    Raises:
        Unsupported: none of them is.
    """
    if to != "onnx":
        return precisions[0]
    narrow = [name for name in precisions if PRECISIONS[name].bits <= PRECISIONS["float32"].bits]
    if not narrow:
        raise Unsupported(
            f"it is asked in {', '.join(precisions)} alone, which ONNX Runtime has no RNN of: "
            f"--dtype={precisions[0]} exports it for those that have"
        )
    return narrow[0]


def encode(golden: Golden, to: str) -> Exported:
    """A golden, in its precision, in a format of ``FORMATS``; raises Unsupported if the format can not hold it."""
    if to == "onnx":
        from rnn_goldens.export.onnx_test_case import onnx_test_case

        return onnx_test_case(golden)
    from rnn_goldens.export import array_files
    from rnn_goldens.export.c_header import c_header

    return {"npz": array_files.npz, "safetensors": array_files.safetensors, "c": c_header}[to](golden)
