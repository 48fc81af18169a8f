"""Corpora and arrays that the measured programs read."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def prepare(folder: Path) -> None:
    """Write the right outputs and gradients of every golden, a copy of the corpus, and indexes without files."""
    from rnn_goldens import select
    from rnn_goldens.corpus import open_corpus

    for golden in select(dtype="float32"):
        _save(folder / f"outputs/{golden.id}.npz", {name: getattr(golden, name) for name in golden.layout.outputs})
    for golden in select(dtype="float32", gradients=True):
        assert golden.gradients is not None
        _save(folder / f"gradients/{golden.id}.npz", golden.gradients.expected)
    shutil.copytree(open_corpus().folder, folder / "own")
    for count in (1, 10_000):
        _index_without_files(folder / f"index-{count}", count)


def _save(path: Path, arrays: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, allow_pickle=False, **{name: array.astype(np.float32) for name, array in arrays.items()})


def _index_without_files(folder: Path, count: int) -> None:
    from msgspec import json

    from rnn_goldens.corpus import open_corpus
    from rnn_goldens.encoding import json_file

    entries = [json.decode(json.encode(entry)) for entry in open_corpus().select()]
    goldens = []
    for number in range(count):
        entry, golden_id = entries[number % len(entries)], f"benchmark/number-{number}"
        files = {kind: {**file, "path": f"{golden_id}.{kind}"} for kind, file in entry["files"].items()}
        goldens.append({**entry, "id": golden_id, "files": files})
    folder.mkdir()
    index = {"kind": "index", "format": 1, "corpus": "benchmark", "version": "1.0.0", "goldens": goldens}
    (folder / "index.json").write_bytes(json_file.encode(index))
