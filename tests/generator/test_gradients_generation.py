"""Generating a golden with gradients: its files, its entry in the index, and allowed changes."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from factories.documented import DOCUMENTED
from factories.gradients import gradients_of

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.validation import findings
from rnn_goldens.generator import golden_files
from rnn_goldens.generator.certification import certify
from rnn_goldens.generator.certification_cache import CertificationCache
from rnn_goldens.generator.generate import generate
from rnn_goldens.generator.reproducibility import check
from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.golden.expected import Gradients

ID = "documented/single-sequence"
NAMES = [f"single-sequence{suffix}" for suffix in (".gradients.h5", ".gradients.json", ".h5", ".json")]

Certify = Callable[[Scenario], Golden]


def with_gradients(scenario: Scenario) -> Golden:
    golden = certify(scenario)
    return replace(golden, gradients=gradients_of(golden)) if scenario.id == ID else golden


def with_changed(change: Callable[[Gradients], dict[str, Any]]) -> Certify:
    def certified(scenario: Scenario) -> Golden:
        golden = with_gradients(scenario)
        if golden.gradients is None:
            return golden
        return replace(golden, gradients=replace(golden.gradients, **change(golden.gradients)))

    return certified


with_doubled_gradients = with_changed(lambda g: {"expected": {name: 2 * array for name, array in g.expected.items()}})
with_another_purpose = with_changed(lambda _: {"purpose": "The same, in other words."})


@pytest.fixture
def certified_by(monkeypatch: pytest.MonkeyPatch) -> Callable[[Certify], None]:
    return lambda by: monkeypatch.setattr(golden_files, "certification", lambda scenario: (by(scenario), {}))


@pytest.fixture
def corpus(corpus: Path, certified_by: Callable[[Certify], None]) -> Path:
    """A corpus to which gradients were added."""
    certified_by(with_gradients)
    assert [o.id for o in generate(DOCUMENTED, corpus) if o.status == "changed"] == [ID]
    return corpus


def file_names(corpus: Path) -> list[str]:
    return sorted(path.name for path in (corpus / "documented").glob("single-sequence.*"))


def test_gradients_files_are_written_listed_and_valid(corpus: Path) -> None:
    assert file_names(corpus) == NAMES
    assert findings(corpus / "index.json") == []
    entries = {entry["id"]: entry for entry in json.loads((corpus / "index.json").read_text())["goldens"]}
    assert list(entries[ID]["gradients"]["files"]) == ["h5", "json"]
    assert "gradients" not in entries["documented/mini-batch"]
    assert open_corpus(corpus).load(ID, gradients=True).gradients is not None


def test_a_damaged_gradients_file_is_replaced(corpus: Path) -> None:
    for suffix in (".json", ".h5"):
        path = corpus / f"{ID}.gradients{suffix}"
        before = path.read_bytes()
        path.write_bytes(before[:-9])
        assert [o.id for o in generate(DOCUMENTED, corpus) if o.status == "changed"] == [ID]
        assert path.read_bytes() == before


def test_texts_may_change_but_values_may_not(corpus: Path, certified_by: Callable[[Certify], None]) -> None:
    certified_by(with_another_purpose)
    assert [o.id for o in generate(DOCUMENTED, corpus) if o.status == "changed"] == [ID]
    for other in (with_doubled_gradients, certify):
        certified_by(other)
        with pytest.raises(Refused, match=f"{ID}: is in the corpus with other values"):
            generate(DOCUMENTED, corpus)
    assert findings(corpus / "index.json") == []


def test_removing_gradients_removes_their_files(corpus: Path, certified_by: Callable[[Certify], None]) -> None:
    certified_by(certify)
    generate(DOCUMENTED, corpus, replace=True)
    assert file_names(corpus) == NAMES[2:]
    assert findings(corpus / "index.json") == []


def test_a_cached_golden_is_certified_again_only_if_its_gradients_file_changed(
    corpus: Path, tmp_path: Path, certified_by: Callable[[Certify], None]
) -> None:
    certified = CertificationCache(tmp_path / "certified")
    generate(DOCUMENTED, corpus, certified=certified)

    def fail(_: Scenario) -> Golden:
        raise AssertionError("certified again")

    certified_by(fail)
    generate(DOCUMENTED, corpus, certified=certified)
    path = corpus / f"{ID}.gradients.json"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(AssertionError, match="certified again"):
        generate(DOCUMENTED, corpus, certified=certified)


def test_check_compares_gradients_with_the_scenarios(
    corpus: Path, tmp_path: Path, certified_by: Callable[[Certify], None]
) -> None:
    assert check(DOCUMENTED, open_corpus(corpus), tmp_path / "same") == []
    certified_by(with_doubled_gradients)
    found = check(DOCUMENTED, open_corpus(corpus), tmp_path / "other")
    assert any(line.startswith(f"{ID}: gradients/expected/x: ") for line in found)
    certified_by(certify)
    assert f"{ID}: gradients: only in the first golden" in check(DOCUMENTED, open_corpus(corpus), tmp_path / "without")


def test_check_finds_an_unlisted_gradients_file(corpus: Path, tmp_path: Path) -> None:
    (corpus / "documented/mini-batch.gradients.json").write_bytes(b"{}")
    (found,) = check(DOCUMENTED, open_corpus(corpus), tmp_path / "same")
    assert found.startswith("documented/mini-batch.gradients.json: is a golden file that index.json does not list")
