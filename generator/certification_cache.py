"""Caches of certifications, keyed by a hash of the scenario and the code: for ``generate``.

One is in a folder, for this machine. One is a committed file of a corpus that takes minutes to certify;
``generate --check --if-changed`` reads it, too.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

import rnn_goldens
from rnn_goldens import generator, schema
from rnn_goldens.atomic_write import write_whole
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
        path = self.folder / _key(scenario, _code(), versions())
        return path.read_text("ascii") if path.is_file() else None

    def remember(self, scenario: DeclaredInputs, content: str, seconds: float = 0.0) -> None:  # noqa: ARG002 - below
        """Store the content hash of a scenario's certified golden."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / _key(scenario, _code(), versions())).write_text(content, "ascii")

    def matrix(self, contents: Sequence[str]) -> str | None:
        """Return the SHA-256 of the kill matrix of goldens with these contents, or None."""
        path = self.folder / _matrix_key(contents)
        return path.read_text("ascii") if path.is_file() else None

    def remember_matrix(self, contents: Sequence[str], sha256: str) -> None:
        """Store the SHA-256 of the kill matrix of goldens with these contents."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / _matrix_key(contents)).write_text(sha256, "ascii")


class CommittedCache(CertificationCache):
    """A file of a corpus: for each golden its id, CPU seconds, key and content hash. Versions are no part of a key."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.parent)
        self._path = path

    def content(self, scenario: DeclaredInputs) -> str | None:
        """Return the content hash of the golden that was certified for a scenario by code like this, or None."""
        known = self._known().get(scenario.id)
        return known.content if known is not None and known.key == _key(scenario, _code_of_content()) else None

    def remember(self, scenario: DeclaredInputs, content: str, seconds: float = 0.0) -> None:
        """Store what certifying a scenario took and gave; a golden that was kept, 0 seconds, has its line already."""
        if seconds:
            known = self._known() | {
                scenario.id: _Certified(round(seconds), _key(scenario, _code_of_content()), content)
            }
            lines = (f"{golden_id} {of.seconds} {of.key} {of.content}\n" for golden_id, of in sorted(known.items()))
            write_whole(self._path, "".join(lines).encode())

    @property
    def seconds(self) -> dict[str, int]:
        """The CPU seconds of certifying each golden, by id."""
        return {golden_id: of.seconds for golden_id, of in self._known().items()}

    def _known(self) -> dict[str, "_Certified"]:
        lines = self._path.read_text("ascii").splitlines() if self._path.is_file() else []
        parts = (line.split(maxsplit=3) for line in lines)
        return {golden_id: _Certified(int(seconds), key, content) for golden_id, seconds, key, content in parts}


class _Certified(NamedTuple):
    """What a line says of a golden."""

    seconds: int
    key: str
    content: str


def inputs_hash(scenario: DeclaredInputs) -> str:
    """Return a hash of the inputs of a scenario, without its id and texts."""
    arrays = scenario.arrays
    shapes = {name: [array.dtype.str, array.shape] for name, array in arrays.items()}
    digest = hashlib.sha256(json.dumps([scenario.cell, dict(scenario.shape), shapes], sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def _key(scenario: DeclaredInputs, *code: object) -> str:
    texts = {f.name: getattr(scenario, f.name) for f in fields(scenario) if isinstance(getattr(scenario, f.name), str)}
    # The type of the precisions decides whether unsupported precisions are refused or left out.
    precisions = [type(scenario.precisions).__name__, *scenario.precisions]
    key = [texts, precisions, scenario.declared, inputs_hash(scenario), *code]
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


_ROOMS = ("cells", "encoding", "error_analysis", "golden")
_AFTERWARDS = ("embedding.py", "larger_golden.py")
"""Modules of these rooms that only take stored goldens."""

_MODULES = (
    "ball_evaluation", "certification", "correct_algorithms", "exact_sums", "recurrence_scenario",
    "scenario", "scenario_base", "scenario_fields", "state_certification", "tolerance_choice",
)  # fmt: skip


@cache
def _code_of_content() -> str:
    """Return a hash of the source files that the content of a golden depends on."""
    (package,), (own,) = map(tuple, (rnn_goldens.__path__, generator.__path__))
    every = (path for room in _ROOMS for path in sorted((Path(package) / room).rglob("*.py")))
    paths = [path for path in every if path.name not in _AFTERWARDS]
    digest = hashlib.sha256()
    for path in (*paths, *(Path(own) / f"{name}.py" for name in _MODULES)):
        digest.update(path.read_bytes())
    return digest.hexdigest()
