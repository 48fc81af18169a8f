"""Several corpora that are asked as one: those of the package, and goldens of one's own."""

from collections.abc import Sequence
from dataclasses import dataclass, field

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
        entries: what their indexes say, one corpus after the other.

    Raises:
        WrongUse: an id stands in two of them.
    """

    parts: Sequence[Corpus]
    entries: tuple[Entry, ...] = field(init=False)
    _holders: dict[str, Corpus] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for part in self.parts:
            for golden_id in part.ids:
                other = self._holders.setdefault(golden_id, part)
                if other is not part:
                    raise WrongUse(
                        f"{golden_id} stands in {other.folder} and in {part.folder}: rename one of them, "
                        "or check them in two runs"
                    )
        object.__setattr__(self, "entries", tuple(entry for part in self.parts for entry in part.entries))

    @property
    def label(self) -> str:
        """Which corpora and versions."""
        return ", ".join(part.label for part in self.parts)

    def of(self, golden_id: str) -> Corpus:
        """The corpus that holds a golden; raises UnknownName with the nearest id."""
        return self._holders[self.entry(golden_id).id]

    def load(self, golden_id: str, dtype: object = "float64", *, gradients: bool = False) -> Golden:
        """As of ``Corpus``."""
        return self.of(golden_id).load(golden_id, dtype, gradients=gradients)
