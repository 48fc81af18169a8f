"""Scenarios → a corpus folder: golden files and their index, written all or none."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from rnn_goldens import encoding
from rnn_goldens.corpus import INDEX, Corpus, open_corpus
from rnn_goldens.diff import corpus_differences, read_by_entry
from rnn_goldens.encoding import json_file
from rnn_goldens.errors import InvalidFile, UnknownName
from rnn_goldens.generator.certify import certify
from rnn_goldens.generator.folder import recover, replace_files
from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.generator.scenarios import VERSION
from rnn_goldens.golden import Golden
from rnn_goldens.schema import FORMATS, problems

Track = Callable[[Sequence[Scenario]], Iterable[Scenario]]


@dataclass(frozen=True)
class Outcome:
    """What became of one golden: ``new``, ``changed`` or ``unchanged``."""

    id: str
    became: str


def generate(
    scenarios: Sequence[Scenario], folder: Path, only: Sequence[str] = (), track: Track = lambda these: these
) -> list[Outcome]:
    """Certify scenarios and write them into a corpus folder; a golden whose content is unchanged keeps its bytes.

    Args:
        scenarios: every scenario of the corpus, in the order of its index.
        folder: the corpus; created if it does not exist.
        only: ids or patterns; the others stay as they are. All if empty.
        track: called with the scenarios to certify, yields them: the place for a progress bar.

    Raises:
        UnknownName: a pattern that matches no scenario.
        Refused: a scenario that can not become a golden, or a published golden that is no scenario any more.
    """
    chosen = choose(scenarios, only)
    recover(folder)
    present = _present(folder)
    _refuse_removal(scenarios, present)
    entries = {entry["id"]: entry for entry in present}
    outcomes, files = [], dict[str, bytes]()
    for scenario in track(chosen):
        golden = certify(scenario)
        encoded = encoding.encode(golden)
        before = entries.get(golden.id)
        if before is not None and _keeps(folder, before, golden, encoded):
            outcomes.append(Outcome(golden.id, "unchanged"))
            continue
        outcomes.append(Outcome(golden.id, "changed" if before else "new"))
        files |= {f"{golden.id}{suffix}": content for suffix, content in encoded.items()}
        entries[golden.id] = index_entry(golden, encoded)
    order = [scenario.id for scenario in scenarios if scenario.id in entries]
    index = _index([entries[golden_id] for golden_id in order])
    if files or not _holds(folder / INDEX, index):
        replace_files(folder, {**files, INDEX: index})
    return outcomes


def choose(scenarios: Sequence[Scenario], only: Sequence[str]) -> list[Scenario]:
    """The scenarios that match one of the patterns; all if there are none. Refuses an id declared twice."""
    ids = [scenario.id for scenario in scenarios]
    for golden_id in ids:
        if ids.count(golden_id) > 1:
            raise Refused(f"{golden_id}: declared twice; an id names one scenario for ever")
    for pattern in only:
        if not any(fnmatchcase(golden_id, pattern) for golden_id in ids):
            raise UnknownName("scenario", pattern, ids)
    return [s for s in scenarios if not only or any(fnmatchcase(s.id, pattern) for pattern in only)]


def index_entry(golden: Golden, files: dict[str, bytes]) -> dict[str, Any]:
    """What the index says of a golden."""
    return {
        "id": golden.id,
        "title": golden.title,
        "purpose": golden.purpose,
        "cell": golden.cell,
        "features": list(golden.features),
        "precisions": list(golden.precisions),
        "files": {
            suffix.removeprefix("."): {"path": f"{golden.id}{suffix}", "sha256": hashlib.sha256(content).hexdigest()}
            for suffix, content in files.items()
        },
        "content": encoding.content_hash(golden),
    }


def _index(entries: list[dict[str, Any]]) -> bytes:
    document = {"kind": "index", "format": FORMATS["index"], "version": VERSION, "goldens": entries}
    if found := problems(document, "index"):
        raise InvalidFile(INDEX, found)
    return json_file.encode(document)


def _present(folder: Path) -> list[dict[str, Any]]:
    """The index's entries as they stand; none if there is no corpus yet."""
    if not (folder / INDEX).exists():
        return []
    open_corpus(folder)  # refuses an index that is not valid: what it lists could not be kept
    entries: list[dict[str, Any]] = json_file.read_document(folder / INDEX)["goldens"]
    return entries


def _refuse_removal(scenarios: Sequence[Scenario], present: list[dict[str, Any]]) -> None:
    declared = {scenario.id for scenario in scenarios}
    for entry in present:
        if entry["id"] not in declared:
            raise Refused(f"{entry['id']}: is in the corpus but no scenario declares it; ids stay for ever")


def _keeps(folder: Path, entry: dict[str, Any], golden: Golden, encoded: dict[str, bytes]) -> bool:
    """Whether what stands in the folder is this golden: these bytes, or the same content by other library versions."""
    paths = [folder / file["path"] for file in entry["files"].values()]
    try:
        present = {path.suffix: path.read_bytes() for path in paths}
        if index_entry(golden, present) != entry:
            return False
        return present == encoded or all(_same_by_others(encoding.read(path), golden) for path in paths)
    except (OSError, InvalidFile):
        return False


def _same_by_others(present: Golden, golden: Golden) -> bool:
    same = encoding.content_hash(present) == encoding.content_hash(golden)
    return same and present.provenance != golden.provenance


def _holds(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() == content


def check(scenarios: Sequence[Scenario], corpus: Corpus, scratch: Path, only: Sequence[str], track: Track) -> list[str]:
    """Generate from scratch and list how a corpus differs from that, provenance aside; empty if it does not."""
    generate(scenarios, scratch, only, track)
    made = open_corpus(scratch)
    differences = list(corpus_differences(corpus, made, only)) or list(_byte_differences(corpus, made))
    if corpus.version != VERSION:
        differences.append(f"{INDEX}: version {corpus.version}, the scenarios are version {VERSION}")
    return differences


def _byte_differences(corpus: Corpus, made: Corpus) -> Iterator[str]:
    """Files equal in content whose bytes differ although the same library versions made them."""
    for entry in made.entries:
        for kind, file in entry.files.items():
            committed = corpus.entry(entry.id).files[kind]
            makers = [read_by_entry(c, entry.id, kind).provenance for c in (corpus, made)]
            if committed.sha256 != file.sha256 and makers[0] == makers[1]:
                yield f"{committed.path}: equal in content, but not in bytes, with the same library versions"
