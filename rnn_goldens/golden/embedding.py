"""The places of a golden's numbers in larger arrays."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.errors import UnknownName, Unsupported, WrongUse
from rnn_goldens.golden.recurrences import BUILT_IN
from rnn_goldens.golden.shapes import BATCH, SEQUENCES, TIME, Layout

Places = NDArray[np.intp]
"""For each place of a larger axis, the place of the golden whose numbers it has; -1 for zeros."""

NOT_MIXED = (BATCH, SEQUENCES, "heads", "query_heads", "key_heads", "channels", "d_v", "p", TIME)
"""Sizes whose places do not depend on each other: added ones are copies. So is ``d``, but for sLSTM."""

SMALL, LARGE = 16, 64
"""Sizes of blocks: a golden's numbers are in as many small ones as possible, in the first large one and in the last."""

SEED = 769
"""With it, the goldens of each recurrence reach every block of ``SMALL`` in 128 places, which a test checks."""

_CUSTOM = Layout("")
"""A custom cell: its sizes have the names of a standard cell's."""

NOT_A_SIZE = "is not a size in which a golden can be embedded: give the size of your kernel, at least 1"

MAX_LISTED = 8


@dataclass(frozen=True, eq=False)
class Embedding:
    """How a golden was embedded."""

    original: Any  # the golden before; its type is that of the golden. None in the inputs of an implementation
    sizes: Mapping[str, int]  # the larger sizes, by name
    axes: Mapping[str, "Axis"]  # by the name of a size that grew, where its numbers come from
    factor: float = 1.0  # what the queries of an attention were multiplied by

    def __str__(self) -> str:
        return ",".join(f"{name}={size}" for name, size in self.sizes.items())

    @property
    def in_words(self) -> str:
        """Where the golden's numbers are: "the golden's d_k 5, 127 of 128; heads 3 of 4"."""
        return "the golden's own places: " + "; ".join(
            f"{name} {_listed(self.axes[name].own.tolist())} of {size}" for name, size in self.sizes.items()
        )


@dataclass(frozen=True, eq=False)
class Axis:
    """Where the numbers of an axis that grew come from."""

    source: Places  # for each of its places, the place in the golden; -1 for zeros
    own: Places  # the places of the golden's own numbers, in order; others are copies or zeros
    before: int  # the size before

    def own_in(self, blocks: int) -> Places:
        """Return ``own`` of an axis of several such blocks."""
        return np.concatenate([self.own + k * len(self.source) for k in range(blocks)])

    def blocks(self, blocks: int) -> Places:
        """Return ``source`` of an axis of several such blocks: the rows of several gates."""
        return np.concatenate([np.where(self.source < 0, -1, self.source + k * self.before) for k in range(blocks)])


def of_cell(cell: str, sizes: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Return those of some sizes that goldens of a cell can have."""
    return tuple((name, size) for name, size in sizes if name in _growing(cell))


def larger_sizes(texts: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Return sizes by name from texts such as ``d_k=128``; raises WrongUse for other texts."""
    found = dict[str, int]()
    for text in texts:
        name, _, size = map(str.strip, text.partition("="))
        if size.isdecimal() and int(size) < 1:
            raise WrongUse(f"embed: {text} {NOT_A_SIZE}")
        if not size.isdecimal() or name in found:
            such = "is not a size, such as d_k=128 or hidden_size=64; commas separate several"
            problem = "is given twice" if name in found else such
            raise WrongUse(f"embed: {text!r} {problem}")
        found[name] = int(size)
    return tuple(found.items())


def require_known(cells: Iterable[str], sizes: Iterable[tuple[str, int]], selected: Iterable[str] = ()) -> None:
    """Raise UnknownName for a size that no golden of these cells has; it lists the sizes of the ``selected`` cells."""
    known, listed = (dict.fromkeys(name for cell in of for name in _growing(cell)) for of in (cells, selected))
    for name, _ in sizes:
        if name not in known:
            raise UnknownName("size to embed in", name, listed or known, plural="Sizes that can grow")


def _growing(cell: str) -> tuple[str, ...]:
    return BUILT_IN.get(cell, _CUSTOM).growing


def own_places(golden: str, name: str, count: int, size: int) -> Places:
    """Return which places of a larger axis hold the numbers of a golden, the same on every machine.

    They are spread over blocks of ``SMALL``. One is in the first block of ``LARGE``, one in the last; in every second
    golden, and in each with many numbers, these are the first and the last place.
    """
    hashes = [_hash(golden, name, place) for place in range(size)]
    order, last = sorted(range(size), key=hashes.__getitem__), size - 1
    chosen = [place for place in (0, last) if count > SMALL or hashes[place] % 2 == 0]
    if count > 1 and 0 not in chosen:
        chosen.append(next(place for place in order if place < LARGE))
    if count > 1 and last not in chosen:
        chosen.append(next(place for place in order if place >= last // LARGE * LARGE and place not in chosen))
    of_block = {place // SMALL: place for place in reversed(order)}
    others = [of_block[block] for block in sorted(of_block, key=lambda b: hashes[of_block[b]])]
    fresh = [place for place in others if place // SMALL not in {one // SMALL for one in chosen}]
    return np.array(sorted(list(dict.fromkeys([*chosen, *fresh, *order]))[:count]))


def grown_axis(golden: str, cell: str, name: str, before: int, size: int) -> Axis:
    """Return where the numbers of an axis come from that grows from ``before`` to ``size``."""
    own = own_places(golden, name, before, size)
    source = np.full(size, -1)
    source[own] = np.arange(before)
    if is_copied(cell, name):
        added = np.flatnonzero(source < 0)
        source[added] = [_hash(golden, name, "copy", place) % before for place in added]
    return Axis(source, own, before)


def axes_of_heads(golden: str, cell: str, config: Mapping[str, Any], size: int) -> dict[str, Axis]:
    """Return the axes that grow with heads: query heads are parts of heads, or heads are parts of key heads."""
    heads, key_heads = config["heads"], config.get("key_heads")
    if key_heads is None:
        of_heads = grown_axis(golden, cell, "heads", heads, size)
        if "query_heads" not in config:
            return {"heads": of_heads}
        queries = np.split(np.arange(config["query_heads"]), heads)
        return {"heads": of_heads, "query_heads": parts_of(of_heads, queries)}
    larger = _quotient("heads", size, heads // key_heads, "heads of each key head")
    of_keys = grown_axis(golden, cell, "key_heads", key_heads, larger)
    of_heads = parts_of(of_keys, np.split(np.arange(heads), key_heads))
    return {"heads": of_heads, "key_heads": of_keys, **({"query_heads": of_keys} if "query_heads" in config else {})}


def axis_in_groups(golden: str, cell: str, name: str, config: Mapping[str, Any], size: int) -> Axis:
    """Return the axis of channels or heads in groups, which grow alike: a place has the numbers of one of its group."""
    groups = config["groups"]
    of_group = grown_axis(golden, cell, name, config[name] // groups, _quotient(name, size, groups, "groups"))
    return Axis(of_group.blocks(groups), of_group.own_in(groups), config[name])


def _quotient(name: str, size: int, by: int, what: str) -> int:
    quotient, rest = divmod(size, by)
    if rest:
        raise Unsupported(f"{name}={size} is not a multiple of {by}, the golden's {what}")
    return quotient


def is_copied(cell: str, size: str) -> bool:
    """Return whether an added place has the numbers of another one; else it has zeros."""
    return size in NOT_MIXED or (size == "d" and cell != "slstm")


def parts_of(whole: Axis, parts: Sequence[Places]) -> Axis:
    """Return the axis of the parts of another axis: of heads their query heads, of sequences their steps."""
    found = [parts[place] for place in whole.source]  # both are copied
    ends = np.cumsum([len(part) for part in found])
    own = [np.arange(ends[place] - len(found[place]), ends[place]) for place in whole.own]
    return Axis(np.concatenate(found), np.concatenate(own), sum(map(len, parts)))


def _hash(*parts: object) -> int:
    return int.from_bytes(sha256(" ".join(map(str, (SEED, *parts))).encode()).digest()[:8])


def _listed(places: list[int]) -> str:
    """Return a few numbers as text: "3, 5, 17, … 127"."""
    few = places if len(places) <= MAX_LISTED else [*places[: MAX_LISTED - 1], "…", places[-1]]
    return ", ".join(map(str, few)).replace("…,", "…")
