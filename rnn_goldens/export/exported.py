"""What an encoder makes of a golden, and what it is called."""

from collections.abc import Mapping
from dataclasses import dataclass

from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.ids import is_id

ITSELF = ""
"""The path, below its own place, of what is one file."""


@dataclass(frozen=True)
class Exported:
    """A golden in another format.

    Attributes:
        golden_id: which one.
        place: path of its file, or of the folder that holds its files, below the folder that is written.
        files: contents by path below ``place``; under ``ITSELF`` if it is one file.
    """

    golden_id: str
    place: str
    files: Mapping[str, bytes]


def path_of(golden_id: str) -> str:
    """The id, which is the path of a file of one's own. Raises WrongUse if it could lead elsewhere."""
    if not is_id(golden_id):
        raise WrongUse(f"{golden_id!r} is no id of a golden: it is folder/name, in small letters, digits and dashes")
    return golden_id


def identifier(golden_id: str) -> str:
    """The id as C and Python take a name: ``lstm/two-layers`` is ``lstm_two_layers``."""
    name = path_of(golden_id).replace("/", "_").replace("-", "_")
    return f"golden_{name}" if name[0].isdigit() else name
