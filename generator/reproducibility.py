"""Checks that a corpus equals what its scenarios generate: generates it again and compares."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from msgspec import UNSET, structs

from rnn_goldens.corpus import INDEX, Corpus, open_corpus
from rnn_goldens.corpus.differences import compared_kinds, corpus_differences, read_by_entry
from rnn_goldens.corpus.validation import files_in
from rnn_goldens.generator import kill_matrix_file
from rnn_goldens.generator.certification_cache import CertificationCache
from rnn_goldens.generator.generate import Track, choose, generate, untracked
from rnn_goldens.generator.golden_files import certified_content, provenances
from rnn_goldens.generator.index import CorpusIdentity
from rnn_goldens.generator.pool import in_order
from rnn_goldens.generator.predicted_cost import Say, estimate, unsaid
from rnn_goldens.generator.scenario_base import DeclaredInputs
from rnn_goldens.generator.scenarios import OURS
from rnn_goldens.golden.features import CORE

MATRICES = (kill_matrix_file.NAME, kill_matrix_file.BACKWARD_NAME)


def check(
    scenarios: Sequence[DeclaredInputs],
    corpus: Corpus,
    scratch: Path,
    only: Sequence[str] = (),
    *,
    identity: CorpusIdentity = OURS,
    adequate: bool = False,
    track: Track = untracked,
    say: Say = unsaid,
    executor: Executor | None = None,
) -> list[str]:
    """Return the differences between a corpus and what scenarios generate in a new folder, except provenance."""
    generate(scenarios, scratch, only, identity=identity, adequate=adequate, track=track, say=say, executor=executor)
    generated = open_corpus(scratch)
    if only:  # a partly generated corpus has no core set
        cores = {entry.id: (CORE,) for entry in corpus.entries if CORE in entry.features}
        with_core = (structs.replace(e, features=(*e.features, *cores.get(e.id, ()))) for e in generated.entries)
        generated = replace(generated, entries=tuple(with_core))
    lines = (
        line.removesuffix(str(generated.folder)) + "the scenarios"
        if line.endswith(f"only in {generated.folder}")
        else line
        for line in corpus_differences(corpus, generated, only)
    )
    differences = list(lines) or list(_byte_differences(corpus, generated))
    if (existing := CorpusIdentity(corpus.name, corpus.version)) != identity:
        differences.append(
            f"{INDEX}: is {existing.name} {existing.version}, the scenarios are {identity.name} {identity.version}"
        )
    listed = {file.path for entry in corpus.entries for file in entry.all_files} | {INDEX, *MATRICES}
    found = (path.relative_to(corpus.folder).as_posix() for path in files_in(corpus.folder))
    differences += [f"{name}: is a golden file that {INDEX} does not list" for name in found if name not in listed]
    if adequate and not only:
        for name in MATRICES:
            differences += kill_matrix_file.differences(corpus.folder / name, scratch / name)
    return differences


def changed_since(
    scenarios: Sequence[DeclaredInputs],
    corpus: Corpus,
    only: Sequence[str],
    identity: CorpusIdentity,
    certified: CertificationCache,
) -> tuple[str, ...]:
    """Return the ids of goldens that code like this did not certify; all for another version, or other goldens."""
    chosen = choose(scenarios, only)
    same = [one.id for one in scenarios] == corpus.ids and (corpus.name, corpus.version) == (
        identity.name,
        identity.version,
    )
    if not (same or only):
        return tuple(one.id for one in chosen)
    contents = {entry.id: entry.contents for entry in corpus.entries}
    return tuple(one.id for one in chosen if certified.content(one) != contents.get(one.id, ""))


def check_values(
    scenarios: Sequence[DeclaredInputs],
    corpus: Corpus,
    only: Sequence[str] = (),
    *,
    track: Track = untracked,
    say: Say = unsaid,
    executor: Executor | None = None,
) -> list[str]:
    """Return the goldens whose content hash differs from what the scenarios certify, provenance excluded.

    Faster than ``check``: no implementation confirms the values, and files and kill matrices are not compared.
    Arguments are those of ``check``.
    """
    chosen = choose(scenarios, only)
    stored = {entry.id: entry for entry in corpus.entries}
    lines = [f"{one.id}: only in the scenarios" for one in chosen if one.id not in stored]
    if not only:
        declared = {one.id for one in chosen}
        lines += [f"{golden_id}: only in {corpus.folder}" for golden_id in stored if golden_id not in declared]
    compared = [one.in_arrays() for one in chosen if one.id in stored]
    processes, text = estimate(compared, executor)
    if text:
        say(text)
    with closing(in_order(certified_content, compared, executor, parallel=processes > 1)) as found:
        for one, (outputs, gradients) in zip(compared, track(found, len(compared), "Certifying"), strict=True):
            entry = stored[one.id]
            if entry.content != outputs:  # the hash of gradients depends on that of the golden
                both = f"{entry.content[:12]}… here, {outputs[:12]}… of the scenario"
                lines.append(f"{entry.id}: the content hash is {both}")
            elif gradients != ("" if entry.gradients is UNSET else entry.gradients.content):
                lines.append(f"{entry.id}: the content hash of the gradients differs from that of the scenario")
    return lines


def _byte_differences(corpus: Corpus, generated: Corpus) -> Iterator[str]:
    """Yield files with equal content but different bytes, although the same library versions generated them."""
    for entry in generated.entries:
        committed = {file.path: file for file in corpus.entry(entry.id).all_files}
        for kind in compared_kinds(corpus, generated, entry.id):
            provenance = [provenances(read_by_entry(c.folder, c.entry(entry.id), kind)) for c in (corpus, generated)]
            for file in entry.all_files:
                other = file.path.endswith(f".{kind}") and committed[file.path].sha256 != file.sha256
                if other and provenance[0] == provenance[1]:
                    yield f"{file.path}: equal in content, but not in bytes, with the same library versions"
