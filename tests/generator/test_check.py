import json
from hashlib import sha256
from pathlib import Path

import pytest
from made_cotangents import without_cotangents

from rnn_goldens.corpus import open_corpus
from rnn_goldens.generator.check import check
from rnn_goldens.generator.generate import generate
from rnn_goldens.generator.scenarios import SCENARIOS
from rnn_goldens.golden.features import CORE

DOCUMENTED = [without_cotangents(scenario) for scenario in SCENARIOS if scenario.id.startswith("documented/")]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A corpus of the documented scenarios, just made."""
    generate(DOCUMENTED, tmp_path / "corpus")
    return tmp_path / "corpus"


def differences(corpus: Path, scratch: Path) -> list[str]:
    return check(DOCUMENTED, open_corpus(corpus), scratch / "made")


def test_a_corpus_that_was_just_made_differs_in_nothing(corpus: Path, tmp_path: Path) -> None:
    assert differences(corpus, tmp_path) == []


def test_it_is_blind_to_provenance_and_to_nothing_else(corpus: Path, tmp_path: Path) -> None:
    path = corpus / "documented/identity-w-hh.json"
    path.write_text(path.read_text().replace('"torch": "2', '"torch": "9'))
    index = corpus / "index.json"
    document = json.loads(index.read_text())
    document["goldens"][3]["files"]["json"]["sha256"] = sha256(path.read_bytes()).hexdigest()
    index.write_text(json.dumps(document))
    assert differences(corpus, tmp_path) == []


def test_with_the_same_library_versions_the_bytes_are_checked_too(corpus: Path, tmp_path: Path) -> None:
    path = corpus / "documented/identity-w-hh.json"
    path.write_text(path.read_text() + "\n")
    index = corpus / "index.json"
    document = json.loads(index.read_text())
    document["goldens"][3]["files"]["json"]["sha256"] = sha256(path.read_bytes()).hexdigest()
    index.write_text(json.dumps(document))
    assert differences(corpus, tmp_path) == [
        "documented/identity-w-hh.json: equal in content, but not in bytes, with the same library versions"
    ]
    assert [o.became for o in generate(DOCUMENTED, corpus)] == [*["unchanged"] * 3, "changed"]


def test_it_names_the_one_digit_that_was_changed(corpus: Path, tmp_path: Path) -> None:
    path = corpus / "documented/mini-batch.json"
    path.write_text(path.read_text().replace("51.0, 51.0]", "51.0, 52.0]", 1))
    place = "documented/mini-batch.json: expected/out: 1 of 12 elements differ, first at (1, 2, 1)"
    assert differences(corpus, tmp_path) == [f"{place}: 52.0 → 51.0"]


def test_it_finds_a_golden_or_an_index_entry_that_is_not_of_the_scenarios(corpus: Path, tmp_path: Path) -> None:
    index = corpus / "index.json"
    document = json.loads(index.read_text())
    document["goldens"][0]["title"] = "Another"
    document["goldens"][3]["id"] = "documented/extra"
    document["version"] = "1.0.7"
    index.write_text(json.dumps(document))
    found = differences(corpus, tmp_path)
    assert "documented/single-sequence: index.json, title: Another → Single sequence" in found
    assert f"documented/extra: only in {corpus}" in found
    assert any("is rnn-goldens 1.0.7, the scenarios are rnn-goldens" in line for line in found)


def test_it_finds_a_golden_that_nobody_lists(corpus: Path, tmp_path: Path) -> None:
    (corpus / "documented/stray.json").write_bytes((corpus / "documented/mini-batch.json").read_bytes())
    assert differences(corpus, tmp_path) == ["documented/stray.json: is a golden file that index.json does not list"]


def test_the_core_set_is_no_difference_where_only_some_are_made(tmp_path: Path) -> None:
    ours = open_corpus()
    of_core = next(entry.id for entry in ours.entries if CORE in entry.features)
    assert check(SCENARIOS, ours, tmp_path / "made", [of_core]) == []
