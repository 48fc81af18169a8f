"""Reads the kill matrix of a corpus: the margin of each deviation on each golden."""

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
"""The kill matrix of the backward pass."""

MIN_MARGIN = 0.5
"""Smaller margins are stored as zero: they are rounding errors, which differ between processors.

The margin of a correct network is at most about 0.2.
"""

MAX_MARGIN = 5
"""Larger margins are stored as this value."""


class Undetected(Struct, frozen=True, gc=False):
    """The cells and precisions in which no golden detects a deviation, and why."""

    deviation: str
    cells: tuple[str, ...]
    precisions: tuple[str, ...]
    reason: str
    allowed: bool  # whether a correct implementation may have this deviation in these precisions


Rows = dict[str, tuple[float | None, ...]]
"""Margins by golden, in the order of precisions. None for infinity: any difference is an error."""


class Group(Struct, frozen=True, gc=False):
    """Goldens with the same margins for a deviation, as positions in the list of goldens."""

    margins: tuple[float | None, ...]
    goldens: tuple[int, ...]


class DeviationMargins(Struct, frozen=True, gc=False):
    """The margins of a deviation, and the margins of ``out`` alone where they differ."""

    name: str
    cells: tuple[str, ...]
    margins: tuple[Group, ...]
    margins_of_out: tuple[Group, ...] = ()


class KillMatrix(Struct, frozen=True):
    """The fields of the kill matrix file that are used here."""

    enough: float
    precisions: tuple[str, ...]
    goldens: tuple[str, ...]
    deviations: tuple[DeviationMargins, ...]
    hidden: tuple[Undetected, ...] = ()

    def rows(self, groups: Iterable[Group]) -> Rows:
        """Return the margins of each golden."""
        return {self.goldens[place]: group.margins for group in groups for place in group.goldens}


_DECODER = msgspec.json.Decoder(KillMatrix)


@dataclass(frozen=True)
class Detection:
    """The margins of a deviation on the goldens of a corpus."""

    # by precision and golden, in the order of the corpus: the largest error as a multiple of the tolerance, infinite
    # where any difference is an error. Goldens on which the deviation has no effect are left out
    margins: dict[str, dict[str, float]]
    not_shown: Sequence[Undetected]  # the cells and precisions in which no golden detects the deviation
    enough: float  # the smallest margin that counts as detected

    def best(self, precision: str, most: int) -> list[tuple[str, float]]:
        """Return the goldens with the largest margins, and the margins. Of equal margins, the simplest golden first."""
        ordered = sorted(self.margins[precision].items(), key=lambda item: -item[1])
        return [(golden_id, margin) for golden_id, margin in ordered if margin >= MIN_MARGIN][:most]

    def simplest(self, precision: str) -> str | None:
        """Return the simplest golden that detects the deviation, or None."""
        margins = self.margins[precision].items()
        return next((golden_id for golden_id, margin in margins if margin >= self.enough), None)


def kill_matrix(corpus: Corpus, *, gradients: bool = False) -> KillMatrix | None:
    """Return the kill matrix of a corpus, for outputs or gradients; None without one. Raises InvalidFile for others."""
    path = corpus.folder / (BACKWARD_NAME if gradients else NAME)
    if not path.is_file():
        return None
    try:
        if corpus.is_packaged:
            matrix = _DECODER.decode(path.read_bytes())
        else:
            matrix = msgspec.convert(read_document(path, below=corpus.folder), KillMatrix)
    except (msgspec.MsgspecError, RecursionError):
        matrix = None
    if matrix is None or not all(_fits(matrix, g) for d in matrix.deviations for g in (*d.margins, *d.margins_of_out)):
        raise InvalidFile(path, ["is not a kill matrix"], remedy(corpus.name, corpus.where))
    return matrix


def _fits(matrix: KillMatrix, group: Group) -> bool:
    """Return whether a group has one margin per precision, and its positions are within the list of goldens."""
    in_list = range(len(matrix.goldens))
    return len(group.margins) == len(matrix.precisions) and all(place in in_list for place in group.goldens)


def detections(corpus: Corpus) -> dict[str, Detection]:
    """Return the detection of each deviation, forward and backward; empty if the corpus has no kill matrix."""
    found = {}
    for matrix in filter(None, (kill_matrix(corpus), kill_matrix(corpus, gradients=True))):
        for d in matrix.deviations:
            margins = _margins(corpus, matrix, matrix.rows(d.margins))
            found[d.name] = Detection(margins, [one for one in matrix.hidden if one.deviation == d.name], matrix.enough)
    return found


def _margins(corpus: Corpus, matrix: KillMatrix, rows: Rows) -> dict[str, dict[str, float]]:
    """Return the margins by precision and golden. The file stores infinity as null."""
    ordered = {golden_id: rows[golden_id] for golden_id in corpus.ids if golden_id in rows}
    return {
        precision: {
            golden_id: math.inf if (margin := row[place]) is None else float(margin)
            for golden_id, row in ordered.items()
        }
        for place, precision in enumerate(matrix.precisions)
    }


def margin_text(margin: float) -> str:
    """Format a margin."""
    if math.isinf(margin):
        return "="
    if margin < MIN_MARGIN:
        return f"< {MIN_MARGIN}"
    return f"≥ {MAX_MARGIN}" if margin >= MAX_MARGIN else f"{margin:g}"
