"""What a corpus shows of a deviation: its kill matrix, which stands beside its index."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.index import remedy
from rnn_goldens.encoding.json_file import read_document
from rnn_goldens.errors import InvalidFile

NAME = "kill-matrix.json"

BACKWARD_NAME = "gradients-kill-matrix.json"
"""The same, of the backward pass."""

LEAST = 0.5
"""Smaller margins are written as zero: they are rounding, of the truth and of the wrong alike.

Rounding is another on other processors; a correct network's margin is at most some 0.2 here.
"""

MOST = 5
"""Larger margins are written as this."""


class NotShown(Struct, frozen=True, gc=False):
    """Where no golden shows a deviation, and why.

    Attributes:
        allowed: whether it is no error there, because a correct implementation may do just that.
    """

    deviation: str
    cells: tuple[str, ...]
    precisions: tuple[str, ...]
    reason: str
    allowed: bool


Rows = dict[str, tuple[float | None, ...]]
"""By golden the margins, in the order of precisions; None where none is needed."""


class Group(Struct, frozen=True, gc=False):
    """Goldens, by their places in the matrix's list, that show a deviation with the same margins."""

    margins: tuple[float | None, ...]
    goldens: tuple[int, ...]


class Deviating(Struct, frozen=True, gc=False):
    """What a kill matrix says of a deviation; of out alone, where that shows it otherwise than all outputs do."""

    name: str
    cells: tuple[str, ...]
    margins: tuple[Group, ...]
    margins_of_out: tuple[Group, ...] = ()


class KillMatrix(Struct, frozen=True):
    """The file, as far as it is needed."""

    enough: float
    precisions: tuple[str, ...]
    goldens: tuple[str, ...]
    deviations: tuple[Deviating, ...]
    hidden: tuple[NotShown, ...] = ()

    def rows(self, groups: Iterable[Group]) -> Rows:
        """A row of margins for each golden."""
        return {self.goldens[place]: group.margins for group in groups for place in group.goldens}


_DECODER = msgspec.json.Decoder(KillMatrix)


@dataclass(frozen=True)
class Shown:
    """How sharply the goldens of a corpus show a deviation.

    Attributes:
        margins: by precision, the largest error on each golden as a multiple of what is allowed, in the corpus's
            order; infinite where any difference counts. Goldens on which nothing shows are left out.
        not_shown: where none does.
        enough: the margin that counts.
    """

    margins: dict[str, dict[str, float]]
    not_shown: Sequence[NotShown]
    enough: float

    def best(self, precision: str, most: int) -> list[tuple[str, float]]:
        """The goldens that show it best, the simplest first where several do as well; with their margins."""
        ordered = sorted(self.margins[precision].items(), key=lambda found: -found[1])
        return [(golden_id, margin) for golden_id, margin in ordered if margin >= LEAST][:most]

    def simplest(self, precision: str) -> str | None:
        """The first golden, from simple to hard, that shows it with a margin that counts."""
        found = self.margins[precision].items()
        return next((golden_id for golden_id, margin in found if margin >= self.enough), None)


def kill_matrix(corpus: Corpus, *, gradients: bool = False) -> KillMatrix | None:
    """That of a corpus, of the outputs or of the gradients; None if it has none.

    Raises:
        InvalidFile: the file is no kill matrix.
    """
    path = corpus.folder / (BACKWARD_NAME if gradients else NAME)
    if not path.is_file():
        return None
    try:
        if corpus.is_packaged:  # and known by its hash
            matrix = _DECODER.decode(path.read_bytes())
        else:
            matrix = msgspec.convert(read_document(path, below=corpus.folder), KillMatrix)
    except (msgspec.MsgspecError, RecursionError):
        matrix = None
    if matrix is None or not all(_fits(matrix, g) for d in matrix.deviations for g in (*d.margins, *d.margins_of_out)):
        raise InvalidFile(path, ["is no kill matrix"], remedy(corpus.name, corpus.where))
    return matrix


def _fits(matrix: KillMatrix, group: Group) -> bool:
    """Whether there is a margin for each precision, and there are such goldens."""
    in_list = range(len(matrix.goldens))
    return len(group.margins) == len(matrix.precisions) and all(place in in_list for place in group.goldens)


def shown(corpus: Corpus) -> dict[str, Shown]:
    """What the kill matrices of a corpus say of each deviation, of the backward pass too; nothing if it has none.

    Raises:
        InvalidFile: a file is no kill matrix.
    """
    matrices = (kill_matrix(corpus), kill_matrix(corpus, gradients=True))
    return {name: found for matrix in matrices if matrix for name, found in _shown_in(corpus, matrix).items()}


def _shown_in(corpus: Corpus, matrix: KillMatrix) -> dict[str, Shown]:
    not_shown: dict[str, list[NotShown]] = {}
    for where in matrix.hidden:
        not_shown.setdefault(where.deviation, []).append(where)
    return {
        d.name: Shown(_margins(corpus, matrix, matrix.rows(d.margins)), not_shown.get(d.name, []), matrix.enough)
        for d in matrix.deviations
    }


def _margins(corpus: Corpus, matrix: KillMatrix, found: Rows) -> dict[str, dict[str, float]]:
    """By precision and golden; the file has infinity as null."""
    ordered = {golden_id: found[golden_id] for golden_id in corpus.ids if golden_id in found}
    return {
        precision: {
            golden_id: math.inf if (margin := row[place]) is None else float(margin)
            for golden_id, row in ordered.items()
        }
        for place, precision in enumerate(matrix.precisions)
    }


def margin_text(margin: float) -> str:
    """A margin as it is written for people."""
    if math.isinf(margin):
        return "="
    if margin < LEAST:
        return f"< {LEAST}"
    return f"≥ {MOST}" if margin >= MOST else f"{margin:g}"
