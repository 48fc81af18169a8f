"""The sources that are edited, and every edit of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.mutation import javascript_places, python_places
from benchmarks.mutation.edits import JAVASCRIPT, PYTHON, Edit, Singles, Words, drawn, edited, singles
from benchmarks.mutation.places import Place

HERE = Path(__file__).parent
PROGRAMS = HERE.parents[1] / "examples" / "programs"
CLEAN = -1
"""In place of a seed: nothing is edited."""


@dataclass(frozen=True)
class Source:
    """A right network as text.

    Attributes:
        language: what it is called.
        files: by name, the one to run first.
        words: how its language says things.
        find: the places of a file, by its name and text.
        valid: which of some texts are in the language.
    """

    language: str
    files: Mapping[str, str]
    words: Words
    find: Callable[[str, str], list[Place]]
    valid: Callable[[Sequence[str]], list[bool]]

    @cached_property
    def singles(self) -> Singles:
        """Every single edit that is still text of the language, by kind."""
        places = {name: self.find(name, text) for name, text in self.files.items()}
        found = [edit for edits in singles(self.files, places, self.words).values() for edit in edits]
        valid = self.valid([edited(self.files, [edit])[edit.file] for edit in found])
        kept = [edit for edit, is_valid in zip(found, valid, strict=True) if is_valid]
        return {kind: [edit for edit in kept if edit.kind == kind] for kind in dict.fromkeys(e.kind for e in kept)}

    def edits(self, seed: int) -> tuple[Edit, ...]:
        """Those of a seed."""
        return () if seed == CLEAN else drawn(self.language, seed, self.singles)


def source(language: str) -> Source:
    """The one of this language."""
    return next(source for source in sources() if source.language == language)


def sources() -> tuple[Source, ...]:
    """One a language."""
    return (
        _python("NumPy", HERE / "numpy_network.py"),
        _python("plain Python", HERE / "plain_network.py"),
        Source(
            "JavaScript",
            {name: (PROGRAMS / name).read_text("utf-8") for name in ("my_rnn.js", "cells.js")},
            JAVASCRIPT,
            lambda name, text: javascript_places.places(text, EDITED_FUNCTIONS[name]),
            javascript_places.are_valid,
        ),
    )


EDITED_FUNCTIONS = {"cells.js": (), "my_rnn.js": ("run",)}
"""All functions, and the one between the messages and the answers."""


def _python(language: str, path: Path) -> Source:
    return Source(
        language, {path.name: path.read_text("utf-8")}, PYTHON, lambda _, text: python_places.places(text), _compiles
    )


def _compiles(texts: Sequence[str]) -> list[bool]:
    return [python_places.is_valid(text) for text in texts]
