"""Builds goldens for a corpus from scenarios, and compares them with the goldens already there."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import process_time

from rnn_goldens import encoding
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus.differences import golden_differences, read_by_entry
from rnn_goldens.corpus.index import Entry, fastest
from rnn_goldens.errors import InvalidFile
from rnn_goldens.generator.certification import certification
from rnn_goldens.generator.certification_cache import CertificationCache
from rnn_goldens.generator.index import index_entry
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.generator.scenario_base import DeclaredInputs
from rnn_goldens.golden.features import CORE

TEXTS = ("title", "purpose", "documented_in", "gradients/purpose")
"""Parts of a golden that may change without a new major version."""

NEW_PARTS = tuple(f"{part}: only in the second golden" for part in ("gradients", "expected_states", "states_tolerance"))
"""Differences that are allowed without a new major version: a golden gets gradients, or states after every step."""


@dataclass(frozen=True)
class BuiltGolden:
    """A golden that is ready to be written into a corpus."""

    golden: Golden
    files: Mapping[str, bytes]  # the bytes of its files by suffix, gradients included
    entry: Entry  # its entry in the index
    left_out: Mapping[str, str]  # by precision, why the golden, or its gradients, cannot be checked in it
    seconds: float  # the CPU seconds that it took


def build(scenario: DeclaredInputs) -> BuiltGolden:
    """Certify a scenario, independently of others, and encode its files. Raises Refused, or InvalidFile."""
    began = process_time()
    golden, left_out = certification(scenario)
    files = encoding.encode(golden)
    entry = index_entry(golden, files, core=False)
    return BuiltGolden(golden, files, entry, left_out, process_time() - began)


def certified_content(scenario: DeclaredInputs) -> tuple[str, str]:
    """Certify a scenario without confirmation; return the content hash, and that of the gradients ("" without)."""
    golden, _ = certification(scenario, confirm=False)
    return encoding.content_hash(golden), "" if golden.gradients is None else encoding.gradients_hash(golden)


def cached_golden(
    scenario: DeclaredInputs, folder: Path, entry: Entry | None, certified: CertificationCache | None
) -> Golden | None:
    """Return the golden in the folder if, according to the cache, it is the result of a scenario, else None."""
    if certified is None or entry is None or certified.content(scenario) != entry.contents:
        return None
    try:
        for file in entry.all_files:
            if sha256((folder / file.path).read_bytes()).hexdigest() != file.sha256:
                return None
        return read_by_entry(folder, entry, fastest(entry.files))
    except (OSError, InvalidFile):
        return None


def is_unchanged(folder: Path, entry: Entry, built: BuiltGolden) -> bool:
    """Return whether the folder's files are readable and equal, or equal in content and made by other versions."""
    paths = [file.path for file in entry.all_files]
    try:
        present = {path.removeprefix(built.golden.id): (folder / path).read_bytes() for path in paths}
        if index_entry(built.golden, present, core=CORE in entry.features) != entry:
            return False
        if present == built.files:
            return True
        of_kinds = [read_by_entry(folder, entry, kind) for kind in entry.files]
        have_same = (index_entry(of, {}, core=False).contents == built.entry.contents for of in of_kinds)
        return all(have_same) and all(provenances(of) != provenances(built.golden) for of in of_kinds)
    except (OSError, InvalidFile):
        return False


def refuse_other_values(folder: Path, entry: Entry, golden: Golden) -> None:
    """Refuse to change inputs or expected values of a golden. Texts may change; damaged files may be replaced."""
    try:
        before = read_by_entry(folder, entry, fastest(entry.files))
    except (OSError, InvalidFile):
        changed = entry.contents != index_entry(golden, {}, core=False).contents
    else:
        lines = golden_differences(before, golden)
        changed = any(line.partition(":")[0] not in TEXTS and line not in NEW_PARTS for line in lines)
    if changed:
        raise Refused(
            f"{golden.id}: is in the corpus with other values. A released golden never changes within a major version: "
            "increase the first number of VERSION, or use generate --replace if it was never released"
        )


def provenances(golden: Golden) -> list[Mapping[str, str]]:
    """Return the provenance of a golden and of its gradients."""
    return [golden.provenance, *([golden.gradients.provenance] if golden.gradients is not None else [])]
