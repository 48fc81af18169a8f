"""What of a corpus that stands there stays as it is when it is made again."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from rnn_goldens import encoding
from rnn_goldens.generator.index import Entry, index_entry
from rnn_goldens.generator.made import Made, make, stands
from rnn_goldens.generator.scenarios import SCENARIOS


@pytest.fixture(scope="module")
def made() -> Made:
    """A golden with gradients."""
    (scenario,) = (scenario for scenario in SCENARIOS if scenario.id == "documented/mini-batch")
    return make(scenario)


@pytest.fixture
def by_others(made: Made) -> dict[str, bytes]:
    """The files of the same golden, as it was made with another version of a library."""
    golden = replace(made.golden, provenance={**made.golden.provenance, "numpy": "1.26.0"})
    return encoding.encode(golden)


def written(folder: Path, made: Made, files: Mapping[str, bytes]) -> Entry:
    """The entry of a golden whose files are these."""
    for suffix, content in files.items():
        path = folder / f"{made.golden.id}{suffix}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    return index_entry(made.golden, files, core=False)


def test_what_other_versions_of_libraries_made_stays(made: Made, by_others: dict[str, bytes], tmp_path: Path) -> None:
    assert by_others[".h5"] != made.files[".h5"]
    assert stands(tmp_path, written(tmp_path, made, by_others), made)


@pytest.mark.parametrize("suffix", [".h5", ".gradients.h5"])
def test_what_has_no_table_of_contents_is_made_again(
    suffix: str, made: Made, by_others: dict[str, bytes], tmp_path: Path
) -> None:
    content = by_others[suffix]
    by_others[suffix] = content[: -16 - int.from_bytes(content[-16:-8], "little")]
    assert not stands(tmp_path, written(tmp_path, made, by_others), made)
