"""Writes goldens to files and reads them. The HDF5 and the JSON file hold the same tree, equal to the last bit."""

from rnn_goldens.encoding.files import (
    GRADIENTS,
    OUTPUTS,
    decode,
    encode,
    golden_beside,
    gradients_beside,
    is_of_gradients,
    read,
)
from rnn_goldens.encoding.tree import content_hash, gradients_hash, to_gradients_tree, to_tree

__all__ = [
    "GRADIENTS",
    "OUTPUTS",
    "content_hash",
    "decode",
    "encode",
    "golden_beside",
    "gradients_beside",
    "gradients_hash",
    "is_of_gradients",
    "read",
    "to_gradients_tree",
    "to_tree",
]
