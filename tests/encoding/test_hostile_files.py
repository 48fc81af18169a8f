"""A hostile file raises one error, within one second and 256 MiB."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rnn_goldens.corpus import find

GOLDEN = find() / "documented/mini-batch.json"

_READ = """
import json, resource, sys, time
from pathlib import Path
from rnn_goldens import InvalidFile, read

def mebibytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

read(sys.argv[1])  # so that the cost common to all reads is not counted
before, began = mebibytes(), time.process_time()
try:
    read(sys.argv[2])
    message = ""
except InvalidFile as error:
    message = str(error)
seconds = time.process_time() - began
print(json.dumps({"message": message, "seconds": seconds, "mebibytes": mebibytes() - before}))
"""


@dataclass(frozen=True)
class Measured:
    """The result of reading a file.

    Attributes:
        message: the error message; "" if the file was read.
        seconds: CPU time.
        mebibytes: peak memory beyond the peak of reading a valid golden.
    """

    message: str
    seconds: float
    mebibytes: float


def measure(path: Path) -> Measured:
    done = subprocess.run(
        [sys.executable, "-c", _READ, GOLDEN, path], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return Measured(**json.loads(done.stdout))


def hostile_copy(change: Callable[[dict[str, Any]], object], path: Path) -> Path:
    document = json.loads(GOLDEN.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return path


def put(where: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Return a function that sets the value at a path of a document."""

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
    "objects in place of names": (put("features", [{"n": n} for n in range(3000)]), "features"),
    "a title of 20 MB": (put("title", "t" * 20_000_000), "longer than 65536 characters"),
    "titles in titles": (put("title", deep(900)), "nested in more than 32 levels"),
    "an escape": (put("title", "\x1b[31mred"), "does not match"),
    "another writing direction": (put("purpose", "\u202etxet"), "does not match"),
    "a line break after the id": (put("id", "documented/mini-batch\n"), "does not match"),
    "half a surrogate pair": (put("title", "\ud800"), "holds a text that is not valid Unicode"),
    "weights by the thousand": (put("weights", ONE_BY_ONE), "objects, the limit for this kind of file"),
    "numbers by the million": (put("expected/out/data", [1] * 5_000_000), "values, the limit for this kind of file"),
    "a million lists": (put("expected/out/data", [[]] * 1_000_000), "values, the limit for this kind of file"),
    "half a million lists": (put("expected/out/data", [[]] * 500_000), "is not of type 'number'"),
    "a million words": (put("expected/out/data", ["1"] * 1_000_000), "is not of type 'number'"),
    "a million zeros": (put("expected/out/data", [0] * 1_000_000), "expected/out: data holds 1,000,000 numbers"),
    "a negative tolerance": (
        put("tolerance", {"kind": "bound", "accumulation": NEGATIVE, "storage": NEGATIVE}),
        "tolerance/accumulation/out: has shape",
    ),
    "more layers than weights": (put("config/num_layers", 2**20), "weights: 2 arrays, the configuration requires"),
    "a feature a million times": (put("features", ["bias"] * 1_000_000), "features: has 1,000,000 values; at most"),
    "half a million axes": (put("inputs/x/shape", [1] * 500_000), "x/shape: has 500,000 values; at most 5 are allowed"),
    "provenance by the thousand": (
        put("provenance", {f"p{n}": "1" for n in range(300_000)}),
        "at most 100 are allowed",
    ),
    "negative sizes": (put("inputs/x/shape", [-2, -3, 5]), "less than the minimum"),
}

TEXTS = {
    "an integer of 5,000 digits": ('{"kind": "golden", "format": %s}' % ("9" * 5000), "not JSON"),
    "brackets": ("[" * 1_000_000, "nested in more than 32 levels|values"),
    "objects in objects": ('{"a":' * 5_000, "nested in more than 32 levels"),
    "exponents": ('{"kind": "golden", "format": 1e999999999}', "Infinity|not|inf"),
}


def assert_one_error(path: Path, message: str, found: Measured) -> None:
    assert re.search(message, found.message, re.DOTALL), found.message
    assert found.message.startswith(str(path))
    assert len(found.message) < 5000
    assert found.seconds < 1
    assert found.mebibytes < 256


@pytest.mark.slow
@pytest.mark.parametrize(("change", "message"), JSON.values(), ids=JSON)
def test_hostile_json_raises_one_error(
    change: Callable[[dict[str, Any]], object], message: str, tmp_path: Path
) -> None:
    path = hostile_copy(change, tmp_path / "hostile.json")
    assert_one_error(path, message, measure(path))


@pytest.mark.slow
@pytest.mark.parametrize(("text", "message"), TEXTS.values(), ids=TEXTS)
def test_hostile_text_raises_one_error(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.json"
    path.write_text(text)
    assert_one_error(path, message, measure(path))
