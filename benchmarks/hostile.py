"""Reads 100,000 damaged or hostile JSON files and messages: each must be read or refused with one error, within limits.

Changes real files and messages at random from a fixed seed.
"""

import random
import re
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks import page
from benchmarks.benchmark import Measured
from rnn_goldens import InvalidFile, encoding, load, read
from rnn_goldens.corpus import open_folder
from rnn_goldens.programs import messages
from rnn_goldens.programs.misbehaviour import Misbehaviour
from rnn_goldens.schema import PROTOCOLS

FIXTURES = page.ROOT / "fixtures/v2"
SMALL = ("documented/mini-batch", "lstm/lengths", "gru/plain")

INPUTS = 25_000
"""Number of inputs of each reader."""

MAX_SECONDS, MAX_MEBIBYTES = 1.0, 256

ANSWERS = (
    b'{"answer": "hello", "protocol": 1, "name": "p", "cells": ["gru"], "features": [], "precisions": ["float32"]}',
    b'{"answer": "outputs", "id": 1, "out": {"shape": [2], "data": [0.5, "NaN"]}, "h_n": {"shape": [], "data": [-0]}}',
    b'{"answer": "gradients", "id": 1, "gradients": {"x": {"shape": [1, 2], "data": [0.5, null]}}}',
    b'{"answer": "unsupported", "id": 1, "reason": "no float64"}',
)

VALUE = re.compile(rb'-?\d[\d.e+-]*|"[^"]*"|null|true|false')
VALUES = (
    *(b"null", b"[]", b"{}", b"-1", b"0", b"1e999", b"4294967296", b"true", b'"NaN"', b'"../x"', b'"\\udc00"'),
    *(b"9" * 400, b"0." + b"1" * 4000, b'"' + b"a" * 9000 + b'"', b"[" * 500 + b"]" * 500),
)
GARBAGE = (b"NaN", b"[" * 20_000, b'{"a":' * 5000, b"\xff\xfe", b"\x00", b'"', b",", b"}", b"")


@dataclass
class Reader:
    """A reader with the one error that it may raise, valid inputs, and its results for changed inputs."""

    name: str
    read: Callable[[bytes], object]
    error: type[Exception]
    seeds: Sequence[bytes]
    refused: int = 0
    longest: float = 0.0
    mebibytes: float = 0.0
    findings: list[str] = field(default_factory=list)

    def check(self, data: bytes) -> None:
        """Read an input and record the result."""
        begin = time.process_time()
        try:
            self.read(data)
        except self.error:
            self.refused += 1
        except BaseException as error:
            self.findings.append(f"{self.name}: {type(error).__name__}: {error}: {data[:200]!r}")
        seconds = time.process_time() - begin
        self.longest = max(self.longest, seconds)
        if seconds > MAX_SECONDS:
            self.findings.append(f"{self.name}: {seconds:.1f} s: {data[:200]!r}")


HEADER = f"""## Damaged and hostile JSON

Real files and messages were changed at random: each reader returned a valid object or raised its one error, within
{MAX_SECONDS:g} s of CPU and {MAX_MEBIBYTES} MiB of extra memory. JSON from an unknown source is therefore safe to load.
"""


def measured(seed: int = 1) -> Measured:
    """Return the section, and the findings."""
    with tempfile.TemporaryDirectory() as scratch:
        readers = readers_in(Path(scratch))
        for reader in readers:
            run(reader, INPUTS, random.Random(seed))
    rows = [(r.name, INPUTS, r.refused, f"{r.longest:.2f}", f"{r.mebibytes:.0f}") for r in readers]
    table = page.table(("reader", "inputs", "refused", "longest, s", "MiB"), rows)
    return Measured(f"{HEADER}\n{table}", [finding for reader in readers for finding in reader.findings])


def readers_in(scratch: Path) -> list[Reader]:
    """Return all readers; ``scratch`` is a folder for the files that they read."""

    def by_file(name: str, read: Callable[[Path], object], data: bytes) -> object:
        path = scratch / name
        path.write_bytes(data)
        return read(path)

    golden = load(SMALL[0], dtype="float64")
    decode = partial(
        encoding.decode, path=Path("golden.gradients.json"), of=golden, of_content=encoding.content_hash(golden)
    )
    files = [(FIXTURES / f"{name}.json").read_bytes() for name in SMALL]
    gradients, index = ((FIXTURES / name).read_bytes() for name in (f"{SMALL[0]}.gradients.json", "index.json"))
    one_entry = index[: index.index(b"},\n{") + 1] + b"]}"
    in_folder = partial(by_file, "index.json", lambda path: open_folder(path.parent).select())
    return [
        Reader("golden", partial(by_file, "golden.json", read), InvalidFile, files),
        Reader("gradients", decode, InvalidFile, [gradients]),
        Reader("index", in_folder, InvalidFile, [one_entry]),
        Reader("answers of programs", partial(messages.read, protocol=PROTOCOLS[-1]), Misbehaviour, ANSWERS),
    ]


def run(reader: Reader, inputs: int, draw: random.Random) -> None:
    """Run a reader on its valid inputs, then on ``inputs`` changed ones."""
    for seed in reader.seeds:
        reader.read(seed)
    before = _mebibytes()
    for _ in range(inputs):
        reader.check(changed(draw.choice(reader.seeds), draw))
    reader.mebibytes = _mebibytes() - before
    if reader.mebibytes > MAX_MEBIBYTES:
        reader.findings.append(f"{reader.name}: {reader.mebibytes:.0f} MiB")


def changed(data: bytes, draw: random.Random) -> bytes:
    """Return data with values, slices or bytes replaced, repeated or removed; half of the results are still JSON."""
    only_values = draw.random() < 0.5  # noqa: PLR2004 - half
    for _ in range(draw.choice((1, 1, 1, 2, 4, 16))):
        found = VALUE.search(data, draw.randrange(len(data) + 1)) or VALUE.search(data)
        start, end = found.span() if found else (0, len(data))
        match 0 if only_values else draw.randrange(4):
            case 0:
                data = data[:start] + draw.choice(VALUES) + data[end:]
            case 1:
                data = data[:start] + draw.choice(GARBAGE) + data[end:]
            case 2:
                data = data[:end] + data[start : draw.randint(start, len(data))]
            case _:
                data = data[:start] + draw.randbytes(1) + data[start + 1 :]
    return data


def _mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
