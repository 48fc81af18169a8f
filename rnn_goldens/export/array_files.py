"""A golden as one ``.npz`` or ``.safetensors`` file: arrays by flat names, and a JSON text, ``golden``, about them."""

import io
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.export.content import about, allowed, expected, inputs
from rnn_goldens.export.exported import ITSELF, Exported, path_of

ABOUT = "golden"
"""Where the JSON text stands: an array of text in ``.npz``, metadata in ``.safetensors``."""


def npz(golden: Golden) -> Exported:
    """What ``numpy.load`` reads, nothing pickled; the same bytes whenever it is made."""
    arrays: dict[str, Any] = {ABOUT: np.array(_about(golden)), **_named(golden)}
    file = io.BytesIO()
    np.savez(file, **arrays)
    return Exported(golden.id, f"{path_of(golden.id)}.npz", {ITSELF: file.getvalue()})


def safetensors(golden: Golden) -> Exported:
    """What any safetensors library reads. Of metadata there is one entry: several come in another order each time."""
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array) for name, array in _named(golden).items()}
    return Exported(golden.id, f"{path_of(golden.id)}.safetensors", {ITSELF: save(arrays, {ABOUT: _about(golden)})})


def _about(golden: Golden) -> str:
    return json.dumps(about(golden), ensure_ascii=False)


def _named(golden: Golden) -> dict[str, NDArray[Any]]:
    groups: dict[str, dict[str, NDArray[Any]]] = {
        "weights": dict(golden.weights),
        "inputs": inputs(golden),
        "expected": dict(expected(golden)),
        "tolerance": dict(allowed(golden)),
    }
    return {f"{group}/{name}": array for group, arrays in groups.items() for name, array in arrays.items()}
