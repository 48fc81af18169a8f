"""Processes that write are ended at any moment: the generator, and whatever else writes files."""

import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from benchmarks.nothing_lost import corpora
from benchmarks.nothing_lost.corpora import NEW, OLD, Contents, contents, put
from benchmarks.nothing_lost.processes import (
    INTERRUPTED,
    begun,
    ended,
    ended_after,
    killed_at,
    operations_of,
    seconds_of,
)
from benchmarks.nothing_lost.row import Row
from rnn_goldens import load
from rnn_goldens.export.exported import Exported
from rnn_goldens.export.writing import write as export
from rnn_goldens.fuzzing.found import keep
from rnn_goldens.writing import write_whole

WRITTEN = "written"
"""The name of what is written, in a folder that holds nothing else."""


@dataclass(frozen=True)
class Writing:
    """Something that is written.

    Attributes:
        name: what, in words.
        before: what stands there; nothing if there are no files.
        after: what is to stand there.
        write: writes it into a folder.
    """

    name: str
    before: Contents
    after: Contents
    write: Callable[[Path], object]


def kills(times: int, seed: int) -> Iterator[Row]:
    """The generator killed so many times in all, and interrupted; each of the others a quarter."""
    moments = Random(seed)
    new, update = _of_the_generator()
    yield _by_time(new, signal.SIGKILL, times // 4, moments)
    yield _by_time(update, signal.SIGKILL, times // 2, moments)
    yield _by_operation(update, times // 4, moments)
    yield _by_time(new, signal.SIGINT, times // 8, moments)
    yield _by_time(update, signal.SIGINT, times // 4, moments)
    for writing in _others():
        yield _by_operation(writing, times // 4, moments)


def _of_the_generator() -> Sequence[Writing]:
    old, new = (_made(partial(corpora.write, whose=whose), {}) for whose in (OLD, NEW))
    return (
        Writing("the generator, a new corpus", {}, new, lambda folder: corpora.write(folder, NEW)),
        Writing("the generator, an update", old, new, lambda folder: corpora.write(folder, NEW)),
    )


def _others() -> Iterator[Writing]:
    one, other = load("documented/single-sequence"), load("documented/mini-batch")
    kept = _made(lambda folder: keep(one, folder / "found"), {})
    both = _made(lambda folder: keep(other, folder / "found"), kept)
    yield Writing("a report, renewed", {"report.json": b"old"}, {"report.json": b"new" * 9999}, _report)
    yield Writing("a found golden, beside another", kept, both, lambda folder: keep(other, folder / "found"))
    case = Exported("a/case", "test_a_case", {"model.onnx": b"new", "test_data_set_0/input_0.pb": b"new"})
    before = {"test_a_case/model.onnx": b"old", "test_a_case/test_data_set_0/input_0.pb": b"old"}
    after = {f"test_a_case/{name}": content for name, content in case.files.items()}
    yield Writing("an exported test case, replaced", before, after, lambda f: export(f, [case], replace=True))


def _report(folder: Path) -> None:
    write_whole(folder / "report.json", b"new" * 9999)


def _made(write: Callable[[Path], object], before: Contents) -> Contents:
    """What a process of its own makes of what stands there: nothing has run in this one when the next is forked."""
    with TemporaryDirectory() as home:
        put(Path(home, WRITTEN), before)
        if code := ended(begun(lambda: write(Path(home, WRITTEN)))):
            raise RuntimeError(f"ended with {code}")
        return contents(Path(home, WRITTEN))


def _by_time(writing: Writing, number: signal.Signals, times: int, moments: Random) -> Row:
    """Ended at moments that are spread over the whole run, and a little beyond it."""
    with _placed(writing) as home:
        takes = seconds_of(lambda: writing.write(Path(home, WRITTEN)))

    def end(home: Path) -> int:
        return ended_after(lambda: writing.write(home / WRITTEN), moments.uniform(0, 1.05 * takes), number)

    what = "Ctrl-C" if number is signal.SIGINT else "kill -9"
    return _row(f"{what} at any moment: {writing.name}", writing, end, times)


def _by_operation(writing: Writing, times: int, moments: Random) -> Row:
    """Killed while files are written and change places, which is soon done: at one operation on files or another."""
    with _placed(writing) as home:
        count = operations_of(lambda: writing.write(Path(home, WRITTEN)), Path(home))

    def end(home: Path) -> int:
        return killed_at(lambda: writing.write(home / WRITTEN), moments.randint(1, count), home)

    return _row(f"kill -9 at any operation on files: {writing.name}", writing, end, times)


def _row(attack: str, writing: Writing, end: Callable[[Path], int], times: int) -> Row:
    cut_short = torn = left = errors = 0
    for _ in range(times):
        with _placed(writing) as name:
            home = Path(name)
            code = end(home)
            cut_short += code != 0
            errors += code not in (0, INTERRUPTED, -signal.SIGKILL)
            torn += _visible(home / WRITTEN) not in (writing.before, writing.after)
            code = ended(begun(partial(writing.write, home / WRITTEN)))
            errors += code != 0
            torn += _visible(home / WRITTEN) != writing.after
            left += contents(home) != {f"{WRITTEN}/{file}": content for file, content in writing.after.items()}
    return Row(attack, times, cut_short, torn, left, errors)


def _placed(writing: Writing) -> "TemporaryDirectory[str]":
    home = TemporaryDirectory()
    put(Path(home.name, WRITTEN), writing.before)
    return home


def _visible(folder: Path) -> Contents:
    """What others see there: hidden files are none of theirs."""
    found = contents(folder).items()
    return {name: content for name, content in found if not any(p.startswith(".") for p in Path(name).parts)}
