"""What reads bytes that anybody may have written, each as one function of bytes, and what it may raise."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

FIXTURES = Path(__file__).parents[2] / "fixtures/v1"
DOCS = Path(__file__).parents[2] / "docs"
SMALL = ("documented/mini-batch", "lstm/lengths", "gru/plain")

HELLO = (
    b'{"answer": "hello", "protocol": 1, "name": "p", "cells": ["gru"],'
    b' "features": ["bias"], "precisions": ["float32"]}'
)
OUTPUTS = (
    b'{"answer": "outputs", "id": 1, "out": {"shape": [1, 2], "data": [0.5, "NaN"]},'
    b' "h_n": {"shape": [1, 2], "data": [1, -0]}}'
)
GRADIENTS = b'{"answer": "gradients", "id": 1, "gradients": {"x": {"shape": [1, 2], "data": [0.5, null]}}}'
REFUSAL = b'{"answer": "unsupported", "id": 1, "reason": "no float64"}'


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes:
        read: what is given bytes; it returns, or raises one of ``expected``.
        expected: the errors that say what is wrong.
        seeds: bytes that are read well, to begin with.
        words: what an input is more often put together from.
        of_python: whether its code is Python, in which coverage leads to new inputs.
    """

    read: Callable[[bytes], object]
    expected: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]
    words: tuple[str, ...] = field(default=())
    of_python: bool = True


def targets(scratch: Path) -> dict[str, Callable[[], Target]]:
    """All of them, by name; each is made when it is asked for.

    Args:
        scratch: a folder to put files into.
    """
    return {
        "golden, JSON": _golden,
        "golden, HDF5": _hdf5,
        "gradients, JSON": _gradients,
        "index": lambda: _index(scratch),
        "answers of programs": _answers,
        "report": lambda: _report(scratch),
        "kill matrix": lambda: _kill_matrix(scratch),
        "known failures": lambda: _known_failures(scratch),
    }


def _golden() -> Target:
    from rnn_goldens import InvalidFile, encoding

    path = Path("golden.json")
    seeds = _files(f"{name}.json" for name in SMALL)
    return Target(lambda data: encoding.decode(data, path), (InvalidFile,), seeds, _words("golden"))


def _hdf5() -> Target:
    from rnn_goldens import InvalidFile, encoding

    path = Path("golden.h5")
    seeds = _files(f"{name}.h5" for name in SMALL)
    return Target(lambda data: encoding.decode(data, path), (InvalidFile,), seeds, of_python=False)


def _gradients() -> Target:
    from rnn_goldens import InvalidFile, encoding, load

    golden, path = load(SMALL[0], dtype="float64"), Path("golden.gradients.json")
    content = encoding.content_hash(golden)
    seeds = _files(f"{name}.gradients.json" for name in SMALL[:1])
    return Target(
        lambda data: encoding.decode(data, path, of=golden, of_content=content),
        (InvalidFile,),
        seeds,
        _words("gradients"),
    )


def _index(scratch: Path) -> Target:
    from rnn_goldens import InvalidFile
    from rnn_goldens.corpus import open_folder

    seed = b'{"kind": "index", "format": 1, "corpus": "rnn-goldens", "version": "1.0.0", "goldens": []}'
    whole = (FIXTURES / "index.json").read_bytes()
    entry = whole[whole.index(b'"goldens": [') + len(b'"goldens": [') :]
    one = seed.replace(b"[]", b"[" + entry[: entry.index(b"\n    },") + len(b"\n    }")] + b"]")
    reading = _by_file(scratch / "index/index.json", lambda path: open_folder(path.parent).select(features="bias"))
    return Target(reading, (InvalidFile,), (seed, one), _words("index"))


def _answers() -> Target:
    from rnn_goldens.programs import answers
    from rnn_goldens.programs.misbehaviour import Misbehaviour
    from rnn_goldens.schema import PROTOCOLS

    reading = partial(answers.read, protocol=PROTOCOLS[-1])
    return Target(reading, (Misbehaviour,), (HELLO, OUTPUTS, GRADIENTS, REFUSAL), _words("protocol-answer"))


def _report(scratch: Path) -> Target:
    from rnn_goldens import InvalidFile
    from rnn_goldens.report import change

    right = change.read(DOCS / "conformance.json")
    small = {**right, "implementations": right["implementations"][:1]}

    def read(path: Path) -> None:
        found = change.read(path)
        list(change.changes(found, right))
        list(change.changes(right, found))

    seeds = (json.dumps(small).encode(), json.dumps(small | {"implementations": []}).encode())
    return Target(_by_file(scratch / "report.json", read), (InvalidFile,), seeds, _words("conformance"))


def _kill_matrix(scratch: Path) -> Target:
    from rnn_goldens import InvalidFile
    from rnn_goldens.corpus import Corpus
    from rnn_goldens.corpus.shown import NAME, shown
    from rnn_goldens.corpus.validating import findings

    corpus = Corpus(scratch, "fuzz", "1.0.0", ())

    def read(path: Path) -> None:
        findings(path)
        shown(corpus)

    seed = (
        b'{"kind": "kill-matrix", "format": 1, "hidden": [], "deviations": [], "enough": 2, "precisions": ["float64"]}'
    )
    return Target(_by_file(scratch / NAME, read), (InvalidFile,), (seed,), _words("kill-matrix"))


def _known_failures(scratch: Path) -> Target:
    from rnn_goldens.corpus import open_corpus
    from rnn_goldens.errors import InvalidFile, UnknownName
    from rnn_goldens.plugin.known_failures import read_listed

    entries = open_corpus().select(["documented/mini-batch", "lstm/plain"])
    reading = _by_file(scratch / "known.txt", lambda path: read_listed(path, entries))
    seeds = (
        b"documented/*  # slow\n\n# comment\nlstm/plain-float32 # wrong\n",
        b"\xef\xbb\xbflstm/[pq]lain cell=lstm # x\r\n",
    )
    return Target(
        reading, (InvalidFile, UnknownName), seeds, ("*", "[", "]", "#", "lstm/plain", "features=", "dtype=", ",")
    )


def _files(names: object) -> tuple[bytes, ...]:
    return tuple((FIXTURES / str(name)).read_bytes() for name in names)  # type: ignore[attr-defined]


def _by_file(path: Path, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    path.parent.mkdir(parents=True, exist_ok=True)

    def reading(data: bytes) -> object:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(descriptor, data)
        os.close(descriptor)
        return read(path)

    return reading


def _words(kind: str) -> tuple[str, ...]:
    """The names and values that a schema speaks of."""
    import re

    from rnn_goldens.schema import schema_path

    return tuple(sorted(set(re.findall(r'"([a-z_0-9]+)"', schema_path(kind).read_text("utf-8")))))
