"""Exports goldens as files of arrays: ``.npz``, ``.safetensors``, and the HDF5 files of a corpus.

The arrays of the first two have flat names, and the metadata is JSON. An HDF5 file serves all precisions; the gradients
of a golden have their own.
"""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.encoding import GRADIENTS, OUTPUTS, hdf5_file
from rnn_goldens.export.exported_golden import ITSELF, Exported, Files, about, allowed, expected, inputs, path_of

ABOUT = "golden"
"""The name of the JSON metadata: a text array in ``.npz``, a metadata entry in ``.safetensors``."""


def npz(golden: Golden, like: str = "") -> Exported:
    """Return an ``.npz`` file without pickled content, in the layout of a library if one is named. Deterministic."""
    arrays: dict[str, Any] = {ABOUT: np.array(_about(golden, like)), **_flat_names(golden, like)}
    file = io.BytesIO()
    np.savez(file, **arrays)
    return Exported(golden.id, f"{path_of(golden.id)}.npz", {ITSELF: file.getvalue()})


def safetensors(golden: Golden, like: str = "") -> Exported:
    """Return a ``.safetensors`` file. It has one metadata entry, because the order of several is not deterministic."""
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array) for name, array in _flat_names(golden, like).items()}
    content = save(arrays, {ABOUT: _about(golden, like)})
    return Exported(golden.id, f"{path_of(golden.id)}.safetensors", {ITSELF: content})


def _about(golden: Golden, like: str) -> str:
    return json.dumps({**about(golden), **({"layout": like} if like else {})}, ensure_ascii=False)


def _flat_names(golden: Golden, like: str) -> dict[str, NDArray[Any]]:
    groups: Mapping[str, Mapping[str, NDArray[Any]]] = {
        "weights": golden.weights,
        "inputs": inputs(golden),
        "expected": expected(golden),
        "tolerance": allowed(golden),
    }
    if like:
        from rnn_goldens.export.kernel_layout import arrays_in_layout

        groups = arrays_in_layout(golden, like)
    return {f"{group}/{name}": array for group, arrays in groups.items() for name, array in arrays.items()}


def hdf5(golden: Golden) -> Exported:
    """Return the files of a golden by suffix; that of the gradients only if it has some. Deterministic."""
    kinds = (OUTPUTS, GRADIENTS) if golden.gradients is not None else (OUTPUTS,)
    files = {kind.suffixes[0]: hdf5_file.encode(kind.tree(golden)) for kind in kinds}
    return Exported(golden.id, path_of(golden.id), files)


def hdf5_files(encoded: Sequence[Exported]) -> Files:
    """Return a file for each golden, and the files of gradients."""
    golden, gradients = OUTPUTS.suffixes[0], GRADIENTS.suffixes[0]
    of_goldens = [Exported(one.golden_id, f"{one.place}{golden}", {ITSELF: one.files[golden]}) for one in encoded]
    named = {f"{one.place}{gradients}": one.files[gradients] for one in encoded if gradients in one.files}
    return Files(of_goldens, [Exported(name, name, {ITSELF: content}) for name, content in named.items()])
