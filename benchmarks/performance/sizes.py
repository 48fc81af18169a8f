"""Measures the sizes of the wheel and of its installed files."""

from collections.abc import Iterator
from importlib.metadata import files
from pathlib import Path

from benchmarks.performance.measurement import Figure, at_most

_MEGA = 1e6


def figures(wheel: Path) -> Iterator[Figure]:
    """Yield sizes in MB."""
    yield at_most("the wheel", wheel.stat().st_size / _MEGA, "MB", 6.5)
    installed = [Path(str(file.locate())) for file in files("rnn-goldens") or ()]
    kinds = {".json": "goldens as JSON", ".h5": "goldens as HDF5"}
    kinds |= {f".gradients{suffix}": what.replace("goldens", "gradients") for suffix, what in kinds.items()}
    for suffix, what in {**kinds, ".py": "code"}.items():
        size = sum(file.stat().st_size for file in installed if "".join(file.suffixes) == suffix and file.exists())
        yield Figure(f"installed, {what}", f"{size / _MEGA:.1f} MB")
