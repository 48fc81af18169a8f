"""Exports a golden as one ``.npz`` or ``.safetensors`` file: arrays by flat names, and metadata as JSON."""

import io
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.export.exported_golden import ITSELF, Exported, about, allowed, expected, inputs, path_of

ABOUT = "golden"
"""The name of the JSON metadata: a text array in ``.npz``, a metadata entry in ``.safetensors``."""


def npz(golden: Golden) -> Exported:
    """Return an ``.npz`` file without pickled content. Deterministic."""
    arrays: dict[str, Any] = {ABOUT: np.array(_about(golden)), **_flat_names(golden)}
    file = io.BytesIO()
    np.savez(file, **arrays)
    return Exported(golden.id, f"{path_of(golden.id)}.npz", {ITSELF: file.getvalue()})


def safetensors(golden: Golden) -> Exported:
    """Return a ``.safetensors`` file. It has one metadata entry, because the order of several is not deterministic."""
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array) for name, array in _flat_names(golden).items()}
    return Exported(golden.id, f"{path_of(golden.id)}.safetensors", {ITSELF: save(arrays, {ABOUT: _about(golden)})})


def _about(golden: Golden) -> str:
    return json.dumps(about(golden), ensure_ascii=False)


def _flat_names(golden: Golden) -> dict[str, NDArray[Any]]:
    groups: dict[str, dict[str, NDArray[Any]]] = {
        "weights": dict(golden.weights),
        "inputs": inputs(golden),
        "expected": dict(expected(golden)),
        "tolerance": dict(allowed(golden)),
    }
    return {f"{group}/{name}": array for group, arrays in groups.items() for name, array in arrays.items()}
