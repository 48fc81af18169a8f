"""What a corpus shows of a deviation: its kill matrix, which stands beside its index."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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

MOST = 100
"""Larger margins are written as this."""


@dataclass(frozen=True)
class NotShown:
    """Where no golden shows a deviation, and why.

    Attributes:
        allowed: whether it is no error there, because a correct implementation may do just that.
    """

    cells: tuple[str, ...]
    precisions: tuple[str, ...]
    reason: str
    allowed: bool


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


def shown(corpus: Corpus) -> dict[str, Shown]:
    """What the kill matrices of a corpus say of each deviation, of the backward pass too; nothing if it has none.

    Raises:
        InvalidFile: a file is no kill matrix.
    """
    return {**_shown_in(corpus, NAME), **_shown_in(corpus, BACKWARD_NAME)}


def _shown_in(corpus: Corpus, name: str) -> dict[str, Shown]:
    path = corpus.folder / name
    if not path.is_file():
        return {}
    document = read_document(path, below=None if corpus.is_packaged else corpus.folder)
    try:
        not_shown: dict[str, list[NotShown]] = {}
        for h in document["hidden"]:
            where = NotShown(tuple(h["cells"]), tuple(h["precisions"]), h["reason"], h["allowed"])
            not_shown.setdefault(h["deviation"], []).append(where)
        return {
            d["name"]: Shown(_margins(corpus, document, d["margins"]), not_shown.get(d["name"], []), document["enough"])
            for d in document["deviations"]
        }
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise InvalidFile(path, ["is no kill matrix"], remedy(corpus.name, corpus.where)) from None


def _margins(
    corpus: Corpus, document: dict[str, Any], found: dict[str, list[float | None]]
) -> dict[str, dict[str, float]]:
    """By precision and golden; the file has infinity as null."""
    ordered = {golden_id: found[golden_id] for golden_id in corpus.ids if golden_id in found}
    return {
        precision: {
            golden_id: math.inf if (margin := row[place]) is None else float(margin)
            for golden_id, row in ordered.items()
        }
        for place, precision in enumerate(document["precisions"])
    }


def margin_text(margin: float) -> str:
    """A margin as it is written for people."""
    if math.isinf(margin):
        return "="
    if margin < LEAST:
        return f"< {LEAST}"
    return f"≥ {MOST}" if margin >= MOST else f"{margin:g}"
