"""Builds goldens and indexes of the sizes that are measured."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens import Config
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.shapes import weight_shapes

if TYPE_CHECKING:
    from rnn_goldens.checkable_golden import Golden

GOLDENS = 100
"""Number of copies of a golden in a corpus, so that a benchmark never loads the same file twice in a row."""

PURPOSE = "To be loaded and compared."

OUTPUTS = {"out": (8, 32, 16), "h_n": (1, 8, 16), "c_n": (1, 8, 16)}


def corpus_of_copies(folder: Path, golden: "Golden", count: int = GOLDENS) -> Path:
    """Write a corpus of copies of one golden with different ids."""
    from rnn_goldens import encoding
    from rnn_goldens.generator.index import index_entry

    entries = []
    for number in range(count):
        copy = replace(golden, id=f"benchmark/number-{number}")
        files = encoding.encode(copy)
        entries.append(index_entry(copy, files, core=False))
        for suffix, content in files.items():
            path = folder / f"{copy.id}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return _with_index(folder, entries)


def index_without_files(folder: Path, count: int) -> Path:
    """Write a corpus with an index of goldens, but without their files."""
    from msgspec import json

    from rnn_goldens.corpus import open_corpus

    entries = [json.decode(json.encode(entry)) for entry in open_corpus().select()]
    built = []
    for number in range(count):
        golden_id = f"benchmark/number-{number}"
        files = {k: {**file, "path": f"{golden_id}.{k}"} for k, file in entries[number % len(entries)]["files"].items()}
        built.append({**entries[number % len(entries)], "id": golden_id, "files": files})
    return _with_index(folder, built)


@cache
def batch(tolerance: str) -> "Golden":
    """Return an LSTM golden of one layer whose ``out`` is (8, 32, 16), exact or with a bound."""
    return _exact() if tolerance == "exact" else _certified()


def _certified() -> "Golden":
    from rnn_goldens.generator.certify import certify
    from rnn_goldens.generator.scenario import Scenario

    numbers, config = np.random.default_rng(0), Config(input_size=16, hidden_size=16)
    weights = {name: _few_bits(numbers, *shape) / 8 for name, shape in weight_shapes(LAYOUTS["lstm"], config).items()}
    x = _few_bits(numbers, 8, 32, 16)
    scenario = Scenario(id="benchmark/batch", purpose=PURPOSE, cell="lstm", weights=weights, x=x, config=config)
    return certify(scenario, confirm=False)


def _exact() -> "Golden":
    """Return a golden that is compared exactly. Its outputs are random numbers of few bits, not the correct outputs."""
    from rnn_goldens.checkable_golden import Golden
    from rnn_goldens.golden.arrays import GoldenArrays
    from rnn_goldens.golden.tolerance import Exact

    numbers, config = np.random.default_rng(0), Config(input_size=16, hidden_size=16)
    outputs: dict[str, Any] = {name: _few_bits(numbers, *shape) for name, shape in OUTPUTS.items()}
    weights = {name: _few_bits(numbers, *shape) for name, shape in weight_shapes(LAYOUTS["lstm"], config).items()}
    return Golden(
        id="benchmark/batch",
        title="Benchmark",
        purpose=PURPOSE,
        documented_in="benchmarks",
        cell="lstm",
        config=config,
        features=("bias", "exact"),
        tolerance=Exact(bits=8),
        precisions=("float64", "float32", "bfloat16", "float16"),
        provenance={},
        stored=GoldenArrays(weights=weights, inputs={"x": _few_bits(numbers, 8, 32, 16)}, expected=outputs),
    )


def _few_bits(numbers: np.random.Generator, *shape: int) -> NDArray[np.float64]:
    return numbers.integers(-127, 128, shape) / 128.0


def _with_index(folder: Path, entries: Sequence[dict[str, Any]]) -> Path:
    from rnn_goldens.encoding import json_file

    folder.mkdir(exist_ok=True)
    index = {"kind": "index", "format": 1, "corpus": "benchmark", "version": "1.0.0", "goldens": list(entries)}
    (folder / "index.json").write_bytes(json_file.encode(index))
    return folder
