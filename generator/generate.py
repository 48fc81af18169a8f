"""Scenarios → a corpus folder: golden files, the kill matrix and the index, written all or none."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from fnmatch import fnmatchcase
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Protocol, TypeVar

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.corpus import INDEX
from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.generator import matrix_file
from rnn_goldens.generator.adequacy import expose, kill_matrix
from rnn_goldens.generator.coverage.arguments import look
from rnn_goldens.generator.coverage.gate import require_covered, require_covered_backward, require_shown
from rnn_goldens.generator.folder import Files, alone, replacing
from rnn_goldens.generator.index import (
    Entry,
    Standing,
    Whose,
    contents_of,
    described,
    encode_index,
    files_of,
    standing_in,
)
from rnn_goldens.generator.made import make, refuse_other_values, standing, stands
from rnn_goldens.generator.passes import BACKWARD, FORWARD, Pass
from rnn_goldens.generator.pool import in_order
from rnn_goldens.generator.reuse import Certified, question
from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.generator.scenarios import OURS
from rnn_goldens.golden.features import CORE

T = TypeVar("T")

NEW, CHANGED, UNCHANGED, REMOVED = "new", "changed", "unchanged", "removed"


class Track(Protocol):
    """Yields what it is given: the place for a progress bar."""

    def __call__(self, items: Iterable[T], total: int, doing: str, /) -> Iterable[T]:
        """The same items, how many there are, and what is done with them."""
        ...


def untracked(items: Iterable[T], _total: int, _doing: str) -> Iterable[T]:
    """No progress bar."""
    return items


@dataclass(frozen=True)
class _How:
    """What ``generate`` was asked besides scenarios and a folder."""

    whose: Whose
    adequate: bool
    backward: bool
    replace: bool
    track: Track
    certified: Certified | None
    executor: Executor | None


@dataclass(frozen=True)
class Outcome:
    """What became of one golden.

    Attributes:
        id: which.
        became: ``new``, ``changed``, ``unchanged`` or ``removed``.
        left_out: by precision, why a golden that was certified does not have it, or its gradients do not.
    """

    id: str
    became: str
    left_out: Mapping[str, str] = field(default_factory=dict)


def generate(
    scenarios: Sequence[Scenario],
    folder: Path,
    only: Sequence[str] = (),
    *,
    whose: Whose = OURS,
    adequate: bool = False,
    backward: bool = True,
    replace: bool = False,
    track: Track = untracked,
    certified: Certified | None = None,
    executor: Executor | None = None,
) -> list[Outcome]:
    """Certify scenarios and write them into a corpus folder; a golden whose content is unchanged keeps its bytes.

    Scenarios are sent to other processes as plain arrays, and goldens written as they come: only their entries in the
    index are held, and all of them if ``adequate``.

    Args:
        scenarios: every scenario of the corpus, in the order of its index.
        folder: the corpus; created if it does not exist.
        only: ids or patterns; the others stay as they are. All if empty.
        whose: the corpus it is, and its version.
        adequate: hold the whole corpus to the deviations, and write the kill matrix and the core set.
        backward: likewise its gradients to those of the backward pass; of scenarios that ask for none it can not.
        replace: whether a golden that is there may get other values, or go, inside a major version: right only if it
            was never released.
        track: the place for a progress bar.
        certified: what need not be certified again; everything is if None.
        executor: who certifies: any of ``concurrent.futures``, such as ``rnn_goldens.cluster.cluster`` gives. It is not
            shut down. Processes of this machine if None, a core each.

    Raises:
        UnknownName: a pattern that matches no scenario.
        Refused: a scenario that can not become a golden, a golden that is no scenario any more or would change its
            values inside a major version, or a corpus that lets a deviation pass.
        WrongUse: the folder holds something else, another corpus or a later version of it, it can not be replaced as a
            whole, or another run is writing it.
        WorkersFailed: those who certify are gone, or can not.
    """
    chosen = choose(scenarios, only)
    folder = folder.resolve()
    if folder.is_dir() and any(folder.iterdir()) and not (folder / INDEX).exists():
        raise WrongUse(f"{folder} is not empty and no corpus: it holds no {INDEX}; name another folder, or a new one")
    with alone(folder):
        how = _How(whose, adequate and not only, backward, replace, track, certified, executor)
        return _generate(scenarios, chosen, folder, how)


def _generate(
    scenarios: Sequence[Scenario],
    chosen: Sequence[Scenario],
    folder: Path,
    how: _How,
) -> list[Outcome]:
    there = standing_in(folder, how.whose)
    how = replaced(how, replace=how.replace or how.whose.begins_a_major_after(there.version))
    removed = _removed(scenarios, there, may_go=how.replace)
    entries = {i: entry for i, entry in there.entries.items() if i not in removed}
    kept = {s.id: g for s in chosen if (g := standing(s, folder, entries.get(s.id), how.certified)) is not None}
    became = {i: Outcome(i, UNCHANGED) for i in kept}
    for golden_id, golden in kept.items():
        entries[golden_id] |= described(golden, core=_core(entries[golden_id]))
    with replacing(folder) as files:
        for golden_id in removed:
            for file in files_of(there.entries[golden_id]):
                files.remove(file["path"])
        held = kept | _certify([s for s in chosen if s.id not in kept], folder, files, entries, became, how)
        if how.adequate:
            goldens = [held[scenario.id] for scenario in chosen]
            matrix, core = _matrix(FORWARD, goldens, entries, folder, how)
            files.write(FORWARD.file, matrix)
            if how.backward:
                files.write(BACKWARD.file, _matrix(BACKWARD, goldens, entries, folder, how)[0])
            for golden in goldens:
                entries[golden.id] |= described(golden, core=golden.id in core)
        files.write(INDEX, encode_index(how.whose, [entries[s.id] for s in scenarios if s.id in entries]))
    if how.certified is not None:
        for scenario in chosen:
            how.certified.remember(scenario, contents_of(entries[scenario.id]))
    return [became[scenario.id] for scenario in chosen] + [Outcome(i, REMOVED) for i in removed]


def _core(entry: Entry | None) -> bool:
    """Whether a golden was of the core set, which only a whole corpus can change."""
    return entry is not None and CORE in entry["features"]


def _certify(
    todo: Sequence[Scenario],
    folder: Path,
    files: Files,
    entries: dict[str, Entry],
    became: dict[str, Outcome],
    how: _How,
) -> dict[str, Golden]:
    """Certify, write what is new or changed, and note that; the goldens, if they are asked for again."""
    held = {}
    sent = [scenario.in_arrays() for scenario in todo]
    with closing(in_order(make, sent, how.executor)) as making:
        for made in how.track(making, len(todo), "Certifying"):
            golden, before = made.golden, entries.get(made.golden.id)
            if before is not None and stands(folder, before, made):
                became[golden.id] = Outcome(golden.id, UNCHANGED, made.left_out)
                entries[golden.id] = before
            else:
                if before is not None and not how.replace:
                    refuse_other_values(folder, before, golden)
                for file in files_of(before or {"files": {}}):
                    if file["path"].removeprefix(golden.id) not in made.files:
                        files.remove(file["path"])
                for suffix, content in made.files.items():
                    files.write(f"{golden.id}{suffix}", content)
                became[golden.id] = Outcome(golden.id, CHANGED if before else NEW, made.left_out)
                entries[golden.id] = made.entry | described(golden, core=_core(before))
            if how.adequate:
                held[golden.id] = golden
    return held


def choose(scenarios: Sequence[Scenario], only: Sequence[str]) -> list[Scenario]:
    """The scenarios that match one of the patterns; all if there are none. Refuses one declared twice.

    Of others nothing but the id is read: what is wrong with them is none of the matter.
    """
    ids: set[str] = set()
    for scenario in scenarios:
        if scenario.id in ids:
            raise Refused(f"{scenario.id}: declared twice; an id names one scenario for ever")
        ids.add(scenario.id)
    for pattern in only:
        if not any(fnmatchcase(golden_id, pattern) for golden_id in ids):
            raise UnknownName("scenario", pattern, [s.id for s in scenarios], seen="SCENARIOS")
    chosen = [s for s in scenarios if not only or any(fnmatchcase(s.id, pattern) for pattern in only)]
    asked: dict[str, str] = {}
    for scenario in chosen:
        twin = asked.setdefault(question(scenario), scenario.id)
        if twin != scenario.id:
            raise Refused(f"{scenario.id}: asks exactly what {twin} asks")
    return chosen


def _matrix(
    of: Pass, goldens: Sequence[Golden], entries: Mapping[str, Entry], folder: Path, how: _How
) -> tuple[bytes, set[str]]:
    """A kill matrix's file, and the goldens of its core set; the one that stands, if it was made of just these."""
    held, contents = goldens, [of.file]
    if of.is_backward:
        held = [golden for golden in goldens if golden.gradients is not None]
    contents += [contents_of(entries[g.id]) if of.is_backward else entries[g.id]["content"] for g in held]
    path = folder / of.file
    if how.certified is not None and path.is_file():
        standing = path.read_bytes()
        if how.certified.matrix(contents) == sha256(standing).hexdigest():
            return standing, set(matrix_file.core(path))
    if of.is_backward:
        require_covered_backward(held)
    else:
        looked = in_order(look, held, how.executor)
        require_covered(held, list(how.track(looked, len(held), "Looking at arguments of activations")))
    found = in_order(partial(expose, backward=of.is_backward), held, how.executor)
    matrix = kill_matrix(held, list(how.track(found, len(held), of.doing)), of.hidden, of.deviations)
    require_shown(matrix, held, of.from_zero, of.in_out)
    encoded = matrix_file.encode(matrix)
    if how.certified is not None:
        how.certified.remember_matrix(contents, sha256(encoded).hexdigest())
    return encoded, set(matrix.core)


def _removed(scenarios: Sequence[Scenario], there: Standing, *, may_go: bool) -> list[str]:
    """The goldens that no scenario declares any more, if they may go."""
    declared = {scenario.id for scenario in scenarios}
    removed = [golden_id for golden_id in there.entries if golden_id not in declared]
    if removed and not may_go:
        raise Refused(
            f"{removed[0]}: is in the corpus but no scenario declares it. Ids stay inside a major version: raise the "
            "first number of VERSION; if this one was never released: generate --replace"
        )
    return removed
