"""Whether a corpus is exactly what the scenarios make: generated from scratch, beside it, and compared."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from rnn_goldens.corpus import INDEX, Corpus, open_corpus
from rnn_goldens.corpus.comparing import KINDS, corpus_differences, read_by_entry
from rnn_goldens.corpus.validating import files_in
from rnn_goldens.generator import matrix_file
from rnn_goldens.generator.generate import Track, generate, untracked
from rnn_goldens.generator.index import Whose
from rnn_goldens.generator.made import provenances
from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios import OURS
from rnn_goldens.golden.features import CORE

MATRICES = (matrix_file.NAME, matrix_file.BACKWARD_NAME)


def check(
    scenarios: Sequence[Scenario],
    corpus: Corpus,
    scratch: Path,
    only: Sequence[str] = (),
    *,
    whose: Whose = OURS,
    adequate: bool = False,
    track: Track = untracked,
    executor: Executor | None = None,
) -> list[str]:
    """List how a corpus differs from what the scenarios make, provenance aside; empty if it does not.

    Arguments are as for ``generate``; ``scratch`` is a folder that does not exist yet.
    """
    generate(scenarios, scratch, only, whose=whose, adequate=adequate, track=track, executor=executor)
    made = open_corpus(scratch)
    if only:
        made = _with_core_of(corpus, made)
    found = (
        line.removesuffix(str(made.folder)) + "the scenarios" if line.endswith(f"only in {made.folder}") else line
        for line in corpus_differences(corpus, made, only)
    )
    differences = list(found) or list(_byte_differences(corpus, made))
    if (there := Whose(corpus.name, corpus.version)) != whose:
        differences.append(f"{INDEX}: is {there.name} {there.version}, the scenarios are {whose.name} {whose.version}")
    differences += [f"{name}: is a golden file that {INDEX} does not list" for name in _stray(corpus)]
    if adequate and not only:
        for name in MATRICES:
            differences += matrix_file.differences(corpus.folder / name, scratch / name)
    return differences


def _with_core_of(corpus: Corpus, made: Corpus) -> Corpus:
    """The same, with the core set of another: only a whole corpus has one of its own."""
    is_core = {entry.id for entry in corpus.entries if CORE in entry.features}
    entries = (structs.replace(e, features=(*e.features, CORE)) if e.id in is_core else e for e in made.entries)
    return replace(made, entries=tuple(entries))


def _stray(corpus: Corpus) -> list[str]:
    listed = {file.path for entry in corpus.entries for file in entry.all_files} | {INDEX, *MATRICES}
    found = (path.relative_to(corpus.folder).as_posix() for path in files_in(corpus.folder))
    return [name for name in found if name not in listed]


def _byte_differences(corpus: Corpus, made: Corpus) -> Iterator[str]:
    """Files equal in content whose bytes differ although the same library versions made them."""
    for entry in made.entries:
        committed = {file.path: file for file in corpus.entry(entry.id).all_files}
        for kind in KINDS:
            makers = [provenances(read_by_entry(c, entry.id, kind)) for c in (corpus, made)]
            for file in entry.all_files:
                other = file.path.endswith(f".{kind}") and committed[file.path].sha256 != file.sha256
                if other and makers[0] == makers[1]:
                    yield f"{file.path}: equal in content, but not in bytes, with the same library versions"
