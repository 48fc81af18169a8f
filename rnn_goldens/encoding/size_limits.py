"""Limits on the size of files, checked before parsing: parsed content takes many times the memory of the file."""

from dataclasses import dataclass, replace

_MEBIBYTE = 2**20
_SMALL = _MEBIBYTE


@dataclass(frozen=True)
class Bounds:
    """Size limits of one kind of file.

    Attributes:
        mebibytes: size of the file.
        values: number of values: numbers, strings, lists and objects.
        objects: number of objects.
    """

    mebibytes: int
    values: int
    objects: int

    @property
    def size(self) -> int:
        """The size limit in bytes."""
        return self.mebibytes * _MEBIBYTE

    def problem_if_large(self, content: bytes) -> str | None:
        """Return ``problem`` for content above 1 MiB, else None: counting would slow down reading small files."""
        return self.problem(content) if len(content) > _SMALL else None

    def problem(self, content: bytes) -> str | None:
        """Return which limit the JSON content exceeds, or None.

        Brackets and commas inside strings are counted, too. Files that this project writes are far below the limits.
        """
        if len(content) > self.size:
            return f"is larger than {self.mebibytes} MiB, the limit for this kind of file"
        if (objects := content.count(b"{")) > self.objects:
            return f"holds {objects} objects, the limit for this kind of file is {self.objects}"
        if (values := values_in(content)) > self.values:
            return f"holds {values} values, the limit for this kind of file is {self.values}"
        return None


def values_in(content: bytes) -> int:
    """Return an upper bound of the number of values in JSON content."""
    return content.count(b",") + content.count(b"[") + content.count(b"{")


GOLDEN = Bounds(mebibytes=24, values=2**20, objects=10_000)
GOLDEN_OF_HDF5 = replace(GOLDEN, mebibytes=32)
"""HDF5 content converted to JSON, where the 8 bytes of a number take up to 25."""

INDEX = Bounds(mebibytes=48, values=2_000_000, objects=330_000)
"""Enough for about 50,000 goldens like the built-in ones."""

OTHER = Bounds(mebibytes=24, values=2**20, objects=20_000)
"""All other files of this project: kill matrix, reports, results."""
