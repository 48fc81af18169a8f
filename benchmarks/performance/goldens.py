"""Corpora and outputs that the measured programs read."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from rnn_goldens.checkable_golden import Golden

GOLDENS = 100
"""Number of copies of a golden in a corpus, so that a benchmark never loads the same file twice in a row."""


def prepare(folder: Path) -> None:
    """Write a corpus of copies of one golden, and the right outputs and gradients of it and of every golden."""
    from rnn_goldens import encoding, select
    from rnn_goldens.generator.index import index_entry

    entries = []
    for number in range(GOLDENS):
        copy = replace(batch(), id=f"benchmark/number-{number}")
        files = encoding.encode(copy)
        entries.append(index_entry(copy, files, core=False))
        for suffix, content in files.items():
            path = folder / f"copies/{copy.id}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        _save(folder / f"npz/{number}.npz", outputs(batch().in_precision("float32")))
    _save(folder / "one.npz", outputs(batch().in_precision("float32")))
    _write_index(folder / "copies", entries)
    for golden in select(dtype="float32"):
        _save(folder / f"outputs/{golden.id}.npz", outputs(golden))
    for golden in select(dtype="float32", gradients=True):
        assert golden.gradients is not None
        low = {name: array.astype(np.float32) for name, array in golden.gradients.expected.items()}
        _save(folder / f"gradients/{golden.id}.npz", low)


def outputs(golden: "Golden") -> dict[str, Any]:
    """Return the outputs as a test without goldens stores them."""
    return {name: getattr(golden, name) for name in golden.layout.outputs}


def _save(path: Path, arrays: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, allow_pickle=False, **arrays)


def index_without_files(folder: Path, count: int) -> Path:
    """Write a corpus with an index of goldens, but without their files."""
    from msgspec import json

    from rnn_goldens.corpus import open_corpus

    entries = [json.decode(json.encode(entry)) for entry in open_corpus().select()]
    built = []
    for number in range(count):
        entry, golden_id = entries[number % len(entries)], f"benchmark/number-{number}"
        files = {kind: {**file, "path": f"{golden_id}.{kind}"} for kind, file in entry["files"].items()}
        built.append({**entry, "id": golden_id, "files": files})
    return _write_index(folder, built)


@cache
def batch() -> "Golden":
    """Return an LSTM golden of one layer whose ``out`` is (8, 32, 16), with a bound."""
    from rnn_goldens import Config
    from rnn_goldens.generator.certify import certify
    from rnn_goldens.generator.scenario import Scenario
    from rnn_goldens.golden.built_in_cells import LAYOUTS
    from rnn_goldens.golden.shapes import weight_shapes

    numbers, config = np.random.default_rng(0), Config(input_size=16, hidden_size=16)
    shapes = {**weight_shapes(LAYOUTS["lstm"], config), "x": (8, 32, 16)}
    arrays = {name: numbers.integers(-127, 128, shape) / 128 for name, shape in shapes.items()}
    x, weights = arrays.pop("x"), {name: array / 8 for name, array in arrays.items()}
    purpose = "To be loaded and compared."
    scenario = Scenario(id="benchmark/batch", purpose=purpose, cell="lstm", weights=weights, x=x, config=config)
    return certify(scenario, confirm=False)


def _write_index(folder: Path, entries: Sequence[dict[str, Any]]) -> Path:
    from rnn_goldens.encoding import json_file

    folder.mkdir(exist_ok=True)
    index = {"kind": "index", "format": 1, "corpus": "benchmark", "version": "1.0.0", "goldens": list(entries)}
    (folder / "index.json").write_bytes(json_file.encode(index))
    return folder
