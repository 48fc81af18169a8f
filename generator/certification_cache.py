"""A cache of certifications, keyed by a hash of the scenario, the code and the library versions.

Used by ``generate``, never by ``generate --check``.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path

import numpy as np

import rnn_goldens
from rnn_goldens import generator, schema
from rnn_goldens.generator.certification import versions
from rnn_goldens.generator.scenario_base import DeclaredInputs
from rnn_goldens.golden.shapes import is_custom_cell


class CertificationCache:
    """A folder of content hashes of certified goldens, and of kill matrices. It can be deleted at any time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def content(self, scenario: DeclaredInputs) -> str | None:
        """Return the content hash of the golden that this code certified for a scenario, or None."""
        if is_custom_cell(scenario.cell):  # its equations may have changed
            return None
        path = self.folder / _key(scenario)
        return path.read_text("ascii") if path.is_file() else None

    def remember(self, scenario: DeclaredInputs, content: str) -> None:
        """Store the content hash of a scenario's certified golden."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / _key(scenario)).write_text(content, "ascii")

    def matrix(self, contents: Sequence[str]) -> str | None:
        """Return the SHA-256 of the kill matrix of goldens with these contents, or None."""
        path = self.folder / _matrix_key(contents)
        return path.read_text("ascii") if path.is_file() else None

    def remember_matrix(self, contents: Sequence[str], sha256: str) -> None:
        """Store the SHA-256 of the kill matrix of goldens with these contents."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / _matrix_key(contents)).write_text(sha256, "ascii")


def inputs_hash(scenario: DeclaredInputs) -> str:
    """Return a hash of the inputs of a scenario, without its id and texts."""
    arrays = scenario.arrays
    shapes = {name: [array.dtype.str, array.shape] for name, array in arrays.items()}
    digest = hashlib.sha256(json.dumps([scenario.cell, dict(scenario.shape), shapes], sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def _key(scenario: DeclaredInputs) -> str:
    texts = {f.name: getattr(scenario, f.name) for f in fields(scenario) if isinstance(getattr(scenario, f.name), str)}
    # The type of the precisions decides whether unsupported precisions are refused or left out.
    precisions = [type(scenario.precisions).__name__, *scenario.precisions]
    key = [texts, precisions, scenario.declared, inputs_hash(scenario), _code(), versions()]
    return hashlib.sha256(json.dumps(key, sort_keys=True, default=_plain).encode()).hexdigest()


def _matrix_key(contents: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(["kill matrix", *contents, _code(), versions()]).encode()).hexdigest()


def _plain(value: object) -> object:
    return value.tolist() if isinstance(value, np.ndarray) else str(value)


@cache
def _code() -> str:
    """Return a hash of every source file that can change expected values or tolerances."""
    digest = hashlib.sha256()
    roots = [Path(folder) for folder in (*rnn_goldens.__path__, *generator.__path__, *schema.__path__)]
    for root in roots:
        for path in sorted(root.rglob("*.py")):
            if not {"scenarios", "plugin", "command_line"} & set(path.relative_to(root).parts):
                digest.update(path.read_bytes())
    return digest.hexdigest()
