"""Names the HDF5 files that an index lists but the wheel does not carry: checking reads only JSON."""

from pathlib import Path

from rnn_goldens.encoding.file_bytes import read_bytes
from rnn_goldens.encoding.size_limits import OTHER
from rnn_goldens.errors import InvalidFile

LIST = "not-in-wheel.txt"
"""The file that the build of the wheel, ``hatch_build.py``, writes beside an index: a path per line."""


def not_in_wheel(folder: Path) -> frozenset[str]:
    """Return the paths of the missing HDF5 files of a corpus that the wheel does not carry, relative to its folder."""
    try:
        lines = read_bytes(folder / LIST, OTHER.size).decode(errors="replace").splitlines()
    except InvalidFile:
        return frozenset()
    return frozenset(line for line in lines if line.endswith(".h5") and not (folder / line).exists())


def require_in_wheel(path: Path) -> None:
    """Raise InvalidFile, with the places that have the file, if the wheel does not carry it."""
    if path.suffix != ".h5" or path.exists():
        return
    folder = next((above for above in path.absolute().parents if (above / LIST).exists()), None)
    if folder is not None and (name := path.absolute().relative_to(folder).as_posix()) in not_in_wheel(folder):
        golden_id = name.removesuffix(".h5").removesuffix(".gradients")
        raise InvalidFile(
            path,
            ["is not in the wheel, which has HDF5 of the documented goldens only"],
            "It is in the repository, the sdist and, for its goldens, the release archive. Or write it:\n"
            f"  rnn-goldens export {golden_id} --to hdf5 FOLDER",
        )
