"""How much of what may be wrong the goldens of a run can show: by a kill matrix, which says what each of them shows."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.index import Entry, remedy
from rnn_goldens.corpus.shown import BACKWARD_NAME, NAME
from rnn_goldens.counted import counted, was_or_were
from rnn_goldens.encoding import typed_json
from rnn_goldens.encoding.bounds import OTHER
from rnn_goldens.encoding.file_bytes import read_bytes
from rnn_goldens.errors import InvalidFile

OPTIONS = {
    "state": "an initial state",
    "multilayer": "several layers",
    "bidirectional": "both directions",
    "lengths": "lengths",
    "unbatched": "unbatched input",
}
"""Features that an implementation may accept, in words."""

WIDEST = "float64"
"""The precision that shows most."""

_MOST_ADVICE = 3

Rows = dict[str, tuple[float | None, ...]]
"""By golden the margins, in the order of precisions; None where none is needed."""


class _Deviation(Struct, frozen=True, gc=False):
    name: str
    cells: tuple[str, ...]
    margins: Rows
    margins_of_out: Rows = {}


class KillMatrix(Struct, frozen=True):
    """What is needed of a kill matrix here."""

    enough: float
    precisions: tuple[str, ...]
    deviations: tuple[_Deviation, ...]


@dataclass(frozen=True)
class Compared:
    """A golden in a precision that a run compared.

    Attributes:
        golden: its id.
        dtype: the precision.
        out_alone: whether other outputs than out were left out.
    """

    golden: str
    dtype: str
    out_alone: bool = False


@dataclass(frozen=True)
class Discrimination:
    """How many of the deviations of a cell can show in what was compared.

    Attributes:
        goldens: how many goldens were compared.
        shown: how many deviations show in one of them.
        total: how many show in some golden of the corpus, in the precisions that were compared.
        left_out: how many goldens, which ask no more of an implementation, were not asked.
        shown_there: how many more deviations show in those.
        to_accept: what else to accept, and how many more show then; what tells most first.
        in_states: how many more show in h_n and c_n of what was compared on out alone.
    """

    goldens: int
    shown: int
    total: int
    left_out: int = 0
    shown_there: int = 0
    to_accept: tuple[tuple[str, int], ...] = ()
    in_states: int = 0

    def told(self, about: str) -> str:
        """A sentence or a few, of what was compared: of a cell in some precisions."""
        goldens = f"{about}: {counted(self.goldens, 'golden')};"
        if self.shown == self.total:
            return f"{goldens} all {counted(self.total, 'known deviation')} can show."
        said = [f"{goldens} {self.shown} of {counted(self.total, 'known deviation')} can show."]
        if self.shown_there:
            others = f"{counted(self.left_out, 'golden')} of the same kind {was_or_were(self.left_out)} left out"
            said.append(f"{others} (+{self.shown_there}).")
        advice = []
        if self.to_accept:
            advice.append(f"accept {', '.join(f'{what} (+{gain})' for what, gain in self.to_accept)}")
        if self.in_states:
            advice.append(f"return the last states (+{self.in_states})")
        return " ".join([*said, *([f"To ask more: {'; '.join(advice)}."] if advice else [])])


_DECODER = msgspec.json.Decoder(KillMatrix)


def kill_matrix(corpus: Corpus, *, gradients: bool = False) -> KillMatrix | None:
    """That of a corpus, of the outputs or of the gradients; None if it has none.

    Raises:
        InvalidFile: the file is no kill matrix.
    """
    path = corpus.folder / (BACKWARD_NAME if gradients else NAME)
    if not path.is_file():
        return None
    content = read_bytes(path, OTHER.size, below=None if corpus.is_packaged else corpus.folder)
    try:
        return typed_json.decode(_DECODER, content)
    except ValueError:
        raise InvalidFile(path, ["is no kill matrix"], remedy(corpus.name, corpus.where)) from None


def discrimination(
    matrix: KillMatrix, cell: str, entries: Iterable[Entry], compared: Collection[Compared], asked: Collection[Compared]
) -> Discrimination:
    """How many deviations of a cell can show, and what else would show more.

    Args:
        matrix: what each golden shows.
        cell: the cell.
        entries: the goldens that the matrix is of.
        compared: those of the cell that were compared.
        asked: those that were to be, which are all that were compared and those that were refused.
    """
    return _Cell(matrix, cell, [e for e in entries if e.cell == cell], compared, asked).found()


class _Cell:
    """What was compared of a cell, beside all that there is of it."""

    def __init__(
        self,
        matrix: KillMatrix,
        cell: str,
        entries: Sequence[Entry],
        compared: Collection[Compared],
        asked: Collection[Compared],
    ) -> None:
        self.entries, self.compared, self.asked = entries, compared, asked
        ids = {one.golden for one in compared}
        those = [entry for entry in entries if entry.id in ids]
        self.features = {feature for entry in those for feature in entry.features} & OPTIONS.keys()
        self.biases = {"bias" in entry.features for entry in those}
        self.dtypes = {one.dtype for one in compared}
        self.out_alone = all(one.out_alone for one in compared)
        self.shows = _shown_by(matrix, cell, {*self.dtypes, WIDEST})
        in_part = any(one.out_alone for one in compared)
        self.shows_in_out = _shown_by(matrix, cell, {*self.dtypes, WIDEST}, of_out=True) if in_part else {}

    def found(self) -> Discrimination:
        """All that is said."""
        shown = self._shown(self.compared)
        in_full = self._shown([Compared(one.golden, one.dtype) for one in self.compared])
        total = self._shown([Compared(entry.id, dtype) for entry in self.entries for dtype in self.dtypes])
        asked = {one.golden for one in self.asked}
        others = [entry for entry in self._within(self.features, self.biases) if entry.id not in asked]
        there = self._shown_in(others, self.dtypes) - shown
        gains = {what: len(more - shown - there) for what, more in self._options()}
        ranked = sorted(((what, gain) for what, gain in gains.items() if gain), key=lambda option: -option[1])
        return Discrimination(
            goldens=len({one.golden for one in self.compared}),
            shown=len(shown),
            total=len(total),
            left_out=len(others),
            shown_there=len(there),
            to_accept=tuple(ranked[:_MOST_ADVICE]),
            in_states=len(in_full - shown),
        )

    def _options(self) -> Iterable[tuple[str, set[str]]]:
        """What else an implementation may accept, and what shows in what it can be asked then."""
        for feature, what in OPTIONS.items():
            if feature not in self.features:
                asking = self._within({*self.features, feature}, self.biases)
                yield what, self._shown_in((e for e in asking if feature in e.features), self.dtypes)
        for has_bias, what in ((False, "no bias"), (True, "a bias")):
            if has_bias not in self.biases:
                yield what, self._shown_in(self._within(self.features, {has_bias}), self.dtypes)
        if WIDEST not in {one.dtype for one in self.asked}:
            yield WIDEST, self._shown_in(self._within(self.features, self.biases), {WIDEST})

    def _within(self, features: Collection[str], biases: Collection[bool]) -> list[Entry]:
        """The goldens that ask for nothing but these features."""
        return [
            entry
            for entry in self.entries
            if OPTIONS.keys() & set(entry.features) <= set(features) and ("bias" in entry.features) in biases
        ]

    def _shown_in(self, entries: Iterable[Entry], dtypes: Iterable[str]) -> set[str]:
        dtypes = list(dtypes)
        return self._shown([Compared(entry.id, dtype, self.out_alone) for entry in entries for dtype in dtypes])

    def _shown(self, some: Iterable[Compared]) -> set[str]:
        found: set[str] = set()
        for one in some:
            shows = self.shows_in_out if one.out_alone else self.shows
            found |= shows.get((one.golden, one.dtype), set())
        return found


def _shown_by(
    matrix: KillMatrix, cell: str, dtypes: Collection[str], *, of_out: bool = False
) -> dict[tuple[str, str], set[str]]:
    """By golden and precision, the deviations of a cell that show there, in all outputs or in out alone."""
    places = [(place, dtype) for place, dtype in enumerate(matrix.precisions) if dtype in dtypes]
    found: dict[tuple[str, str], set[str]] = {}
    for deviation in matrix.deviations:
        if cell in deviation.cells:
            rows = {**deviation.margins, **deviation.margins_of_out} if of_out else deviation.margins
            for golden, row in rows.items():
                for place, dtype in places:
                    margin = row[place]
                    if margin is None or margin >= matrix.enough:
                        found.setdefault((golden, dtype), set()).add(deviation.name)
    return found
