"""Scenarios → a corpus folder: golden files, the kill matrix and the index, written all or none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import Protocol, TypeVar

from rnn_goldens import encoding
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.corpus import INDEX
from rnn_goldens.corpus.comparing import golden_differences
from rnn_goldens.errors import InvalidFile, UnknownName, WrongUse
from rnn_goldens.generator import matrix_file
from rnn_goldens.generator.adequacy import expose, kill_matrix
from rnn_goldens.generator.argument_coverage import coverage, look, require_coverage
from rnn_goldens.generator.certify import certify
from rnn_goldens.generator.folder import alone, recover, replace_files
from rnn_goldens.generator.hidden import HIDDEN
from rnn_goldens.generator.index import Entry, Whose, described, encode_index, index_entry, present_entries
from rnn_goldens.generator.pool import in_order
from rnn_goldens.generator.reuse import Certified, question
from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.generator.scenarios import OURS
from rnn_goldens.golden.features import CORE

T = TypeVar("T")

WORDS = ("title", "purpose", "documented_in")
"""Parts of a golden that may change without a new major version."""


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
    replace: bool
    track: Track
    certified: Certified | None


@dataclass(frozen=True)
class Outcome:
    """What became of one golden: ``new``, ``changed`` or ``unchanged``."""

    id: str
    became: str


def generate(
    scenarios: Sequence[Scenario],
    folder: Path,
    only: Sequence[str] = (),
    *,
    whose: Whose = OURS,
    adequate: bool = False,
    replace: bool = False,
    track: Track = untracked,
    certified: Certified | None = None,
) -> list[Outcome]:
    """Certify scenarios and write them into a corpus folder; a golden whose content is unchanged keeps its bytes.

    Args:
        scenarios: every scenario of the corpus, in the order of its index.
        folder: the corpus; created if it does not exist.
        only: ids or patterns; the others stay as they are. All if empty.
        whose: the corpus it is, and its version.
        adequate: hold the whole corpus to the deviations, and write the kill matrix and the core set.
        replace: whether a golden that is there may get other values: right only if it was never released.
        track: the place for a progress bar.
        certified: what need not be certified again; everything is if None.

    Raises:
        UnknownName: a pattern that matches no scenario.
        Refused: a scenario that can not become a golden, a golden that is no scenario any more or would change its
            values, or a corpus that lets a deviation pass.
        WrongUse: the folder holds something else or another corpus, or another run is writing it.
    """
    chosen = choose(scenarios, only)
    folder = folder.resolve()
    if folder.is_dir() and any(folder.iterdir()) and not (folder / INDEX).exists():
        raise WrongUse(f"{folder} is not empty and no corpus: it holds no {INDEX}; name another folder, or a new one")
    with alone(folder):
        recover(folder)
        return _generate(scenarios, chosen, folder, _How(whose, adequate and not only, replace, track, certified))


def _generate(
    scenarios: Sequence[Scenario],
    chosen: Sequence[Scenario],
    folder: Path,
    how: _How,
) -> list[Outcome]:
    entries = present_entries(folder, how.whose)
    _refuse_removal(scenarios, entries)
    goldens, standing = _certify(chosen, folder, entries, how)
    files: dict[str, bytes] = {}
    core = {golden_id for golden_id, entry in entries.items() if CORE in entry["features"]}
    if how.adequate:
        contents = [entries[g.id]["content"] if g.id in standing else encoding.content_hash(g) for g in goldens]
        files[matrix_file.NAME], core = _matrix(goldens, contents, folder, how)
    outcomes = []
    for golden in goldens:
        before = entries.get(golden.id)
        if golden.id in standing and before is not None:
            entries[golden.id] = {**before, **described(golden, core=golden.id in core)}
            outcomes.append(Outcome(golden.id, "unchanged"))
            continue
        encoded = encoding.encode(golden)
        if before is not None and (kept := _kept(folder, before, golden, encoded)):
            encoded = kept
            outcomes.append(Outcome(golden.id, "unchanged"))
        else:
            if before is not None and not how.replace:
                _refuse_other_values(folder, before, golden)
            files |= {f"{golden.id}{suffix}": content for suffix, content in encoded.items()}
            outcomes.append(Outcome(golden.id, "changed" if before else "new"))
        entries[golden.id] = index_entry(golden, encoded, core=golden.id in core)
    files[INDEX] = encode_index(how.whose, [entries[s.id] for s in scenarios if s.id in entries])
    if any(not _holds(folder / name, content) for name, content in files.items()):
        replace_files(folder, files)
    if how.certified is not None:
        for scenario in chosen:
            how.certified.remember(scenario, entries[scenario.id]["content"])
    return outcomes


def choose(scenarios: Sequence[Scenario], only: Sequence[str]) -> list[Scenario]:
    """The scenarios that match one of the patterns; all if there are none. Refuses one declared twice."""
    ids = [scenario.id for scenario in scenarios]
    asked: dict[str, str] = {}
    for scenario in scenarios:
        if ids.count(scenario.id) > 1:
            raise Refused(f"{scenario.id}: declared twice; an id names one scenario for ever")
        twin = asked.setdefault(question(scenario), scenario.id)
        if twin != scenario.id:
            raise Refused(f"{scenario.id}: asks exactly what {twin} asks")
    for pattern in only:
        if not any(fnmatchcase(golden_id, pattern) for golden_id in ids):
            raise UnknownName("scenario", pattern, ids, seen="generator/scenarios")
    return [s for s in scenarios if not only or any(fnmatchcase(s.id, pattern) for pattern in only)]


def _certify(
    chosen: Sequence[Scenario],
    folder: Path,
    entries: Mapping[str, Entry],
    how: _How,
) -> tuple[list[Golden], set[str]]:
    """The goldens of some scenarios, and the ids of those that stand in the folder and were not made again."""
    standing = {s.id: g for s in chosen if (g := _standing(s, folder, entries.get(s.id), how.certified)) is not None}
    todo = [scenario for scenario in chosen if scenario.id not in standing]
    making: Iterable[Golden] = in_order(certify, todo)
    made = {golden.id: golden for golden in how.track(making, len(todo), "Certifying")}
    return [standing.get(scenario.id) or made[scenario.id] for scenario in chosen], set(standing)


def _standing(scenario: Scenario, folder: Path, entry: Entry | None, certified: Certified | None) -> Golden | None:
    """The golden that stands in the folder, if this scenario was certified to just that before."""
    if certified is None or entry is None or certified.content(scenario) != entry["content"]:
        return None
    try:
        for file in entry["files"].values():
            if sha256((folder / file["path"]).read_bytes()).hexdigest() != file["sha256"]:
                return None
        return encoding.read(folder / entry["files"]["h5"]["path"])
    except (OSError, InvalidFile):
        return None


def _matrix(goldens: Sequence[Golden], contents: Sequence[str], folder: Path, how: _How) -> tuple[bytes, set[str]]:
    """The kill matrix's file, and the goldens of the core set; the one that stands, if it was made of just these."""
    path = folder / matrix_file.NAME
    if how.certified is not None and path.is_file():
        standing = path.read_bytes()
        if how.certified.matrix(contents) == sha256(standing).hexdigest():
            return standing, set(matrix_file.core(path))
    require_coverage(coverage(how.track(in_order(look, goldens), len(goldens), "Looking at arguments of activations")))
    margins = how.track(in_order(expose, goldens), len(goldens), "Holding to the deviations")
    matrix = kill_matrix(goldens, list(margins), HIDDEN)
    encoded = matrix_file.encode(matrix)
    if how.certified is not None:
        how.certified.remember_matrix(contents, sha256(encoded).hexdigest())
    return encoded, set(matrix.core)


def _refuse_removal(scenarios: Sequence[Scenario], entries: Iterable[str]) -> None:
    declared = {scenario.id for scenario in scenarios}
    for golden_id in entries:
        if golden_id not in declared:
            raise Refused(f"{golden_id}: is in the corpus but no scenario declares it; ids stay for ever")


def _refuse_other_values(folder: Path, entry: Entry, golden: Golden) -> None:
    """Words may change, and a damaged file is made again; what a golden asks and answers stays."""
    try:
        standing = encoding.read(folder / entry["files"]["h5"]["path"])
    except InvalidFile:
        changed = entry["content"] != encoding.content_hash(golden)
    else:
        changed = any(line.partition(":")[0] not in WORDS for line in golden_differences(standing, golden))
    if changed:
        raise Refused(
            f"{golden.id}: is in the corpus with other values. A released golden never changes inside a major version; "
            "if this one was never released: generate --replace"
        )


def _kept(folder: Path, entry: Entry, golden: Golden, encoded: Mapping[str, bytes]) -> dict[str, bytes] | None:
    """What stands in the folder, if it is this golden: these bytes, or the same content by other library versions."""
    paths = [folder / file["path"] for file in entry["files"].values()]
    try:
        present = {path.suffix: path.read_bytes() for path in paths}
        if index_entry(golden, present, core=CORE in entry["features"]) != entry:
            return None
        if present == encoded or all(_same_by_others(encoding.read(path), golden) for path in paths):
            return present
    except (OSError, InvalidFile):
        pass
    return None


def _same_by_others(present: Golden, golden: Golden) -> bool:
    same = encoding.content_hash(present) == encoding.content_hash(golden)
    return same and present.provenance != golden.provenance


def _holds(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() == content
