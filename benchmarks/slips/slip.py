"""What a slip is: a mistake that somebody makes in a network of their own, as edits of its text."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

Edits = tuple[tuple[str, str], ...]
"""What stands in the text, once, and what is written instead."""


@dataclass(frozen=True)
class Slip:
    """A mistake by hand.

    Attributes:
        deviation: the name of the one in the catalogue that it is.
        edits: of the source's text.
        cells: those it is in; all that the deviation can befall, if none is named.
    """

    deviation: str
    edits: Edits
    cells: tuple[str, ...] = ()


class DoesNotApply(Exception):
    """What an edit looks for is not there once."""


def slipped(files: Mapping[str, str], *slips: Slip) -> dict[str, str]:
    """The files with some slips made; raises DoesNotApply if they can not be, or not together."""
    spans = sorted(_span(files, find, text, slip) for slip in slips for find, text in slip.edits)
    for (file, _, end, _), (other, start, _, _) in pairwise(spans):
        if file == other and start < end:
            raise DoesNotApply(" & ".join(slip.deviation for slip in slips))
    texts = dict(files)
    for file, start, end, text in reversed(spans):
        texts[file] = texts[file][:start] + text + texts[file][end:]
    return texts


def _span(files: Mapping[str, str], find: str, text: str, slip: Slip) -> tuple[str, int, int, str]:
    found = [file for file, whole in files.items() for _ in range(whole.count(find))]
    if len(found) != 1:
        raise DoesNotApply(f"{slip.deviation}: {find!r} is there {len(found)} times")
    start = files[found[0]].index(find)
    return found[0], start, start + len(find), text
