"""Generates a corpus from scenarios: golden files, kill matrices and index. All of them are written, or none."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from fnmatch import fnmatchcase
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus import INDEX, Entry
from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.generator import kill_matrix_file
from rnn_goldens.generator.certification_cache import CertificationCache, inputs_hash
from rnn_goldens.generator.corpus_replacement import Files, folder_lock, replacing
from rnn_goldens.generator.coverage.activation_arguments import observe
from rnn_goldens.generator.coverage.coverage_gate import (
    require_covered,
    require_covered_backward,
    require_integers_detected,
    require_pairs,
    require_recurrence_sizes,
    require_shown,
)
from rnn_goldens.generator.golden_files import build, cached_golden, is_unchanged, refuse_other_values
from rnn_goldens.generator.index import CorpusIdentity, encode_index, existing_corpus, updated
from rnn_goldens.generator.kill_matrix import BACKWARD, FORWARD, Pass, build_kill_matrix, margins_of
from rnn_goldens.generator.pool import in_order
from rnn_goldens.generator.predicted_cost import Say, estimate, unsaid
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.generator.scenario_base import DeclaredInputs
from rnn_goldens.generator.scenarios import OURS
from rnn_goldens.golden.features import CORE

NEW, CHANGED, UNCHANGED, REMOVED = "new", "changed", "unchanged", "removed"


Track = Callable[[Iterable[Any], int, str], Iterable[Any]]
"""Wraps an iterable in a progress bar, given the number of items and a description of the work."""


def untracked(items: Iterable[Any], _total: int, _doing: str) -> Iterable[Any]:
    """Return the items without a progress bar."""
    return items


@dataclass(frozen=True)
class _Options:
    """The options of ``generate``."""

    identity: CorpusIdentity
    adequate: bool
    backward: bool
    replace: bool
    track: Track
    say: Say
    certified: CertificationCache | None
    executor: Executor | None


@dataclass(frozen=True)
class Outcome:
    """The outcome of one golden."""

    id: str
    status: str  # ``new``, ``changed``, ``unchanged`` or ``removed``
    # by precision, why the golden or its gradients cannot be checked; empty if it was not certified now
    left_out: Mapping[str, str] = field(default_factory=dict)
    seconds: float = field(default=0.0, compare=False)  # the CPU seconds that it took; 0 if it was not certified now


def generate(
    scenarios: Sequence[DeclaredInputs],
    folder: Path,
    only: Sequence[str] = (),
    *,
    identity: CorpusIdentity = OURS,
    adequate: bool = False,
    backward: bool = True,
    replace: bool = False,
    track: Track = untracked,
    say: Say = unsaid,
    certified: CertificationCache | None = None,
    executor: Executor | None = None,
) -> list[Outcome]:
    """Certify scenarios and write the goldens into a corpus folder. A golden with unchanged content keeps its bytes.

    Scenarios are sent to worker processes as plain arrays, and goldens are written as they arrive. Only their entries
    in the index are kept in memory, or all goldens if ``adequate``.

    Args:
        scenarios: all scenarios of the corpus, in the order of its index.
        folder: the corpus; created if it does not exist.
        only: ids or patterns of the scenarios to generate; all if empty. Other goldens are kept.
        identity: the name and version of the corpus.
        adequate: whether the corpus must pass the coverage gate; writes the kill matrices and the core set.
        backward: whether ``adequate`` also applies to gradients; requires scenarios with cotangents.
        replace: whether existing goldens may change their values or be removed within a major version. Use it only if
            they were never released.
        track: wraps iterables in a progress bar.
        say: is given a sentence about the time that certifying takes, if it is long.
        certified: the cache of certifications; None to certify everything.
        executor: an executor of ``concurrent.futures``, such as ``rnn_goldens.cluster.cluster`` yields. It is not shut
            down. If None, one process per core of this machine.

    Raises:
        UnknownName: a pattern matches no scenario.
        Refused: a scenario cannot be certified; within a major version, a golden has no scenario or would change its
            values; or the corpus does not pass the coverage gate.
        WrongUse: the folder is not a corpus, or has another corpus or a later version; it cannot be replaced as a
            whole; or another run is writing to it.
        WorkersFailed: the workers are gone, or cannot do the work.
    """
    chosen = choose(scenarios, only)
    folder = folder.resolve()
    if folder.is_dir() and any(folder.iterdir()) and not (folder / INDEX).exists():
        raise WrongUse(f"{folder} is not empty and not a corpus: it has no {INDEX}; name another folder")
    with folder_lock(folder):
        options = _Options(identity, adequate and not only, backward, replace, track, say, certified, executor)
        return _generate(scenarios, chosen, folder, options)


def _generate(
    scenarios: Sequence[DeclaredInputs],
    chosen: Sequence[DeclaredInputs],
    folder: Path,
    options: _Options,
) -> list[Outcome]:
    version, existing = existing_corpus(folder, options.identity)
    is_new_major = options.identity.numbers[0] > int(version.partition(".")[0])
    options = replaced(options, replace=options.replace or is_new_major)
    declared = {scenario.id for scenario in scenarios}
    removed = [golden_id for golden_id in existing if golden_id not in declared]
    if removed and not options.replace:
        raise Refused(
            f"{removed[0]}: is in the corpus, but has no scenario. Ids are kept within a major version: increase "
            "the first number of VERSION, or use generate --replace if it was never released"
        )
    entries = {i: entry for i, entry in existing.items() if i not in removed}
    kept = {
        s.id: g for s in chosen if (g := cached_golden(s, folder, entries.get(s.id), options.certified)) is not None
    }
    outcomes = {i: Outcome(i, UNCHANGED) for i in kept}
    for golden_id, golden in kept.items():
        entries[golden_id] = updated(entries[golden_id], golden, core=_core(entries[golden_id]))
    with replacing(folder) as files:
        for golden_id in removed:
            for file in existing[golden_id].all_files:
                files.remove(file.path)
        certified = kept | _certify([s for s in chosen if s.id not in kept], folder, files, entries, outcomes, options)
        if options.adequate:
            goldens = [golden for scenario in chosen if not (golden := certified[scenario.id]).is_integer]
            matrix, core = _matrix(FORWARD, goldens, entries, folder, options)
            files.write(FORWARD.file, matrix)
            if options.backward:
                files.write(BACKWARD.file, _matrix(BACKWARD, goldens, entries, folder, options)[0])
            for golden in goldens:
                entries[golden.id] = updated(entries[golden.id], golden, core=golden.id in core)
            require_integers_detected(golden for golden in certified.values() if golden.is_integer)
        files.write(INDEX, encode_index(options.identity, [entries[s.id] for s in scenarios if s.id in entries]))
    if options.certified is not None:
        for scenario in chosen:
            golden_id = scenario.id
            options.certified.remember(scenario, entries[golden_id].contents, outcomes[golden_id].seconds)
    return [outcomes[scenario.id] for scenario in chosen] + [Outcome(i, REMOVED) for i in removed]


def _core(entry: Entry | None) -> bool:
    """Return whether a golden is in the core set, which only generating the whole corpus can change."""
    return entry is not None and CORE in entry.features


def _certify(
    todo: Sequence[DeclaredInputs],
    folder: Path,
    files: Files,
    entries: dict[str, Entry],
    outcomes: dict[str, Outcome],
    options: _Options,
) -> dict[str, Golden]:
    """Certify scenarios, write new and changed goldens, and record outcomes. Returns the goldens if ``adequate``."""
    certified = {}
    sent = [scenario.in_arrays() for scenario in todo]
    processes, text = estimate(sent, options.executor)
    if text:
        options.say(text)
    with closing(in_order(build, sent, options.executor, parallel=processes > 1)) as building:
        for built in options.track(building, len(todo), "Certifying"):
            golden, before = built.golden, entries.get(built.golden.id)
            if before is not None and is_unchanged(folder, before, built):
                outcomes[golden.id] = Outcome(golden.id, UNCHANGED, built.left_out, built.seconds)
                entries[golden.id] = before
            else:
                if before is not None and not options.replace:
                    refuse_other_values(folder, before, golden)
                for file in before.all_files if before is not None else ():
                    if file.path.removeprefix(golden.id) not in built.files:
                        files.remove(file.path)
                for suffix, content in built.files.items():
                    files.write(f"{golden.id}{suffix}", content)
                outcomes[golden.id] = Outcome(golden.id, CHANGED if before else NEW, built.left_out, built.seconds)
                entries[golden.id] = updated(built.entry, golden, core=_core(before))
            if options.adequate:
                certified[golden.id] = golden
    return certified


def choose(scenarios: Sequence[DeclaredInputs], only: Sequence[str]) -> list[DeclaredInputs]:
    """Return the scenarios that match a pattern, reading only the ids of others; all without. Refuses duplicates."""
    ids: set[str] = set()
    for scenario in scenarios:
        if scenario.id in ids:
            raise Refused(f"{scenario.id}: declared twice; an id is permanent and names one scenario")
        ids.add(scenario.id)
    for pattern in only:
        if not any(fnmatchcase(golden_id, pattern) for golden_id in ids):
            raise UnknownName("scenario", pattern, [s.id for s in scenarios], listed_by="SCENARIOS")
    chosen = [s for s in scenarios if not only or any(fnmatchcase(s.id, pattern) for pattern in only)]
    ids_by_inputs: dict[str, str] = {}
    for scenario in chosen:
        twin = ids_by_inputs.setdefault(inputs_hash(scenario), scenario.id)
        if twin != scenario.id:
            raise Refused(f"{scenario.id}: has the same inputs as {twin}")
    return chosen


def _matrix(
    of: Pass, goldens: Sequence[Golden], entries: Mapping[str, Entry], folder: Path, options: _Options
) -> tuple[bytes, set[str]]:
    """Return the content of a kill matrix file and its core set; the existing ones if the goldens are unchanged."""
    rows, contents = goldens, [of.file]
    if of.is_backward:
        rows = [golden for golden in goldens if golden.gradients is not None]
    contents += [entries[g.id].contents if of.is_backward else entries[g.id].content for g in rows]
    path = folder / of.file
    if options.certified is not None and path.is_file():
        content = path.read_bytes()
        if options.certified.matrix(contents) == sha256(content).hexdigest():
            return content, set(kill_matrix_file.core(path))
    require_recurrence_sizes(rows, backward=of.is_backward)
    if of.is_backward:
        require_covered_backward(rows)
    else:
        require_pairs(rows)
        covered = in_order(observe, rows, options.executor)
        require_covered(rows, list(options.track(covered, len(rows), "Checking arguments of activations")))
    margins = in_order(partial(margins_of, backward=of.is_backward), rows, options.executor)
    matrix = build_kill_matrix(rows, list(options.track(margins, len(rows), of.label)), of.hidden, of.deviations)
    require_shown(matrix, rows, of.from_zero, of.in_out)
    encoded = kill_matrix_file.encode(matrix)
    if options.certified is not None:
        options.certified.remember_matrix(contents, sha256(encoded).hexdigest())
    return encoded, set(matrix.core)
