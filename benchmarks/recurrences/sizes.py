"""Counts goldens of recurrences, and the bytes of their files and of the wheel."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks import page
from rnn_goldens.corpus import Corpus, open_corpus
from rnn_goldens.golden.recurrences import RECURRENCES

DIST = Path(__file__).parents[2] / "dist"

FORMATS: tuple[Literal["json"], Literal["h5"]] = ("json", "h5")


@dataclass(frozen=True)
class Sizes:
    """The goldens of a recurrence.

    Attributes:
        cell: the recurrence.
        goldens, with_gradients: their number.
        files: bytes of the files of goldens, by format.
        gradients: bytes of the files of gradients, by format.
    """

    cell: str
    goldens: int
    with_gradients: int
    files: tuple[int, ...]
    gradients: tuple[int, ...]


def measured() -> list[Sizes]:
    """Return the sizes of each recurrence."""
    corpus, found = open_corpus(), []
    for cell in RECURRENCES:
        entries = [entry for entry in corpus.entries if entry.cell == cell]
        backward = [entry.gradients for entry in entries if entry.gradients]

        files = tuple(sum(_bytes(corpus, entry.files[of].path) for entry in entries) for of in FORMATS)
        gradients = tuple(sum(_bytes(corpus, entry.files[of].path) for entry in backward) for of in FORMATS)
        found.append(Sizes(cell, len(entries), len(backward), files, gradients))
    return found


def _bytes(corpus: Corpus, path: str) -> int:
    return int((corpus.folder / path).stat().st_size)


def report(sizes: list[Sizes]) -> str:
    """Return the section of the page."""
    wheels = sorted(DIST.glob("*.whl"))
    of_wheel = f" The wheel has {wheels[-1].stat().st_size / 1e6:.2f} MB." if wheels else ""
    total = sum(sum(of.files) + sum(of.gradients) for of in sizes)
    return "\n".join(
        [
            "## Sizes\n\n"
            f"The corpus has {sum(of.goldens for of in sizes)} goldens of {len(sizes)} recurrences, "
            f"{sum(of.with_gradients for of in sizes)} of them with gradients: their files have {total / 1e6:.2f} MB."
            f"{of_wheel}\n",
            page.table(
                ("recurrence", "goldens", "with gradients", *(f"{of}, kB" for of in FORMATS),
                 *(f"gradients, {of}, kB" for of in FORMATS)),
                _rows(sizes),
            ),
        ]
    )  # fmt: skip


def _rows(sizes: list[Sizes]) -> Iterator[tuple[object, ...]]:
    for of in sizes:
        yield of.cell, of.goldens, of.with_gradients, *(f"{n / 1000:.0f}" for n in (*of.files, *of.gradients))
    totals = [sum(column) for column in zip(*(of.files + of.gradients for of in sizes), strict=True)]
    counts = sum(of.goldens for of in sizes), sum(of.with_gradients for of in sizes)
    yield "together", *counts, *(f"{n / 1000:.0f}" for n in totals)
