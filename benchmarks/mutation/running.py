"""Every seed's edits, judged on several processes; what has been judged before is not judged again."""

import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

from benchmarks.mutation import recorded
from benchmarks.mutation.asking import limit_memory
from benchmarks.mutation.drawn_questions import Progress, questions
from benchmarks.mutation.edits import Edit, edited
from benchmarks.mutation.judging import Judge, Outcome
from benchmarks.mutation.recorded import Recorded
from benchmarks.mutation.sources import CLEAN, Source
from rnn_goldens import Golden

FOLDER = Path(__file__).parents[2] / "build" / "mutation"


class CutShort(Exception):
    """A run that was stopped; the text says how far it came."""


@dataclass(frozen=True)
class Mutant:
    """An edited source and what became of it.

    Attributes:
        seed: the first that gives this text.
        files, clean: with the edits, and without.
    """

    language: str
    seed: int
    edits: tuple[Edit, ...]
    files: Mapping[str, str]
    clean: Mapping[str, str]
    outcome: Outcome


@dataclass(frozen=True)
class _Task:
    key: str
    seed: int
    edits: tuple[Edit, ...]
    files: Mapping[str, str]


def judged(
    source: Source, seeds: Iterable[int], processes: int, progress: Progress, folder: Path = FOLDER
) -> list[Mutant]:
    """The mutants of some seeds, each text once, after the unedited source.

    Raises:
        CutShort: the run was interrupted.
    """
    tasks = _tasks(source, (CLEAN, *seeds))
    known = Recorded(folder / f"{source.language.replace(' ', '-')}.jsonl")
    todo = [task for task in tasks if task.key not in known.outcomes]
    with _stopped(), _saying_how_far(tasks, known):
        if todo:
            _judge_all(source, todo, known, questions(folder, processes, progress), processes, progress)
    return [Mutant(source.language, t.seed, t.edits, t.files, source.files, known.outcomes[t.key]) for t in tasks]


def _tasks(source: Source, seeds: Iterable[int]) -> list[_Task]:
    judges, found = recorded.judged_by(), dict[str, _Task]()
    for seed in seeds:
        edits = source.edits(seed)
        files = edited(source.files, edits)
        key = recorded.key(judges, source.language, files, source.files)
        found.setdefault(key, _Task(key, seed, edits, files))
    return list(found.values())


def _judge_all(
    source: Source, todo: Sequence[_Task], known: Recorded, drawn: list[Golden], processes: int, progress: Progress
) -> None:
    pool = ProcessPoolExecutor(processes, initializer=_begin, initargs=(drawn,))
    try:
        outcomes = pool.map(partial(_judge, source.language, source.files), [task.files for task in todo], chunksize=4)
        for task, outcome in zip(todo, progress(outcomes, len(todo), f"judging {source.language}"), strict=True):
            known.add(task.key, outcome)
    finally:
        pool.shutdown(cancel_futures=True)


_judges: list[Judge] = []
"""Of a process that judges, the one."""


def _begin(drawn: list[Golden]) -> None:
    """Whoever started the processes says when to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    limit_memory()
    _judges[:] = [Judge(drawn)]


def _judge(language: str, clean: Mapping[str, str], files: Mapping[str, str]) -> Outcome:
    return _judges[0].judge(language, files, clean)


@contextmanager
def _saying_how_far(tasks: Sequence[_Task], known: Recorded) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        done = sum(task.key in known.outcomes for task in tasks)
        raise CutShort(f"{done:,} of {len(tasks):,} edits judged; run it again to go on") from None


@contextmanager
def _stopped() -> Iterator[None]:
    """Being ended is like Ctrl-C."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
