"""An exported golden: its files and names, the content that every format has, how to encode it and how to write it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.atomic_write import make_folder, placing, remove_leftovers
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.encoding import content_hash
from rnn_goldens.encoding.tree import TEXTS
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.export import FORMATS, WEBNN
from rnn_goldens.golden.features import is_id
from rnn_goldens.golden.precision import NUMBER_TYPES, PRECISIONS
from rnn_goldens.implementations.network_construction import batched

FORMAT = 1

ITSELF = ""
"""The key in ``Exported.files`` if the golden is a single file."""

_MAX_LISTED = 5

NEW, UNCHANGED, REPLACED = "new", "unchanged", "replaced"


@dataclass(frozen=True)
class Exported:
    """A golden in another format."""

    golden_id: str  # the id of the golden
    place: str  # the path of its file or folder, relative to the output folder
    files: Mapping[str, bytes]  # the contents by path below ``place``; under ``ITSELF`` for a single file


@dataclass(frozen=True)
class Files:
    """What an export writes."""

    of_goldens: Sequence[Exported]  # the file or folder of each golden, in order
    of_several: Sequence[Exported] = ()  # files of no single golden

    @property
    def all(self) -> list[Exported]:
        """Both, in this order."""
        return [*self.of_goldens, *self.of_several]


def path_of(golden_id: str) -> str:
    """Return the id as a path. Raises WrongUse for an invalid id, which could point outside the folder."""
    if not is_id(golden_id):
        raise WrongUse(
            f"{golden_id!r} is not a golden's id: expected folder/name in lower-case letters, digits and dashes"
        )
    return golden_id


def identifier(golden_id: str) -> str:
    """Return the id as an identifier of C and Python: ``lstm/two-layers`` becomes ``lstm_two_layers``."""
    name = path_of(golden_id).replace("/", "_").replace("-", "_")
    return f"golden_{name}" if name[0].isdigit() else name


def inputs(golden: Golden) -> dict[str, NDArray[Any]]:
    """Return inputs and, if present, initial states, lengths and offsets, in the golden's precision or as int64."""
    integers = {"lengths": golden.lengths, "offsets": golden.offsets}
    given = {name: array for name, array in integers.items() if array is not None}
    return {**golden.inputs, **golden.given_states, **given}


def expected(golden: Golden) -> dict[str, NDArray[np.float64]]:
    """Return the certified out, h_n and other last states, in float64 for every precision."""
    return {name: golden.stored.expected[name] for name in golden.layout.outputs}


def allowed(golden: Golden) -> dict[str, NDArray[np.float64]]:
    """Return the tolerance of each expected element in the golden's precision, as an absolute error."""
    precision = NUMBER_TYPES[golden.dtype]
    return {name: golden.tolerance.allowed(name, array, precision) for name, array in expected(golden).items()}


def by_direction(golden: Golden, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return outputs as ONNX and WebNN do, for one layer: out is (time, directions, batch, hidden), h_n has no time."""
    config, found = golden.network, {name: batched(golden, name, array) for name, array in arrays.items()}
    out = found["out"].reshape(*found["out"].shape[:2], config.num_directions, config.hidden_size)
    return {**found, "out": out.transpose(1, 2, 0, 3)}


def about(golden: Golden) -> dict[str, Any]:
    """Return the metadata of a golden: text, lists of text and the configuration."""
    return {
        "kind": "exported-golden",
        "format": FORMAT,
        **{name: getattr(golden, name) for name in TEXTS},
        "config": dict(golden.config),
        **({"embed": dict(golden.embedding.sizes)} if golden.embedding is not None else {}),
        "precision": golden.dtype,
        "features": list(golden.features),
        "tolerance": golden.tolerance.kind,
        "content": content_hash(golden),
    }


def require(to: str) -> None:
    """Raise WrongUse, with what to install, if the format requires a package that is not installed."""
    package = FORMATS[to].needs
    if package and find_spec(package) is None:
        raise WrongUse(f"--to {to} needs {package}, which is not installed: pip install 'rnn-goldens[{package}]'")


def usual_precision(to: str, precisions: Sequence[str]) -> str:
    """Return the default precision: the widest of the golden, but at most float32 for engines without float64."""
    engine, widest = FORMATS[to].engine, PRECISIONS["float32"].bits
    for name in precisions:
        if not engine or NUMBER_TYPES[name].bits <= widest:
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


def write(folder: Path, goldens: Sequence[Exported], *, replace: bool = False) -> list[str]:
    """Write goldens into a folder, which is created if needed. After an error the folder is unchanged.

    A process that is killed while files are moved into place may leave some goldens new and some old, each complete.
    With ``replace``, existing goldens that have other content are replaced, a folder as a whole; without it, and for
    two goldens of the same path, WrongUse is raised. The ``filename`` of an OSError is ``folder``.

    Returns:
        For each golden ``new``, ``unchanged`` or ``replaced``.
    """
    ids: dict[str, str] = {}
    for golden in goldens:
        if (other := ids.setdefault(golden.place, golden.golden_id)) != golden.golden_id:
            both = f"{other} and {golden.golden_id} would both be {golden.place}"
            raise WrongUse(f"{both}: write them into different folders")
    try:
        states = [_state(folder / golden.place, golden.files) for golden in goldens]
        replaced = [golden.place for golden, state in zip(goldens, states, strict=True) if state == REPLACED]
        if replaced and not replace:
            listed = ", ".join(replaced[:_MAX_LISTED])
            more = f" and {len(replaced) - _MAX_LISTED} more" if len(replaced) > _MAX_LISTED else ""
            raise WrongUse(
                f"{folder} already has other content in {listed}{more}: name another folder, or replace "
                f"{'it' if len(replaced) == 1 else f'these {len(replaced)}'} as a whole with --replace"
            )
        _write(folder, [g for g, state in zip(goldens, states, strict=True) if state != UNCHANGED])
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error
    return states


def _state(place: Path, files: Mapping[str, bytes]) -> str:
    if not place.exists():
        return NEW
    if place.is_file():
        present = {ITSELF: place.read_bytes()}
    else:
        present = {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    return UNCHANGED if present == files else REPLACED


def _write(folder: Path, goldens: Sequence[Exported]) -> None:
    if folder.is_dir():
        remove_leftovers(folder)
    if not goldens:
        return
    with ExitStack() as undo:
        make_folder(folder, undo)
        with placing() as staged:
            for golden in goldens:
                place = staged.new(folder, golden.place)
                for name, content in golden.files.items():
                    path = place / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
        undo.pop_all()
