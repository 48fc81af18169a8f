"""How much a file may hold: what is read is in memory many times as large, so it is counted before."""

from dataclasses import dataclass, replace

_MEBIBYTE = 2**20
_SMALL = _MEBIBYTE


@dataclass(frozen=True)
class Bounds:
    """The most that a file of a kind holds.

    Attributes:
        mebibytes: its size.
        values: numbers, texts and whatever else stands in lists and objects.
        objects: those among them that are objects.
    """

    mebibytes: int
    values: int
    objects: int

    @property
    def size(self) -> int:
        """In bytes."""
        return self.mebibytes * _MEBIBYTE

    def problem_if_large(self, content: bytes) -> str | None:
        """As ``problem``, for readers that take little memory for whatever is small: to count takes them too long."""
        return self.problem(content) if len(content) > _SMALL else None

    def problem(self, content: bytes) -> str | None:
        """What the JSON in a file has too much of; None if nothing.

        Signs in texts are counted, too: no file that this project writes comes near.
        """
        if len(content) > self.size:
            return f"is larger than {self.mebibytes} MiB, and no file of this kind is"
        if (objects := content.count(b"{")) > self.objects:
            return f"holds {objects} objects, and no file of this kind holds more than {self.objects}"
        if (values := values_in(content)) > self.values:
            return f"holds {values} values, and no file of this kind holds more than {self.values}"
        return None


def values_in(content: bytes) -> int:
    """How many numbers, texts and other values JSON holds."""
    return content.count(b",") + content.count(b"[") + content.count(b"{")


GOLDEN = Bounds(mebibytes=24, values=2**20, objects=10_000)
GOLDEN_OF_HDF5 = replace(GOLDEN, mebibytes=32)
"""What HDF5 holds, as JSON, in which the eight bytes of a number take up to 25."""

INDEX = Bounds(mebibytes=48, values=2_000_000, objects=330_000)
"""Of some fifty thousand goldens, as ours are."""

OTHER = Bounds(mebibytes=24, values=2**20, objects=20_000)
"""What else this project writes: the kill matrix, reports, results."""
