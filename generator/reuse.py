"""Not certifying again what has been: a scenario, the code and the libraries that certified it, hashed together.

Only ``generate`` reuses; ``generate --check`` never does.
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
from rnn_goldens.generator.certify import versions
from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.golden.shapes import is_own_cell


class Certified:
    """A folder that remembers which content each scenario was certified to; it can be deleted at any time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def content(self, scenario: Scenario) -> str | None:
        """The content hash of the golden this very scenario was certified to, by this very code; None if it was not."""
        if is_own_cell(scenario.cell):  # whose equations may have changed
            return None
        path = self.folder / _key(scenario)
        return path.read_text("ascii") if path.is_file() else None

    def remember(self, scenario: Scenario, content: str) -> None:
        """Note what a scenario was certified to."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / _key(scenario)).write_text(content, "ascii")

    def matrix(self, contents: Sequence[str]) -> str | None:
        """The SHA-256 of the kill matrix that was made of goldens of these contents; None if none was."""
        path = self.folder / _matrix_key(contents)
        return path.read_text("ascii") if path.is_file() else None

    def remember_matrix(self, contents: Sequence[str], sha256: str) -> None:
        """Note which kill matrix was made of goldens of these contents."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / _matrix_key(contents)).write_text(sha256, "ascii")


def question(scenario: Scenario) -> str:
    """What a scenario asks, without its name and words, hashed: two of the same are twins."""
    arrays = {**scenario.torch_weights, **scenario.inputs, **scenario.cotangents}
    shapes = {name: [array.dtype.str, array.shape] for name, array in arrays.items()}
    digest = hashlib.sha256(json.dumps([scenario.cell, dict(scenario.shape), shapes], sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def _key(scenario: Scenario) -> str:
    words = {f.name: getattr(scenario, f.name) for f in fields(scenario) if isinstance(getattr(scenario, f.name), str)}
    asked_in = [type(scenario.precisions).__name__, *scenario.precisions]  # one that is named is refused, or kept
    described = [words, asked_in, scenario.declared, question(scenario), _code(), versions()]
    return hashlib.sha256(json.dumps(described, sort_keys=True, default=_plain).encode()).hexdigest()


def _matrix_key(contents: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(["kill matrix", *contents, _code(), versions()]).encode()).hexdigest()


def _plain(value: object) -> object:
    return value.tolist() if isinstance(value, np.ndarray) else str(value)


@cache
def _code() -> str:
    """A hash of every source file that can move an answer or a tolerance."""
    digest = hashlib.sha256()
    roots = [Path(folder) for folder in (*rnn_goldens.__path__, *generator.__path__, *schema.__path__)]
    for root in roots:
        for path in sorted(root.rglob("*.py")):
            if not {"scenarios", "plugin", "command_line"} & set(path.relative_to(root).parts):
                digest.update(path.read_bytes())
    return digest.hexdigest()
