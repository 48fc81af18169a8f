"""Generating a corpus from scenarios."""

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from factories.documented import DOCUMENTED
from factories.scenarios import chaotic, scenario

from rnn_goldens import Golden, InvalidFile, UnknownName
from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.validation import findings
from rnn_goldens.errors import WrongUse
from rnn_goldens.generator import state_certification
from rnn_goldens.generator.certification import certification
from rnn_goldens.generator.certification_cache import CertificationCache
from rnn_goldens.generator.corpus_replacement import folder_lock
from rnn_goldens.generator.generate import Outcome, generate
from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.generator.scenarios import OURS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.states import FEW

T = TypeVar("T")


def bytes_in(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.slow
def test_two_processes_generate_the_same_bytes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rnn_goldens", "generate", "--only", "documented/*", "--into"]
    for name in ("one", "two"):
        subprocess.run([*command, str(tmp_path / name)], check=True, capture_output=True)
    assert bytes_in(tmp_path / "one") == bytes_in(tmp_path / "two")
    assert findings(tmp_path / "one/index.json") == []


def test_a_golden_with_unchanged_content_keeps_its_bytes(corpus: Path) -> None:
    before, inode = bytes_in(corpus), corpus.stat().st_ino
    assert {o.status for o in generate(DOCUMENTED, corpus)} == {"unchanged"}
    assert bytes_in(corpus) == before
    assert corpus.stat().st_ino == inode


def test_only_selected_scenarios_are_generated_and_others_are_kept(tmp_path: Path) -> None:
    corpus, wrong = tmp_path / "corpus", replace(DOCUMENTED[0], id="documented/wrong", weights={})
    generate([wrong, *DOCUMENTED], corpus, only=["*/mini-batch"])
    assert open_corpus(corpus).ids == ["documented/mini-batch"]
    outcomes = generate(DOCUMENTED, corpus, only=["documented/single-*"])
    assert outcomes == [Outcome("documented/single-sequence", "new")]
    assert open_corpus(corpus).ids == ["documented/single-sequence", "documented/mini-batch"]
    with pytest.raises(UnknownName, match="no scenario 'nothing'"):
        generate(DOCUMENTED, corpus, only=["nothing"])


def test_precisions_that_are_left_out_have_a_reason(tmp_path: Path) -> None:
    (outcome,) = generate([replace(chaotic(time=30), declared=None)], tmp_path / "corpus")
    (entry,) = open_corpus(tmp_path / "corpus").entries
    assert outcome.left_out.keys() == set(PRECISIONS) - set(entry.precisions) != set()
    for precision, why in outcome.left_out.items():
        assert re.fullmatch(rf"tolerance \S+ in {precision}, at most 0.1 is allowed", why)


def test_an_adequate_corpus_has_every_size_of_recurrences(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"coverage gate(.|\n)*gated_delta, d_v: no golden has 65"):
        generate(DOCUMENTED, tmp_path / "corpus", adequate=True)


def test_only_a_scenario_with_changed_texts_is_written_again(corpus: Path) -> None:
    (corpus / "NOTES").write_text("kept")
    before = bytes_in(corpus)
    reworded = [replace(DOCUMENTED[0], purpose="Another purpose."), *DOCUMENTED[1:]]
    assert [o.status for o in generate(reworded, corpus)] == ["changed", *["unchanged"] * 3]
    after = bytes_in(corpus)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"index.json", "documented/single-sequence.h5", "documented/single-sequence.json"}
    assert after["NOTES"] == b"kept"


def test_a_damaged_file_is_replaced(corpus: Path) -> None:
    before = bytes_in(corpus)
    (corpus / "documented/mini-batch.h5").write_bytes(b"damaged")
    (corpus / "documented/mini-batch-ascending.json").unlink()
    status = {outcome.id: outcome.status for outcome in generate(DOCUMENTED, corpus)}
    assert status["documented/mini-batch"] == status["documented/mini-batch-ascending"] == "changed"
    assert bytes_in(corpus).keys() == before.keys()
    assert findings(corpus / "index.json") == []


def test_if_one_scenario_is_refused_nothing_is_written(corpus: Path) -> None:
    before = bytes_in(corpus)
    refused = replace(DOCUMENTED[2], x=[[[0.1] * 5]])
    with pytest.raises(Refused, match="which float32 cannot represent"):
        generate([replace(DOCUMENTED[0], purpose="Another."), DOCUMENTED[1], refused, DOCUMENTED[3]], corpus)
    assert bytes_in(corpus) == before
    wrong_feature = replace(DOCUMENTED[3], declared=("saturated",))  # detected during certification
    with pytest.raises(Refused, match="declares the feature saturated, but no activation is"):
        generate([replace(DOCUMENTED[0], purpose="Another."), *DOCUMENTED[1:3], wrong_feature], corpus)
    assert bytes_in(corpus) == before


def test_published_ids_are_removed_only_with_replace_and_never_declared_twice(corpus: Path) -> None:
    with pytest.raises(Refused, match="documented/single-sequence: is in the corpus, but has no scenario"):
        generate(DOCUMENTED[1:], corpus)
    with pytest.raises(Refused, match="declared twice"):
        generate([*DOCUMENTED, DOCUMENTED[0]], corpus)
    assert generate(DOCUMENTED[1:], corpus, replace=True)[-1] == Outcome(DOCUMENTED[0].id, "removed")
    assert list(open_corpus(corpus).ids) == [scenario.id for scenario in DOCUMENTED[1:]]


OTHER_VALUES = [replace(DOCUMENTED[0], x=[[[2] * 5]]), *DOCUMENTED[1:]]


def test_values_of_a_golden_change_only_with_replace(corpus: Path) -> None:
    before = bytes_in(corpus)
    with pytest.raises(Refused, match="documented/single-sequence: is in the corpus with other values"):
        generate(OTHER_VALUES, corpus)
    assert bytes_in(corpus) == before
    assert generate(OTHER_VALUES, corpus, replace=True)[0].status == "changed"


def test_a_golden_may_get_states_but_not_lose_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lstm, few = [scenario("lstm", scale=0.25)], FEW
    for limit, status in ((0, "new"), (few, "changed"), (few, "unchanged")):
        monkeypatch.setattr(state_certification, "FEW", limit)
        assert [outcome.status for outcome in generate(lstm, tmp_path)] == [status]
    assert "c" in open_corpus(tmp_path).load(lstm[0].id).expected_states
    monkeypatch.setattr(state_certification, "FEW", 0)
    with pytest.raises(Refused, match="made/for-a-test: is in the corpus with other values"):
        generate(lstm, tmp_path)


def test_a_new_major_version_may_change_and_remove_goldens(corpus: Path) -> None:
    major = f"{int(OURS.version.partition('.')[0]) + 1}.0.0"
    status = {o.id: o.status for o in generate(OTHER_VALUES[:-1], corpus, identity=replace(OURS, version=major))}
    removed, changed = DOCUMENTED[-1].id, DOCUMENTED[0].id
    assert (status[removed], status[changed]) == ("removed", "changed")
    assert (open_corpus(corpus).version, removed in open_corpus(corpus).ids) == (major, False)
    assert not list(corpus.glob(f"{removed}.*"))
    with pytest.raises(WrongUse, match=f"has version {major}, these scenarios are {OURS.version}: increase their"):
        generate(DOCUMENTED, corpus)


def test_two_scenarios_with_the_same_inputs_and_an_invalid_index_are_refused(corpus: Path) -> None:
    twin = replace(DOCUMENTED[1], id="documented/twin", title="Another title")
    with pytest.raises(Refused, match="documented/twin: has the same inputs as documented/mini-batch"):
        generate([*DOCUMENTED, twin], corpus)
    (corpus / "index.json").write_text("{}")
    with pytest.raises(InvalidFile, match=r"index\.json"):
        generate(DOCUMENTED, corpus)
    assert (corpus / "index.json").read_text() == "{}"


def test_a_folder_with_other_content_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(WrongUse, match=r"is not empty and not a corpus: it has no index\.json"):
        generate(DOCUMENTED, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_only_one_run_at_a_time_writes_also_through_a_link(corpus: Path, tmp_path: Path) -> None:
    with folder_lock(corpus), pytest.raises(WrongUse, match="another run is writing to it"):
        generate(DOCUMENTED, corpus)
    assert generate(DOCUMENTED, corpus)[0].status == "unchanged"
    (tmp_path / "link").symlink_to(corpus)
    generate(OTHER_VALUES, tmp_path / "link", replace=True)
    assert (tmp_path / "link").is_symlink()
    assert open_corpus(corpus).load("documented/single-sequence").x.shape == (1, 1, 5)


def test_cached_scenarios_are_not_certified_again(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certified = CertificationCache(tmp_path / "certified")
    generate(DOCUMENTED, corpus, certified=certified)
    certified_ids: list[str] = []

    def recorded(scenario: Scenario) -> tuple[Golden, Mapping[str, str]]:
        certified_ids.append(scenario.id)
        return certification(scenario)

    monkeypatch.setattr("rnn_goldens.generator.golden_files.certification", recorded)
    generate(DOCUMENTED, corpus, certified=certified)
    assert certified_ids == []
    (corpus / "documented/mini-batch.json").write_text("damaged")
    generate([replace(DOCUMENTED[0], purpose="Another."), *DOCUMENTED[1:]], corpus, certified=certified)
    assert certified_ids == ["documented/single-sequence", "documented/mini-batch"]
    generate(DOCUMENTED, corpus)
    assert len(certified_ids) == 2 + len(DOCUMENTED)


def test_threads_generate_the_same_bytes(corpus: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as executor:
        generate(DOCUMENTED, tmp_path / "by-threads", executor=executor)
    assert bytes_in(tmp_path / "by-threads") == bytes_in(corpus)


def test_goldens_are_written_as_they_arrive_and_removed_if_one_is_refused(tmp_path: Path) -> None:
    counts: list[int] = []

    def track(items: Iterable[T], _total: int, _label: str) -> Iterable[T]:
        for item in items:
            counts.append(len(list(tmp_path.rglob("*.h5"))))
            yield item

    with pytest.raises(Refused):
        generate([*DOCUMENTED[:3], replace(DOCUMENTED[3], x=[[[0.0] * 5] * 3])], tmp_path / "corpus", track=track)
    assert counts == [0, 1, 2]
    assert list(tmp_path.iterdir()) == []
