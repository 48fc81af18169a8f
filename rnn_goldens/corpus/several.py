"""Several corpora that are asked as one: those of the package, and goldens of one's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.index import Entry
from rnn_goldens.corpus.selection import Selection
from rnn_goldens.errors import WrongUse


@dataclass(frozen=True)
class Corpora(Selection):
    """One corpus or several, in which no two goldens have the same id.

    Attributes:
        parts: the corpora, in the order in which their goldens come.

    Raises:
        WrongUse: an id stands in two of them.
    """

    parts: Sequence[Corpus]

    def __post_init__(self) -> None:
        seen: dict[str, Path] = {}
        for part in self.parts:
            for golden_id in part.ids:
                if golden_id in seen:
                    raise WrongUse(
                        f"{golden_id} stands in {seen[golden_id]} and in {part.folder}: rename one of them, "
                        "or check them in two runs"
                    )
                seen[golden_id] = part.folder

    @cached_property
    def entries(self) -> tuple[Entry, ...]:  # type: ignore[override]
        """The entries of all, one corpus after the other."""
        return tuple(entry for part in self.parts for entry in part.entries)

    @property
    def label(self) -> str:
        """Which corpora and versions."""
        return ", ".join(part.label for part in self.parts)

    @property
    def where(self) -> str:
        """Their folders, as the option takes them."""
        return ",".join(str(part.folder) for part in self.parts)

    def of(self, golden_id: str) -> Corpus:
        """The corpus that holds a golden; raises UnknownName with the nearest id."""
        entry = self.entry(golden_id)
        return next(part for part in self.parts if entry.id in part.ids)

    def load(self, golden_id: str, dtype: object = "float64") -> Golden:
        """As of ``Corpus``."""
        return self.of(golden_id).load(golden_id, dtype)
