"""Encodes goldens in one of the export formats, in its default precision."""

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.export import FORMATS, WEBNN
from rnn_goldens.export.exported_golden import Exported, Files
from rnn_goldens.golden.precision import PRECISIONS


def require(to: str) -> None:
    """Raise WrongUse, with what to install, if the format requires a package that is not installed."""
    package = FORMATS[to].needs
    if package and find_spec(package) is None:
        raise WrongUse(f"--to {to} needs {package}, which is not installed: pip install 'rnn-goldens[{package}]'")


def usual_precision(to: str, precisions: Sequence[str]) -> str:
    """Return the default precision: the widest of the golden, but at most float32 for engines without float64."""
    engine, widest = FORMATS[to].engine, PRECISIONS["float32"].bits
    for name in precisions:
        if not engine or PRECISIONS[name].bits <= widest:
            return name
    advice = "" if to == WEBNN else f": use --dtype={precisions[0]} for other runtimes"
    only = f"its only precision is {', '.join(precisions)}"
    raise Unsupported(f"{only}, which {engine} does not support for this operator{advice}")


def encode(golden: Golden, to: str, like: str = "") -> Exported:
    """Return a golden in its precision in one of ``FORMATS``; for WebNN, a part of each of several files.

    The precision has no effect on HDF5, which has the golden's gradients, too. ``like`` names a library whose layout
    arrays in files have. Raises Unsupported if the format cannot represent the golden.
    """
    exported: Exported = _function(FORMATS[to].encode)(golden, **({"like": like} if like else {}))
    return exported


def files(to: str, encoded: Sequence[Exported]) -> Files:
    """Return what to write for encoded goldens."""
    together = FORMATS[to].together
    found: Files = _function(together)(encoded) if together else Files(encoded)
    return found


def _function(name: str) -> Callable[..., Any]:
    module, _, attribute = name.partition(":")
    function: Callable[..., Any] = getattr(import_module(f"{__package__}.{module}"), attribute)
    return function
