"""A golden in the formats that others read: encoders that give bytes, and the one function that writes them."""

from rnn_goldens.export.exported import Exported
from rnn_goldens.export.formats import FORMATS, encode, require, usual_precision
from rnn_goldens.export.writing import write

__all__ = ["FORMATS", "Exported", "encode", "require", "usual_precision", "write"]
