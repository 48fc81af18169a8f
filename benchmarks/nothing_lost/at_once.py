"""Several processes at one corpus: generators, a reader beside a writer, and four that want its lock."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from benchmarks.nothing_lost import corpora
from benchmarks.nothing_lost.corpora import NEW, OLD, contents
from benchmarks.nothing_lost.processes import begun, ended
from benchmarks.nothing_lost.row import Row
from rnn_goldens import Golden, load, select
from rnn_goldens.corpus import INDEX
from rnn_goldens.corpus.validating import findings
from rnn_goldens.errors import RnnGoldensError, WrongUse
from rnn_goldens.generator.folder import alone, replacing

REFUSED = 3
"""What a generator ends with that another has kept from writing."""

PROCESSES = 4

_REST = 0.1
"""Seconds between corpora that are validated, which takes longer than to write them: it is begun anew at each."""


def at_once(rounds: int, swaps: int, seconds: float, seed: int) -> Iterator[Row]:
    """So many rounds of generators, so many corpora that are swapped beside readers, so many seconds for a lock."""
    yield _generators(rounds, Random(seed))
    yield from _readers(swaps)
    yield _lock(seconds)


def _generators(rounds: int, moments: Random) -> Row:
    torn = left = errors = 0
    for _ in range(rounds):
        with TemporaryDirectory() as name:
            folder = Path(name, "not", "there", "yet")
            begun_ones = []
            for _ in range(2):
                begun_ones.append(begun(partial(_write, folder)))
                time.sleep(moments.uniform(0, 0.05))
            codes = [ended(process) for process in begun_ones]
            errors += not set(codes) <= {0, REFUSED} or 0 not in codes
            torn += bool(findings(folder / INDEX))
            left += any(part.startswith(".") for path in contents(Path(name)) for part in Path(path).parts)
    return Row("two generators at once, in a folder that is not there yet", rounds, None, torn, left, errors)


def _write(folder: Path) -> None:
    try:
        corpora.write(folder, NEW)
    except WrongUse:
        os._exit(REFUSED)


def _readers(swaps: int) -> Iterator[Row]:
    """Each reads until the writer has swapped so many corpora."""
    with TemporaryDirectory() as name:
        home = Path(name)
        folder = home / "corpus"
        for whose in (OLD, NEW):
            if code := ended(begun(partial(corpora.write, home / whose.version, whose))):
                raise RuntimeError(f"ended with {code}")
        both = [_told(select(dtype="float64", corpus=home / whose.version)) for whose in (OLD, NEW)]
        shared = min(both[0].keys() & both[1].keys())
        _swap(home, folder, 2)

        def selected() -> bool:
            return _told(select(dtype="float64", corpus=folder)) in both

        def loaded() -> bool:
            return _told([load(shared, dtype="float64", corpus=folder)])[shared] in [one[shared] for one in both]

        def validated() -> bool:
            if found := findings(folder / INDEX):
                raise AssertionError(found)
            return True

        for what, read, times in (
            ("select", selected, swaps),
            ("load", loaded, swaps // 4),
            ("validate", validated, swaps // 10),
        ):
            pause = _REST if read is validated else 0
            writer = begun(partial(_swap, home, folder, times, pause))
            reads = torn = errors = 0
            while not (gone := os.waitpid(writer, os.WNOHANG))[0]:
                reads += 1
                try:
                    torn += not read()
                except (RnnGoldensError, OSError, AssertionError):
                    errors += 1
            errors += gone[1] != 0
            attack = f"a reader ({what}) beside a writer that swaps {times:,} corpora"
            yield Row(attack, reads, None, torn, len(list(home.glob(".*"))), errors)


def _told(goldens: list[Golden]) -> dict[str, bytes]:
    return {golden.id: golden.x.tobytes() + golden.out.tobytes() for golden in goldens}


def _swap(home: Path, folder: Path, times: int, pause: float = 0) -> None:
    """Put one corpus and the other into the folder by turns, with so many seconds between them."""
    files = [contents(home / whose.version) for whose in (OLD, NEW)]
    for turn in range(times):
        new, old = files[turn % 2], files[1 - turn % 2]
        with alone(folder), replacing(folder) as writing:
            for name in old.keys() - new.keys():
                writing.remove(name)
            for name, content in new.items():
                writing.write(name, content)
        time.sleep(pause)


def _lock(seconds: float) -> Row:
    """Four processes that hold a folder by turns; whether another holds it too, a second lock tells, never removed."""
    with TemporaryDirectory() as name:
        home = Path(name)
        (home / "mine").touch()
        processes = [begun(partial(_take_turns, home, seconds, home / f"{n}.json")) for n in range(PROCESSES)]
        errors = sum(ended(process) != 0 for process in processes)
        counts = [json.loads((home / f"{n}.json").read_text("utf-8")) for n in range(PROCESSES)]
        left = len(list(home.glob(".*")))
    entries, twice = (sum(count[at] for count in counts) for at in (0, 1))
    return Row(f"{PROCESSES} processes that want one lock", entries, None, twice, left, errors)


def _take_turns(home: Path, seconds: float, told: Path) -> None:
    entries = twice = 0
    end = time.monotonic() + seconds
    with (home / "mine").open() as mine:
        while time.monotonic() < end:
            try:
                with alone(home / "corpus"):
                    entries += 1
                    try:
                        fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        fcntl.flock(mine, fcntl.LOCK_UN)
                    except BlockingIOError:
                        twice += 1
            except WrongUse:
                continue
    told.write_text(json.dumps([entries, twice]), "utf-8")
