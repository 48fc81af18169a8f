"""A corpus that takes minutes to certify has a file of keys: what did not change is not certified again."""

from dataclasses import replace
from pathlib import Path

import pytest
from factories.documented import DOCUMENTED

from rnn_goldens.corpus import open_corpus
from rnn_goldens.generator import certification_cache
from rnn_goldens.generator.certification_cache import CommittedCache
from rnn_goldens.generator.generate import generate
from rnn_goldens.generator.reproducibility import changed_since
from rnn_goldens.generator.scenarios import OURS

IDS = tuple(scenario.id for scenario in DOCUMENTED)


@pytest.fixture
def cache(tmp_path: Path) -> CommittedCache:
    """The keys of a generated corpus."""
    cache = CommittedCache(tmp_path / "corpus/certified.txt")
    generate(DOCUMENTED, tmp_path / "corpus", certified=cache)
    return cache


def test_only_changed_scenarios_are_certified_again(tmp_path: Path, cache: CommittedCache) -> None:
    corpus = open_corpus(tmp_path / "corpus")
    assert changed_since(DOCUMENTED, corpus, (), OURS, cache) == ()
    changed = [replace(DOCUMENTED[0], purpose="Another."), *DOCUMENTED[1:]]
    assert changed_since(changed, corpus, (), OURS, cache) == IDS[:1]
    assert changed_since(changed, corpus, IDS[1:], OURS, cache) == ()


def test_a_removed_scenario_or_another_version_is_a_change_of_all(tmp_path: Path, cache: CommittedCache) -> None:
    corpus = open_corpus(tmp_path / "corpus")
    assert changed_since(DOCUMENTED[1:], corpus, (), OURS, cache) == IDS[1:]
    assert changed_since(DOCUMENTED, corpus, (), replace(OURS, version="9.0.0"), cache) == IDS


def test_other_code_or_another_golden_here_is_a_change(
    tmp_path: Path, cache: CommittedCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate([replace(DOCUMENTED[0], purpose="Another."), *DOCUMENTED[1:]], tmp_path / "corpus")  # by hand: no key
    assert changed_since(DOCUMENTED, open_corpus(tmp_path / "corpus"), (), OURS, cache) == IDS[:1]
    monkeypatch.setattr(certification_cache, "_code_of_content", lambda: "other code")
    assert changed_since(DOCUMENTED, open_corpus(tmp_path / "corpus"), (), OURS, cache) == IDS


def test_a_kept_golden_keeps_the_seconds_that_it_took(tmp_path: Path, cache: CommittedCache) -> None:
    path = tmp_path / "corpus/certified.txt"
    lines = path.read_text().splitlines()
    assert [line.split()[0] for line in lines] == sorted(IDS)
    path.write_text("".join(f"{i} 7 {rest.split(maxsplit=1)[1]}\n" for i, rest in (x.split(maxsplit=1) for x in lines)))
    generate(DOCUMENTED, tmp_path / "corpus", certified=cache)
    assert cache.seconds == dict.fromkeys(IDS, 7)
