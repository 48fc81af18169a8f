"""A scenario made into what goes into a corpus, and how that meets what stands there."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from rnn_goldens import encoding
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.corpus.comparing import golden_differences
from rnn_goldens.errors import InvalidFile
from rnn_goldens.generator.certify import certification
from rnn_goldens.generator.index import Entry, contents_of, files_of, index_entry
from rnn_goldens.generator.reuse import Certified
from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.golden.features import CORE

WORDS = ("title", "purpose", "documented_in", "gradients/purpose")
"""Parts of a golden that may change without a new major version."""

NEW_GRADIENTS = "gradients: only in the second"
"""The difference that takes nothing back: a golden that had no gradients gets some."""


@dataclass(frozen=True)
class Made:
    """A golden as it goes into a corpus.

    Attributes:
        golden: itself.
        files: the bytes of its files, by suffix; of those of its gradients, if it has some, too.
        entry: what the index says of it.
        left_out: by precision, why the golden does not have it, or its gradients do not.
    """

    golden: Golden
    files: Mapping[str, bytes]
    entry: Entry
    left_out: Mapping[str, str]


def make(scenario: Scenario) -> Made:
    """Certify a scenario, and write its files in memory: all that can be done apart from other scenarios.

    Raises:
        Refused: it can not become a golden.
        InvalidFile: its words are not such as a file may hold.
    """
    found = certification(scenario)
    golden = found.golden
    files = encoding.encode(golden)
    return Made(golden, files, index_entry(golden, files, core=False), found.left_out)


def standing(scenario: Scenario, folder: Path, entry: Entry | None, certified: Certified | None) -> Golden | None:
    """The golden that stands in the folder, if this scenario was certified to just that before."""
    if certified is None or entry is None or certified.content(scenario) != contents_of(entry):
        return None
    try:
        for file in files_of(entry):
            if sha256((folder / file["path"]).read_bytes()).hexdigest() != file["sha256"]:
                return None
        return _read(folder, entry, "json")
    except (OSError, InvalidFile):
        return None


def stands(folder: Path, entry: Entry, made: Made) -> bool:
    """Whether the folder holds just this: these bytes, or the same by other library versions, if it can be loaded."""
    paths = [file["path"] for file in files_of(entry)]
    try:
        present = {path.removeprefix(made.golden.id): (folder / path).read_bytes() for path in paths}
        if index_entry(made.golden, present, core=CORE in entry["features"]) != entry:
            return False
        if present == made.files:
            return True
        return all(_same_by_others(_read(folder, entry, kind), made.golden) for kind in entry["files"])
    except (OSError, InvalidFile):
        return False


def refuse_other_values(folder: Path, entry: Entry, golden: Golden) -> None:
    """Words may change, and a damaged file is made again; what a golden asks and answers stays."""
    try:
        before = _read(folder, entry, "json")
    except (OSError, InvalidFile):
        changed = contents_of(entry) != contents_of(index_entry(golden, {}, core=False))
    else:
        found = golden_differences(before, golden)
        changed = any(line.partition(":")[0] not in WORDS and line != NEW_GRADIENTS for line in found)
    if changed:
        raise Refused(
            f"{golden.id}: is in the corpus with other values. A released golden never changes inside a major version: "
            "raise the first number of VERSION; if this one was never released: generate --replace"
        )


def _read(folder: Path, entry: Entry, kind: str) -> Golden:
    """The golden in one kind of file, with its gradients, if it has some."""
    golden = encoding.read(folder / entry["files"][kind]["path"])
    if "gradients" not in entry:
        return golden
    return encoding.read(folder / entry["gradients"]["files"][kind]["path"], of=golden)


def _same_by_others(present: Golden, golden: Golden) -> bool:
    same = contents_of(index_entry(present, {}, core=False)) == contents_of(index_entry(golden, {}, core=False))
    return same and provenances(present) != provenances(golden)


def provenances(golden: Golden) -> list[Mapping[str, str]]:
    """What made a golden, and its gradients."""
    return [golden.provenance, *([golden.gradients.provenance] if golden.gradients is not None else [])]
