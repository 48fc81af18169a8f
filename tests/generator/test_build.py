"""Unchanged goldens of an existing corpus are kept when the corpus is generated again."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from rnn_goldens import encoding
from rnn_goldens.generator.build import BuiltGolden, build, is_unchanged
from rnn_goldens.generator.index import Entry, index_entry
from rnn_goldens.generator.scenarios import SCENARIOS


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
