"""One or more corpora as one: built-in corpora and corpora of the user."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.index import Entry
from rnn_goldens.corpus.selection import Selection
from rnn_goldens.errors import WrongUse


@dataclass(frozen=True)
class Corpora(Selection):
    """One or more corpora that do not have a golden id in common.

    Attributes:
        parts: the corpora, in the order of their goldens.
        entries: the entries of all indexes, one corpus after the other.

    Raises:
        WrongUse: two corpora contain the same id.
    """

    parts: Sequence[Corpus]
    entries: tuple[Entry, ...] = field(init=False)
    _corpus_of: dict[str, Corpus] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for part in self.parts:
            for golden_id in part.ids:
                other = self._corpus_of.setdefault(golden_id, part)
                if other is not part:
                    raise WrongUse(
                        f"{golden_id} is in {other.folder} and in {part.folder}: rename one of them, "
                        "or check them in two runs"
                    )
        object.__setattr__(self, "entries", tuple(entry for part in self.parts for entry in part.entries))

    @property
    def label(self) -> str:
        """The names and versions of the corpora."""
        return ", ".join(part.label for part in self.parts)

    def of(self, golden_id: str) -> Corpus:
        """Return the corpus that contains a golden. Raises UnknownName with the nearest id."""
        return self._corpus_of[self.entry(golden_id).id]

    def load(self, golden_id: str, dtype: object = "float64", *, gradients: bool = False) -> Golden:
        """Load a golden, as ``Corpus.load`` does."""
        return self.of(golden_id).load(golden_id, dtype, gradients=gradients)
