"""The benchmark counts refused inputs, and reports inputs that cause another error or are read too slowly."""

import json
import random
import time

import pytest

from benchmarks import hostile
from benchmarks.hostile import Reader, changed, run


def read(data: bytes) -> None:
    if data == b"other":
        raise KeyError(data)
    if data == b"slow":
        begin = time.process_time()
        while time.process_time() < begin + 0.1:
            pass
    if data != b"right":
        raise ValueError(data)


def test_another_error_and_a_timeout_are_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostile, "MAX_SECONDS", 0.05)
    reader = Reader("test reader", read, ValueError, (b"right",))
    for data in (b"right", b"wrong"):
        reader.check(data)
    assert (reader.refused, reader.findings) == (1, [])
    for data in (b"other", b"slow"):
        reader.check(data)
    assert reader.refused == 2
    assert [finding.rpartition(": ")[0] for finding in reader.findings] == [
        "test reader: KeyError: b'other'",
        "test reader: 0.1 s",
    ]


def test_seeds_are_read_first_and_changed_inputs_differ() -> None:
    received = list[bytes]()
    run(Reader("test reader", received.append, ValueError, (b'{"a": [1, 2]}',)), 200, random.Random(1))
    assert received[0] == b'{"a": [1, 2]}'
    assert len(set(received)) > 50


def test_many_changed_inputs_are_still_json() -> None:
    draw, valid = random.Random(1), 0
    for _ in range(200):
        try:
            json.loads(changed(b'{"a": [1, 2], "b": {"c": "d"}}', draw))
        except (ValueError, RecursionError):
            continue
        valid += 1
    assert 20 < valid < 180
