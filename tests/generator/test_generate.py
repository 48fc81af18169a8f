import re
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from made_cotangents import without_cotangents
from made_scenarios import chaotic

from rnn_goldens import InvalidFile, UnknownName
from rnn_goldens.corpus import find, open_corpus
from rnn_goldens.corpus.validating import files_in, findings
from rnn_goldens.errors import WrongUse
from rnn_goldens.generator.certify import Certification, certification
from rnn_goldens.generator.folder import alone
from rnn_goldens.generator.generate import Outcome, generate
from rnn_goldens.generator.reuse import Certified
from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.generator.scenarios import OURS, SCENARIOS
from rnn_goldens.golden.precision import PRECISIONS

T = TypeVar("T")

DOCUMENTED = [without_cotangents(scenario) for scenario in SCENARIOS if scenario.id.startswith("documented/")]


def bytes_in(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A corpus of the documented scenarios, just made."""
    generate(DOCUMENTED, tmp_path / "corpus")
    return tmp_path / "corpus"


@pytest.mark.slow
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


def test_what_is_wrong_with_a_scenario_that_is_not_asked_for_is_none_of_the_matter(tmp_path: Path) -> None:
    wrong = replace(DOCUMENTED[0], id="documented/wrong", weights={})
    outcomes = generate([wrong, *DOCUMENTED], tmp_path / "corpus", only=["*/mini-batch"])
    assert outcomes == [Outcome("documented/mini-batch", "new")]


def test_a_precision_that_a_golden_does_not_have_is_said_with_the_reason(tmp_path: Path) -> None:
    (outcome,) = generate([replace(chaotic(time=30), declared=None)], tmp_path / "corpus")
    (entry,) = open_corpus(tmp_path / "corpus").entries
    assert outcome.left_out.keys() == set(PRECISIONS) - set(entry.precisions) != set()
    for precision, why in outcome.left_out.items():
        assert re.fullmatch(rf"tolerance \S+ in {precision}, at most 0.1 is allowed", why)


def test_a_reworded_scenario_is_written_again_and_nothing_else(corpus: Path) -> None:
    (corpus / "NOTES").write_text("kept")
    before = bytes_in(corpus)
    reworded = [replace(DOCUMENTED[0], purpose="Another purpose."), *DOCUMENTED[1:]]
    assert [o.became for o in generate(reworded, corpus)] == ["changed", *["unchanged"] * 3]
    after = bytes_in(corpus)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"index.json", "documented/single-sequence.h5", "documented/single-sequence.json"}
    assert after["NOTES"] == b"kept"


def test_a_damaged_file_is_made_again(corpus: Path) -> None:
    whole = bytes_in(corpus)
    (corpus / "documented/mini-batch.h5").write_bytes(b"damaged")
    (corpus / "documented/mini-batch-ascending.json").unlink()
    became = {outcome.id: outcome.became for outcome in generate(DOCUMENTED, corpus)}
    assert became["documented/mini-batch"] == became["documented/mini-batch-ascending"] == "changed"
    assert bytes_in(corpus).keys() == whole.keys()
    assert findings(corpus / "index.json") == []


def test_one_refused_scenario_and_nothing_is_written(corpus: Path) -> None:
    before = bytes_in(corpus)
    refused = replace(DOCUMENTED[2], x=[[[0.1] * 5]])
    with pytest.raises(Refused, match="no float32 number"):
        generate([replace(DOCUMENTED[0], purpose="Another."), DOCUMENTED[1], refused, DOCUMENTED[3]], corpus)
    assert bytes_in(corpus) == before
    late = replace(DOCUMENTED[3], declared=("saturated",))  # which is known when it is certified
    with pytest.raises(Refused, match="declares the feature saturated, but no activation is"):
        generate([replace(DOCUMENTED[0], purpose="Another."), *DOCUMENTED[1:3], late], corpus)
    assert bytes_in(corpus) == before


def test_published_ids_are_neither_taken_away_nor_declared_twice(corpus: Path) -> None:
    with pytest.raises(Refused, match="documented/single-sequence: is in the corpus but no scenario declares it"):
        generate(DOCUMENTED[1:], corpus)
    with pytest.raises(Refused, match="declared twice"):
        generate([*DOCUMENTED, DOCUMENTED[0]], corpus)


def test_an_index_that_is_not_valid_is_not_written_over(corpus: Path) -> None:
    (corpus / "index.json").write_text("{}")
    with pytest.raises(InvalidFile, match=r"index\.json"):
        generate(DOCUMENTED, corpus)
    assert (corpus / "index.json").read_text() == "{}"


def test_generated_goldens_are_found_only_where_they_belong(corpus: Path, tmp_path: Path) -> None:
    assert {path.parts[len(tmp_path.parts)] for path in files_in(tmp_path)} == {"corpus"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["corpus"]
    assert find(corpus) == corpus


OTHER_VALUES = [replace(DOCUMENTED[0], x=[[[2] * 5]]), *DOCUMENTED[1:]]


def test_a_golden_does_not_change_its_values_unless_it_is_said_to_be_unreleased(corpus: Path) -> None:
    before = bytes_in(corpus)
    with pytest.raises(Refused, match="documented/single-sequence: is in the corpus with other values"):
        generate(OTHER_VALUES, corpus)
    assert bytes_in(corpus) == before
    assert generate(OTHER_VALUES, corpus, replace=True)[0].became == "changed"


def test_a_new_major_version_may_change_goldens_and_take_them_away(corpus: Path) -> None:
    major = f"{int(OURS.version.partition('.')[0]) + 1}.0.0"
    became = {o.id: o.became for o in generate(OTHER_VALUES[:-1], corpus, whose=replace(OURS, version=major))}
    gone, changed = DOCUMENTED[-1].id, DOCUMENTED[0].id
    assert (became[gone], became[changed]) == ("removed", "changed")
    assert (open_corpus(corpus).version, gone in open_corpus(corpus).ids) == (major, False)
    assert not list(corpus.glob(f"{gone}.*"))
    with pytest.raises(WrongUse, match=f"holds version {major}, and these scenarios say {OURS.version}: raise their"):
        generate(DOCUMENTED, corpus)


def test_what_was_never_released_may_go(corpus: Path) -> None:
    assert generate(DOCUMENTED[1:], corpus, replace=True)[-1] == Outcome(DOCUMENTED[0].id, "removed")
    assert list(open_corpus(corpus).ids) == [scenario.id for scenario in DOCUMENTED[1:]]


def test_two_scenarios_that_ask_the_same_are_refused(corpus: Path) -> None:
    twin = replace(DOCUMENTED[1], id="documented/twin", title="Another title")
    with pytest.raises(Refused, match="documented/twin: asks exactly what documented/mini-batch asks"):
        generate([*DOCUMENTED, twin], corpus)


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(WrongUse, match=r"is not empty and no corpus: it holds no index\.json"):
        generate(DOCUMENTED, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_corpus_behind_a_link_is_written_where_it_is(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(corpus)
    generate(OTHER_VALUES, tmp_path / "link", replace=True)
    assert (tmp_path / "link").is_symlink()
    assert open_corpus(corpus).load("documented/single-sequence").x.shape == (1, 1, 5)


def test_one_run_at_a_time_writes_a_corpus(corpus: Path) -> None:
    with alone(corpus), pytest.raises(WrongUse, match="another run is writing it"):
        generate(DOCUMENTED, corpus)
    assert generate(DOCUMENTED, corpus)[0].became == "unchanged"


def test_what_was_certified_is_not_certified_again(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certified = Certified(tmp_path / "certified")
    generate(DOCUMENTED, corpus, certified=certified)
    asked: list[str] = []

    def counted(scenario: Scenario) -> Certification:
        asked.append(scenario.id)
        return certification(scenario)

    monkeypatch.setattr("rnn_goldens.generator.made.certification", counted)
    generate(DOCUMENTED, corpus, certified=certified)
    assert asked == []
    (corpus / "documented/mini-batch.json").write_text("damaged")
    generate([replace(DOCUMENTED[0], purpose="Another."), *DOCUMENTED[1:]], corpus, certified=certified)
    assert asked == ["documented/single-sequence", "documented/mini-batch"]
    generate(DOCUMENTED, corpus)
    assert len(asked) == 2 + len(DOCUMENTED)


def test_an_index_that_says_other_than_a_golden_that_stands_is_mended(corpus: Path, tmp_path: Path) -> None:
    certified = Certified(tmp_path / "certified")
    generate(DOCUMENTED, corpus, certified=certified)
    right = (corpus / "index.json").read_bytes()
    (corpus / "index.json").write_bytes(right.replace(DOCUMENTED[0].purpose.encode(), b"Something else."))
    generate(DOCUMENTED, corpus, certified=certified)
    assert (corpus / "index.json").read_bytes() == right


def test_threads_make_the_same_bytes(corpus: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as executor:
        generate(DOCUMENTED, tmp_path / "by-threads", executor=executor)
    assert bytes_in(tmp_path / "by-threads") == bytes_in(corpus)


def test_goldens_are_written_as_they_come_and_taken_away_if_one_is_refused(tmp_path: Path) -> None:
    seen: list[int] = []

    def track(items: Iterable[T], _total: int, _doing: str) -> Iterable[T]:
        for item in items:
            seen.append(len(list(tmp_path.rglob("*.h5"))))
            yield item

    with pytest.raises(Refused):
        generate([*DOCUMENTED[:3], replace(DOCUMENTED[3], x=[[[0.0] * 5] * 3])], tmp_path / "corpus", track=track)
    assert seen == [0, 1, 2]
    assert list(tmp_path.iterdir()) == []
