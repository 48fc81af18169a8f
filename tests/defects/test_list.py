"""Measured defects and reported ones: what the lists say is well formed and true."""

import re
from pathlib import Path

import pytest
from msgspec import convert
from packaging.specifiers import SpecifierSet

from rnn_goldens import InvalidFile
from rnn_goldens.defects import Defect, deviations_of, read_defects, read_reports
from rnn_goldens.defects.page import with_table
from rnn_goldens.deviations.families import members
from rnn_goldens.generator.deviation_page import unexpressed
from rnn_goldens.golden.expected import GRADIENTS

DEFECTS = read_defects()
HOME = Path(__file__).parents[2]

GOOD = {
    "id": "reference-clip",
    "engine": "onnx",
    "implementation": "onnx-reference",
    "versions": ">=1.17",
    "golden": "gru-clip/one-step",
    "dtype": "float32",
    "effect": "GRU ignores clip.",
    "deviation": "gru_clip_ignored",
}


def written(folder: Path, *entries: dict[str, str]) -> Path:
    """Write a list of defects and return its path."""
    lines = [line for e in entries for line in ["[[defect]]", *(f'{name} = "{value}"' for name, value in e.items())]]
    path = folder / "defects.toml"
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_each_defect_is_described_and_has_a_lowest_version() -> None:
    assert [d.id for d in DEFECTS if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", d.id)] == []
    assert [d.id for d in DEFECTS if not re.fullmatch(r"[A-Z].*[^.]\.", d.effect)] == []
    assert [d.id for d in DEFECTS if d.issue and not re.fullmatch(r"https://[^ ]+/(issues|pull)/\d+", d.issue)] == []
    lowest = {d.id: [s for s in SpecifierSet(d.versions) if s.operator in (">=", "==")] for d in DEFECTS}
    assert [name for name, found in lowest.items() if len(found) != 1] == []


def test_adapters_of_the_list_are_in_the_repository() -> None:
    adapters = {d.implementation.partition(":")[0] for d in DEFECTS if d.implementation.startswith("conformance.")}
    assert len(adapters) >= 6
    assert [name for name in adapters if not (HOME / f"{name.replace('.', '/')}.py").is_file()] == []


def test_the_page_has_the_table_of_the_list() -> None:
    page = (HOME / "docs/defects.md").read_text("utf-8")
    assert with_table(page) == page
    assert page.count("| `>=") == len(DEFECTS)


def test_a_good_list_is_read(tmp_path: Path) -> None:
    assert read_defects(written(tmp_path, GOOD)) == [convert(GOOD, Defect)]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"golden": "gru-clip/one-stp"}, "Did you mean 'gru-clip/one-step'"),
        ({"deviation": "gru_clip_ignord"}, "Did you mean 'gru_clip_ignored'"),
        ({"deviation": "lstm_clip_ignored"}, "lstm_clip_ignored does not apply to gru_clip"),
        ({"dtype": "float8"}, "gru-clip/one-step has no outputs in float8"),
        ({"versions": "1.17"}, "versions = '1.17' is not a range"),
        ({"implementation": "torchh"}, "no implementation 'torchh'. Did you mean 'torch'?"),
        ({"implementation": "my-adapter:run"}, "'my-adapter' is not the name of a module"),
        ({"deviation": ""}, "needs a deviation, a fact or a reason"),
        ({"fact": "wrong_moon"}, "no fact 'wrong_moon'"),
        ({"color": "red"}, "unknown field `color`"),
    ],
)
def test_a_mistake_in_a_list_is_named(tmp_path: Path, change: dict[str, str], problem: str) -> None:
    with pytest.raises(InvalidFile) as error:
        read_defects(written(tmp_path, GOOD | change))
    assert problem in str(error.value)


def test_mistakes_in_a_list_as_a_whole_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="missing required field `effect`"):
        read_defects(written(tmp_path, {name: value for name, value in GOOD.items() if name != "effect"}))
    with pytest.raises(InvalidFile, match="reference-clip: occurs 2 times"):
        read_defects(written(tmp_path, GOOD, GOOD))
    path = tmp_path / "defects.toml"
    path.write_text("[[defect", "utf-8")
    with pytest.raises(InvalidFile, match="Expected"):
        read_defects(path)


REPORTS = read_reports()
BACKWARD = [defect for d in members(GRADIENTS) for defect in d.stands_for]
FORWARD = [defect for d in members() if not d.is_backward for defect in d.stands_for]
COVERED = {*FORWARD, *BACKWARD}
UNEXPRESSED = unexpressed()
UNCOVERED = list(UNEXPRESSED)


def test_each_report_has_a_description_and_a_deviation_or_a_reason_why_not() -> None:
    assert len(REPORTS) > 100
    assert [issue for issue in REPORTS if not re.fullmatch(r"[\w.-]+(#| PR)\d+", issue)] == []
    assert [effect for effect in REPORTS.values() if not re.fullmatch(r"\S.*[^.]", effect)] == []
    assert [issue for issue in REPORTS if issue not in COVERED.union(UNCOVERED)] == []
    assert sorted(COVERED.intersection(UNCOVERED)) == []
    """A misspelt report is not in the list."""
    assert sorted(COVERED.union(UNCOVERED).difference(REPORTS)) == []


def test_deviations_are_found_by_report_at_most_one_of_the_backward_pass() -> None:
    assert deviations_of().keys() == COVERED
    assert deviations_of()["onnx PR7935"] == ["reverse_not_reversed"]
    assert len(deviations_of()["burn#2701"]) == 2
    fixes_three_bugs = "Neuron PR181"
    assert {report for report in BACKWARD if BACKWARD.count(report) > 1} == {fixes_three_bugs}
    assert sorted(set(FORWARD).intersection(BACKWARD)) == []


def test_reasons_do_not_end_with_a_full_stop() -> None:
    assert [why for why in UNEXPRESSED.values() if not re.fullmatch(r"[a-z].*[^.]", why, re.IGNORECASE)] == []
