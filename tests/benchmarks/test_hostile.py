"""What a reader does to an input that anybody may have written is noted: refused, another error, too slow."""

import json
import random
import time

import pytest

from benchmarks import hostile
from benchmarks.hostile import Reader, changed, run


def reading(data: bytes) -> None:
    if data == b"other":
        raise KeyError(data)
    if data == b"slow":
        begin = time.process_time()
        while time.process_time() < begin + 0.1:
            pass
    if data != b"right":
        raise ValueError(data)


def test_another_error_and_too_long_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostile, "MOST_SECONDS", 0.05)
    reader = Reader("of the test", reading, ValueError, (b"right",))
    for data in (b"right", b"wrong"):
        reader.check(data)
    assert (reader.refused, reader.findings) == (1, [])
    for data in (b"other", b"slow"):
        reader.check(data)
    assert reader.refused == 2
    assert [finding.rpartition(": ")[0] for finding in reader.findings] == [
        "of the test: KeyError: b'other'",
        "of the test: 0.1 s",
    ]


def test_every_seed_is_read_and_inputs_are_others() -> None:
    given = list[bytes]()
    run(Reader("of the test", given.append, ValueError, (b'{"a": [1, 2]}',)), 200, random.Random(1))
    assert given[0] == b'{"a": [1, 2]}'
    assert len(set(given)) > 50


def test_many_inputs_are_still_json() -> None:
    draw, valid = random.Random(1), 0
    for _ in range(200):
        try:
            json.loads(changed(b'{"a": [1, 2], "b": {"c": "d"}}', draw))
        except (ValueError, RecursionError):
            continue
        valid += 1
    assert 20 < valid < 180
