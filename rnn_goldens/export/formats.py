"""The export formats: their requirements, default precisions and encoders."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.export import HDF5, SONNX, WEBNN, WEIGHTS_AS_INPUTS
from rnn_goldens.export.exported_golden import Exported
from rnn_goldens.golden.precision import PRECISIONS

_EXTRAS = {"onnx": "onnx", WEIGHTS_AS_INPUTS: "onnx", SONNX: "onnx", "safetensors": "safetensors"}
"""The package that a format requires, which is also the name of the extra that installs it."""

_NARROW = ("onnx", WEIGHTS_AS_INPUTS, SONNX, WEBNN)
"""Formats whose engines have no float64 networks."""


def require(to: str) -> None:
    """Raise WrongUse, with what to install, if the format requires a package that is not installed."""
    package = _EXTRAS.get(to)
    if package is not None and find_spec(package) is None:
        raise WrongUse(f"--to {to} needs {package}, which is not installed: pip install 'rnn-goldens[{package}]'")


def usual_precision(to: str, precisions: Sequence[str]) -> str:
    """Return the default precision: the widest of the golden, but at most float32 for ONNX and WebNN.

    ONNX Runtime does not support recurrent networks in float64.

    Raises:
        Unsupported: the golden has no such precision.
    """
    if to not in _NARROW:
        return precisions[0]
    narrow = [name for name in precisions if PRECISIONS[name].bits <= PRECISIONS["float32"].bits]
    if not narrow:
        runtime, advice = "ONNX Runtime", f": use --dtype={precisions[0]} for other runtimes"
        raise Unsupported(
            f"its only precision is {', '.join(precisions)}, which "
            f"{'WebNN' if to == WEBNN else runtime} does not support for this operator{'' if to == WEBNN else advice}"
        )
    return narrow[0]


def encode(golden: Golden, to: str) -> Exported:
    """Return a golden in its precision in one of ``FORMATS``; for WebNN, a part of each of several files.

    The precision has no effect on HDF5, which has the golden's gradients, too.

    Raises:
        Unsupported: the format cannot represent the golden.
    """
    if to == WEBNN:
        from rnn_goldens.export.webnn_tests import webnn_tests

        return webnn_tests(golden)
    if to == SONNX:
        from rnn_goldens.export.sonnx.case import sonnx_case

        return sonnx_case(golden)
    if _EXTRAS.get(to) == "onnx":
        from rnn_goldens.export.onnx_test_case import onnx_test_case

        return onnx_test_case(golden, stored_weights=to != WEIGHTS_AS_INPUTS)
    if to == HDF5:
        from rnn_goldens.export.hdf5 import hdf5

        return hdf5(golden)
    from rnn_goldens.export import array_files
    from rnn_goldens.export.c_header import c_header

    return {"npz": array_files.npz, "safetensors": array_files.safetensors, "c": c_header}[to](golden)


@dataclass(frozen=True)
class Files:
    """What an export writes.

    Attributes:
        of_goldens: the file or folder of each golden, in order.
        of_several: files of no single golden.
    """

    of_goldens: Sequence[Exported]
    of_several: Sequence[Exported] = ()

    @property
    def all(self) -> list[Exported]:
        """Both, in this order."""
        return [*self.of_goldens, *self.of_several]


def files(to: str, encoded: Sequence[Exported]) -> Files:
    """Return what to write for encoded goldens."""
    if to == WEBNN:
        from rnn_goldens.export.webnn_tests import joined

        return Files((), joined(encoded))
    if to == HDF5:
        from rnn_goldens.export.hdf5 import golden_files, gradients_files

        return Files(golden_files(encoded), gradients_files(encoded))
    if to == SONNX:
        from rnn_goldens.export.sonnx.accuracy import pages

        return Files(encoded, pages(encoded))
    if to == "c":
        from rnn_goldens.export.c_header import checker

        return Files(encoded, [checker()])
    return Files(encoded)
