import json
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from rnn_goldens import InvalidFile, UnknownName
from rnn_goldens.corpus import find, open_corpus
from rnn_goldens.generator.generate import Outcome, check, generate
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.generator.scenarios import SCENARIOS
from rnn_goldens.validation import files_in, findings

DOCUMENTED = [scenario for scenario in SCENARIOS if scenario.id.startswith("documented/")]


def bytes_in(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def differences(corpus: Path, scratch: Path) -> list[str]:
    return check(DOCUMENTED, open_corpus(corpus), scratch / "made", (), lambda these: these)


def test_two_processes_make_the_same_bytes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rnn_goldens", "generate", "--only", "documented/*", "--into"]
    for name in ("one", "two"):
        subprocess.run([*command, str(tmp_path / name)], check=True, capture_output=True)
    assert bytes_in(tmp_path / "one") == bytes_in(tmp_path / "two")
    assert findings(tmp_path / "one/index.json") == []


def test_a_golden_whose_content_is_unchanged_keeps_its_bytes(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    assert {o.became for o in generate(DOCUMENTED, corpus)} == {"new"}
    before = bytes_in(corpus)
    inode = corpus.stat().st_ino
    assert {o.became for o in generate(DOCUMENTED, corpus)} == {"unchanged"}
    assert bytes_in(corpus) == before
    assert corpus.stat().st_ino == inode


def test_only_what_is_asked_for_is_made_and_the_rest_stays(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    generate(DOCUMENTED, corpus, only=["*/mini-batch"])
    assert open_corpus(corpus).ids == ["documented/mini-batch"]
    outcomes = generate(DOCUMENTED, corpus, only=["documented/single-*"])
    assert outcomes == [Outcome("documented/single-sequence", "new")]
    assert open_corpus(corpus).ids == ["documented/single-sequence", "documented/mini-batch"]
    with pytest.raises(UnknownName, match="no scenario 'nothing'"):
        generate(DOCUMENTED, corpus, only=["nothing"])


def test_a_changed_scenario_is_written_again_and_nothing_else(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    generate(DOCUMENTED, corpus)
    (corpus / "NOTES").write_text("kept")
    before = bytes_in(corpus)
    reworded = [replace(DOCUMENTED[0], purpose="Another purpose."), *DOCUMENTED[1:]]
    assert [o.became for o in generate(reworded, corpus)] == ["changed", *["unchanged"] * 3]
    after = bytes_in(corpus)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"index.json", "documented/single-sequence.h5", "documented/single-sequence.json"}
    assert after["NOTES"] == b"kept"


def test_a_damaged_file_is_made_again(corpus_copy: Path) -> None:
    whole = bytes_in(corpus_copy)
    (corpus_copy / "documented/mini-batch.h5").write_bytes(b"damaged")
    (corpus_copy / "documented/mini-batch-ascending.json").unlink()
    became = {outcome.id: outcome.became for outcome in generate(DOCUMENTED, corpus_copy)}
    assert became["documented/mini-batch"] == became["documented/mini-batch-ascending"] == "changed"
    assert bytes_in(corpus_copy).keys() == whole.keys()
    assert findings(corpus_copy / "index.json") == []


def test_one_refused_scenario_and_nothing_is_written(corpus_copy: Path) -> None:
    before = bytes_in(corpus_copy)
    refused = replace(DOCUMENTED[2], x=[[[0.1] * 5]])
    with pytest.raises(Refused, match="no float32 number"):
        generate([replace(DOCUMENTED[0], purpose="Another."), DOCUMENTED[1], refused, DOCUMENTED[3]], corpus_copy)
    assert bytes_in(corpus_copy) == before
    with pytest.raises(InvalidFile, match="purpose"):
        generate([replace(DOCUMENTED[0], purpose=" "), *DOCUMENTED[1:]], corpus_copy)
    assert bytes_in(corpus_copy) == before


def test_published_ids_are_neither_taken_away_nor_declared_twice(corpus_copy: Path) -> None:
    with pytest.raises(Refused, match="documented/single-sequence: is in the corpus but no scenario declares it"):
        generate(DOCUMENTED[1:], corpus_copy)
    with pytest.raises(Refused, match="declared twice"):
        generate([*DOCUMENTED, DOCUMENTED[0]], corpus_copy)


def test_an_index_that_is_not_valid_is_not_written_over(corpus_copy: Path) -> None:
    (corpus_copy / "index.json").write_text("{}")
    with pytest.raises(InvalidFile, match=r"index\.json"):
        generate(DOCUMENTED, corpus_copy)
    assert (corpus_copy / "index.json").read_text() == "{}"


def test_the_committed_corpus_is_exactly_what_the_scenarios_make(tmp_path: Path) -> None:
    assert check(SCENARIOS, open_corpus("v1"), tmp_path / "made", (), lambda these: these) == []


def test_check_is_blind_to_provenance_and_to_nothing_else(corpus_copy: Path, tmp_path: Path) -> None:
    path = corpus_copy / "documented/identity-w-hh.json"
    path.write_text(path.read_text().replace('"torch": "2', '"torch": "9'))
    index = corpus_copy / "index.json"
    document = json.loads(index.read_text())
    document["goldens"][3]["files"]["json"]["sha256"] = sha256(path.read_bytes()).hexdigest()
    index.write_text(json.dumps(document))
    assert differences(corpus_copy, tmp_path) == []


def test_with_the_same_library_versions_the_bytes_are_checked_too(corpus_copy: Path, tmp_path: Path) -> None:
    generate(DOCUMENTED, corpus_copy)
    path = corpus_copy / "documented/identity-w-hh.json"
    path.write_text(path.read_text() + "\n")
    index = corpus_copy / "index.json"
    document = json.loads(index.read_text())
    document["goldens"][3]["files"]["json"]["sha256"] = sha256(path.read_bytes()).hexdigest()
    index.write_text(json.dumps(document))
    assert differences(corpus_copy, tmp_path) == [
        "documented/identity-w-hh.json: equal in content, but not in bytes, with the same library versions"
    ]
    assert [o.became for o in generate(DOCUMENTED, corpus_copy)] == [*["unchanged"] * 3, "changed"]


def test_check_names_the_one_digit_that_was_changed(corpus_copy: Path, tmp_path: Path) -> None:
    path = corpus_copy / "documented/mini-batch.json"
    path.write_text(path.read_text().replace("51.0, 51.0]", "51.0, 52.0]", 1))
    place = "documented/mini-batch.json: expected/out: 1 of 12 elements differ, first at (1, 2, 1)"
    assert differences(corpus_copy, tmp_path) == [f"{place}: 52.0 → 51.0"]


def test_check_finds_a_golden_or_an_index_entry_that_is_not_of_the_scenarios(corpus_copy: Path, tmp_path: Path) -> None:
    index = corpus_copy / "index.json"
    document = json.loads(index.read_text())
    document["goldens"][0]["title"] = "Another"
    document["goldens"][3]["id"] = "documented/extra"
    document["version"] = "1.0.7"
    index.write_text(json.dumps(document))
    found = differences(corpus_copy, tmp_path)
    assert "documented/single-sequence: index.json, title: Another → Single sequence" in found
    assert f"documented/extra: only in {corpus_copy}" in found
    assert any("version 1.0.7" in line for line in found)


def test_generated_goldens_are_found_only_where_they_belong(tmp_path: Path) -> None:
    generate(DOCUMENTED, tmp_path / "corpus")
    assert {path.parts[len(tmp_path.parts)] for path in files_in(tmp_path)} == {"corpus"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["corpus"]
    assert find(tmp_path / "corpus") == tmp_path / "corpus"
