"""Goldens and indexes of the sizes that are measured."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rnn_goldens.checkable.golden import Golden

GOLDENS = 100
"""So many of one size, one after the other: none is loaded twice in a row."""


def whole_corpus_of(folder: Path, golden: "Golden", count: int = GOLDENS) -> Path:
    """A corpus of one golden under many ids."""
    from rnn_goldens import encoding
    from rnn_goldens.generator.index import index_entry

    entries = []
    for number in range(count):
        named = replace(golden, id=f"benchmark/number-{number}")
        files = encoding.encode(named)
        entries.append(index_entry(named, files, core=False))
        for suffix, content in files.items():
            path = folder / f"{named.id}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return _with_index(folder, entries)


def index_of(folder: Path, count: int) -> Path:
    """A corpus whose goldens are listed and not there."""
    from msgspec import json

    from rnn_goldens.corpus import open_corpus

    entries = [json.decode(json.encode(entry)) for entry in open_corpus().entries]
    made = []
    for number in range(count):
        golden_id = f"benchmark/number-{number}"
        files = {k: {**file, "path": f"{golden_id}.{k}"} for k, file in entries[number % len(entries)]["files"].items()}
        made.append({**entries[number % len(entries)], "id": golden_id, "files": files})
    return _with_index(folder, made)


def batch(tolerance: str) -> "Golden":
    """An LSTM's golden of one layer whose ``out`` is (8, 32, 16), exact or with a bound."""
    from rnn_goldens import Config
    from rnn_goldens.checkable.golden import Golden
    from rnn_goldens.golden.arrays import Arrays
    from rnn_goldens.golden.shapes import LAYOUTS, weight_shapes
    from rnn_goldens.golden.tolerance import Bound, Exact

    numbers, config = np.random.default_rng(0), Config(input_size=16, hidden_size=16)

    def full(*shape: int) -> NDArray[np.float64]:
        return numbers.random(shape)

    def few_bits(*shape: int) -> NDArray[np.float64]:
        return numbers.integers(-127, 128, shape) / 128.0

    value = few_bits if tolerance == "exact" else full  # which is what an exact golden's are
    outputs: dict[str, Any] = {"out": value(8, 32, 16), "h_n": value(1, 8, 16), "c_n": value(1, 8, 16)}
    weights = {name: few_bits(*shape) for name, shape in weight_shapes(LAYOUTS["lstm"], config).items()}
    bounds: list[dict[str, Any]] = [{name: full(*array.shape) for name, array in outputs.items()} for _ in range(2)]
    return Golden(
        id="benchmark/batch",
        title="Benchmark",
        purpose="To be loaded and compared.",
        documented_in="benchmarks",
        cell="lstm",
        config=config,
        features=("bias", *(["exact"] if tolerance == "exact" else [])),
        tolerance=Exact(bits=8) if tolerance == "exact" else Bound(*bounds),
        precisions=("float64", "float32", "bfloat16", "float16"),
        provenance={},
        stored=Arrays(weights=weights, x=few_bits(8, 32, 16), **outputs),
    )


def _with_index(folder: Path, entries: Sequence[dict[str, Any]]) -> Path:
    from rnn_goldens.encoding import json_file

    folder.mkdir(exist_ok=True)
    index = {"kind": "index", "format": 1, "corpus": "made", "version": "1.0.0", "goldens": list(entries)}
    (folder / "index.json").write_bytes(json_file.encode(index))
    return folder
