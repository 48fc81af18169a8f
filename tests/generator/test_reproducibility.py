"""``generate --check`` compares a corpus with new goldens; unchanged goldens of an existing corpus are kept."""

import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from factories.documented import DOCUMENTED

from rnn_goldens import encoding
from rnn_goldens.corpus import Entry, open_corpus
from rnn_goldens.generator.generate import generate
from rnn_goldens.generator.golden_files import BuiltGolden, build, is_unchanged
from rnn_goldens.generator.index import index_entry
from rnn_goldens.generator.reproducibility import check, check_values
from rnn_goldens.generator.scenarios import SCENARIOS
from rnn_goldens.golden.features import CORE


def differences(corpus: Path, scratch: Path) -> list[str]:
    return check(DOCUMENTED, open_corpus(corpus), scratch / "generated")


def rewrite(corpus: Path, old: str, new: str) -> None:
    """Change the JSON of a golden, and its hash in the index."""
    path, index = corpus / "documented/identity-w-hh.json", corpus / "index.json"
    path.write_text(path.read_text().replace(old, new))
    document = json.loads(index.read_text())
    document["goldens"][3]["files"]["json"]["sha256"] = sha256(path.read_bytes()).hexdigest()
    index.write_text(json.dumps(document))


def test_provenance_is_not_compared_nor_the_core_set_if_only_some_goldens_are_generated(
    corpus: Path, tmp_path: Path
) -> None:
    rewrite(corpus, '"torch": "2', '"torch": "9')
    assert differences(corpus, tmp_path) == []
    builtin = open_corpus()
    of_core = next(entry.id for entry in builtin.entries if CORE in entry.features)
    assert check(SCENARIOS, builtin, tmp_path / "of core", [of_core]) == []


def test_bytes_are_compared_if_library_versions_are_equal(corpus: Path, tmp_path: Path) -> None:
    rewrite(corpus, '"title":', ' "title":')
    assert differences(corpus, tmp_path) == [
        "documented/identity-w-hh.json: equal in content, but not in bytes, with the same library versions"
    ]
    assert [o.status for o in generate(DOCUMENTED, corpus)] == [*["unchanged"] * 3, "changed"]


def test_a_changed_digit_is_reported_with_its_index(corpus: Path, tmp_path: Path) -> None:
    path = corpus / "documented/mini-batch.json"
    path.write_text(path.read_text().replace("51.0,51.0]", "51.0,52.0]", 1))
    place = "documented/mini-batch.json: expected/out: 1 of 12 elements differ, first at (1, 2, 1)"
    assert differences(corpus, tmp_path) == [f"{place}: 52.0 → 51.0"]


def test_a_changed_entry_and_an_extra_golden_are_reported(corpus: Path, tmp_path: Path) -> None:
    index = corpus / "index.json"
    document = json.loads(index.read_text())
    document["goldens"][0]["title"] = "Another"
    document["goldens"][3]["id"] = "documented/extra"
    document["version"] = "1.0.7"
    index.write_text(json.dumps(document))
    lines = differences(corpus, tmp_path)
    assert "documented/single-sequence: index.json, title: Another → Single sequence" in lines
    assert f"documented/extra: only in {corpus}" in lines
    assert any("is rnn-goldens 1.0.7, the scenarios are rnn-goldens" in line for line in lines)


def test_an_unlisted_golden_is_reported(corpus: Path, tmp_path: Path) -> None:
    (corpus / "documented/stray.json").write_bytes((corpus / "documented/mini-batch.json").read_bytes())
    assert differences(corpus, tmp_path) == ["documented/stray.json: is a golden file that index.json does not list"]


def test_values_are_compared_by_content_hash(corpus: Path) -> None:
    index = corpus / "index.json"
    assert check_values(DOCUMENTED, open_corpus(corpus)) == []
    document = json.loads(index.read_text())
    document["goldens"][0]["content"] = "0" * 64
    document["goldens"][3]["id"] = "documented/extra"
    index.write_text(json.dumps(document))
    lines = check_values(DOCUMENTED, open_corpus(corpus))
    assert lines[:2] == ["documented/identity-w-hh: only in the scenarios", f"documented/extra: only in {corpus}"]
    assert len(lines) == 3
    assert lines[2].startswith("documented/single-sequence: the content hash is 000000000000… here, ")


def test_gradients_are_compared_by_content_hash(tmp_path: Path) -> None:
    (scenario,) = (one for one in SCENARIOS if one.id == "documented/mini-batch")
    generate([scenario], tmp_path)
    index = tmp_path / "index.json"
    document = json.loads(index.read_text())
    document["goldens"][0]["gradients"]["content"] = "0" * 64
    index.write_text(json.dumps(document))
    assert check_values([scenario], open_corpus(tmp_path)) == [
        "documented/mini-batch: the content hash of the gradients differs from that of the scenario"
    ]


@pytest.fixture(scope="module")
def built() -> BuiltGolden:
    """A golden with gradients."""
    (scenario,) = (scenario for scenario in SCENARIOS if scenario.id == "documented/mini-batch")
    return build(scenario)


@pytest.fixture
def of_other_versions(built: BuiltGolden) -> dict[str, bytes]:
    """The files of the same golden, generated with another version of a library."""
    golden = replace(built.golden, provenance={**built.golden.provenance, "numpy": "1.26.0"})
    return encoding.encode(golden)


def written(folder: Path, built: BuiltGolden, files: Mapping[str, bytes]) -> Entry:
    """Write the files of a golden to a folder, and return its entry in the index."""
    for suffix, content in files.items():
        path = folder / f"{built.golden.id}{suffix}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    return index_entry(built.golden, files, core=False)


def test_files_from_other_library_versions_are_kept(
    built: BuiltGolden, of_other_versions: dict[str, bytes], tmp_path: Path
) -> None:
    assert of_other_versions[".h5"] != built.files[".h5"]
    assert is_unchanged(tmp_path, written(tmp_path, built, of_other_versions), built)


@pytest.mark.parametrize("suffix", [".h5", ".gradients.h5"])
def test_a_truncated_hdf5_file_is_replaced(
    suffix: str, built: BuiltGolden, of_other_versions: dict[str, bytes], tmp_path: Path
) -> None:
    content = of_other_versions[suffix]
    of_other_versions[suffix] = content[: -16 - int.from_bytes(content[-16:-8], "little")]
    assert not is_unchanged(tmp_path, written(tmp_path, built, of_other_versions), built)
