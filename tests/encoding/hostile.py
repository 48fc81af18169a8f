"""Files that somebody made to hurt, each by what it does, and reading one as a user would, measured."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rnn_goldens.corpus import find

GOLDEN = find("v1") / "documented/mini-batch.json"

_READ = """
import json, resource, sys, time
from pathlib import Path
from rnn_goldens import InvalidFile, read

def mebibytes():
    used = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used) / 1024

read(sys.argv[1])  # so that what every reading takes is not counted
before, began = mebibytes(), time.process_time()
try:
    read(sys.argv[2])
    said = ""
except InvalidFile as error:
    said = str(error)
seconds = time.process_time() - began
from rnn_goldens.encoding import hdf5_process
hdf5_process._close()
print(json.dumps({"said": said, "seconds": seconds, "mebibytes": mebibytes() - before}))
"""


@dataclass(frozen=True)
class Measured:
    """What became of reading a file.

    Attributes:
        said: the error; "" if there was none.
        seconds: of CPU, in this process.
        mebibytes: of memory, more than reading a golden takes.
    """

    said: str
    seconds: float
    mebibytes: float


def measured(path: Path) -> Measured:
    good = path.with_name(f"good{path.suffix}")
    if not good.exists():
        good.write_bytes(GOLDEN.with_suffix(path.suffix).read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", _READ, good, path], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return Measured(**json.loads(done.stdout))


def of_json(change: Callable[[dict[str, Any]], object], path: Path) -> Path:
    document = json.loads(GOLDEN.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return path


def of_hdf5(change: Callable[[h5py.File], object], path: Path) -> Path:
    path.write_bytes(GOLDEN.with_suffix(".h5").read_bytes())
    with h5py.File(path, "r+") as file:
        change(file)
    return path


Change = Callable[[h5py.File], object]


def instead_of_x(make: Callable[[h5py.Group], object]) -> Change:
    """Put something else where x is."""

    def change(file: h5py.File) -> None:
        del file["inputs/x"]
        make(file["inputs"])

    return change


def with_attribute(name: str, value: Callable[[h5py.File], object]) -> Change:
    return lambda file: file.attrs.__setitem__(name, value(file))


def link(to: h5py.ExternalLink | h5py.SoftLink) -> Change:
    return instead_of_x(lambda group: group.__setitem__("x", to))


def dataset(**how: Any) -> Change:
    return instead_of_x(lambda group: group.create_dataset("x", **how))


def unwritten(file: h5py.File) -> None:
    for number in range(20):
        file.create_dataset(f"weights/w{number}", (2**24,), "f8")


def virtual(group: h5py.Group) -> None:
    layout = h5py.VirtualLayout(shape=(2, 3, 5), dtype="f8")
    layout[:] = h5py.VirtualSource(".", "/inputs/x", shape=(2, 3, 5))
    group.create_virtual_dataset("x", layout)


def chain(file: h5py.File, length: int) -> None:
    group = file
    for _ in range(length):
        group = group.create_group("g")


def lattice(file: h5py.File, levels: int) -> None:
    """Two names for each group of the next level: as many paths as two to the power of the levels."""
    group = file.create_group("lattice")
    for _ in range(levels):
        inner = group.create_group("a")
        group["b"] = inner
        group = inner


def many_groups(file: h5py.File, count: int) -> None:
    for number in range(count):
        file.create_group(f"g{number}")


NOT_IN_THE_FILE = "do not lie in the file"
PASSWORDS = [("/etc/passwd", 0, 240)]

HDF5 = {
    "an external link": (link(h5py.ExternalLink("/etc/passwd", "/")), "link to something elsewhere"),
    "a soft link": (link(h5py.SoftLink("/expected/out")), "link to something elsewhere"),
    "numbers in another file": (dataset(shape=(2, 3, 5), dtype="f8", external=PASSWORDS), NOT_IN_THE_FILE),
    "a virtual dataset of itself": (instead_of_x(virtual), NOT_IN_THE_FILE),
    "a filter": (dataset(data=np.zeros((2, 3, 5)), compression="gzip"), NOT_IN_THE_FILE),
    "a filter that bursts": (dataset(data=np.zeros(2**24), chunks=(2**24,), compression=9), NOT_IN_THE_FILE),
    "arrays that are not written": (unwritten, "of which the file does not hold the numbers"),
    "a text of variable length": (with_attribute("title", lambda _: "t"), "is a text of variable length"),
    "a long text": (with_attribute("title", lambda _: np.bytes_(b"t" * 60_000)), "title: 'ttt.* is too long"),
    "numbers in a list": (with_attribute("features", lambda _: np.arange(3)), "is a list, and not of texts"),
    "a reference": (with_attribute("title", lambda file: file["inputs"].ref), "another type than int64 or bool"),
    "groups in groups": (lambda file: chain(file, 400), "groups in more than 4 levels"),
    "a lattice of links": (lambda file: lattice(file, 20), "two names|in more than 4 levels"),
    "groups by the thousand": (lambda file: many_groups(file, 20_000), "more than 10000"),
    "a group where an array is": (instead_of_x(lambda group: group.create_group("x")), "inputs/x"),
    "an attribute and a group of a name": (with_attribute("weights", lambda _: np.int64(1)), "an attribute and an"),
}


def put(where: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Put a value in a place of a document."""

    def change(document: dict[str, Any]) -> None:
        *groups, name = where.split("/")
        for group in groups:
            document = document[group]
        document[name] = value

    return change


def deep(levels: int) -> Any:
    value: Any = "t"
    for _ in range(levels):
        value = {"t": value}
    return value


ONE = {"shape": [1], "dtype": "float64", "data": [1]}
NEGATIVE = {"out": ONE | {"data": [-1]}, "h_n": ONE | {"data": [-1]}}
ONE_BY_ONE = {f"weight_ih_l{number}": ONE for number in range(200_000)}

JSON = {
    "objects where names are": (put("features", [{"n": n} for n in range(3000)]), "features"),
    "a title of 20 MB": (put("title", "t" * 20_000_000), "longer than 65536 characters"),
    "titles in titles": (put("title", deep(900)), "nested in more than 32 levels"),
    "an escape": (put("title", "\x1b[31mred"), "does not match"),
    "another writing direction": (put("purpose", "\u202etxet"), "does not match"),
    "a line break after the id": (put("id", "documented/mini-batch\n"), "does not match"),
    "half a pair": (put("title", "\ud800"), "holds a text that is no Unicode"),
    "weights by the thousand": (put("weights", ONE_BY_ONE), "objects, and no file of this kind"),
    "numbers by the million": (put("expected/out/data", [1] * 5_000_000), "values, and no file of this kind"),
    "a million lists": (put("expected/out/data", [[]] * 1_000_000), "values, and no file of this kind"),
    "half a million lists": (put("expected/out/data", [[]] * 500_000), "is not of type 'number'"),
    "a million words": (put("expected/out/data", ["1"] * 1_000_000), "is not of type 'number'"),
    "a million zeros": (put("expected/out/data", [0] * 1_000_000), "expected/out: data holds 1,000,000 numbers"),
    "a negative tolerance": (
        put("tolerance", {"kind": "bound", "accumulation": NEGATIVE, "storage": NEGATIVE}),
        "tolerance/accumulation/out: has shape",
    ),
    "more layers than weights": (put("config/num_layers", 2**20), "weights: holds 2, the configuration asks for"),
    "negative sizes": (put("inputs/x/shape", [-2, -3, 5]), "less than the minimum"),
}

TEXTS = {
    "an integer of 5,000 digits": ('{"kind": "golden", "format": %s}' % ("9" * 5000), "not JSON"),
    "brackets": ("[" * 1_000_000, "nested in more than 32 levels|values"),
    "objects in objects": ('{"a":' * 5_000, "nested in more than 32 levels"),
    "exponents": ('{"kind": "golden", "format": 1e999999999}', "Infinity|not|inf"),
}
