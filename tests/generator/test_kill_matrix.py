"""The kill matrix, and the refusal of a corpus that does not detect a deviation."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from factories.cotangents import gradient_scenario
from factories.scenarios import scenario

from rnn_goldens import Golden
from rnn_goldens.corpus import find, open_corpus
from rnn_goldens.corpus.kill_matrix import Undetected
from rnn_goldens.deviations import DEVIATIONS, Deviation
from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
from rnn_goldens.deviations.families import EVERY
from rnn_goldens.deviations.margins import ENOUGH
from rnn_goldens.generator import deviation_page, kill_matrix, kill_matrix_file
from rnn_goldens.generator.certification import certify
from rnn_goldens.generator.kill_matrix import (
    BACKWARD,
    FORWARD,
    KillMatrix,
    build_kill_matrix,
    combinations,
    exempt,
    margins_of,
)
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.golden.precision import PRECISIONS


@pytest.fixture(scope="module")
def golden() -> Golden:
    return certify(scenario("gru", scale=0.25, state=True))


def test_margins_are_multiples_of_the_tolerance_of_each_precision(golden: Golden) -> None:
    margins = margins_of(golden).margins
    transposed = margins["w_hh_transposed"]
    assert set(transposed) == set(golden.precisions)
    assert transposed["float64"] > transposed["float32"] > transposed["float16"] > transposed["bfloat16"] > 0
    assert margins["h_n_with_extra_axis"]["float32"] == math.inf
    assert "lstm_forget_bias_plus_1" not in margins
    assert "reverse_not_reversed" not in margins


def test_on_an_exact_golden_any_difference_is_detected() -> None:
    margins = margins_of(certify(scenario(state=True))).margins
    assert set(margins["h0_ignored"].values()) == {math.inf}
    assert set(margins["float32_products"].values()) == {0.0}


def only_deviations(monkeypatch: pytest.MonkeyPatch, *names: str) -> Sequence[Deviation]:
    """Replace the catalogue by the deviations with these names, only for the GRU; return these deviations."""
    selected = tuple(replace(d, cells=("gru",)) for d in DEVIATIONS if d.name in names)
    monkeypatch.setattr(kill_matrix, "DEVIATIONS", selected)
    return selected


def test_a_corpus_that_does_not_detect_a_deviation_is_refused(golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    selected = only_deviations(monkeypatch, "h0_ignored", "reverse_not_reversed")
    with pytest.raises(Refused, match=r"no golden detects, .*\n  reverse_not_reversed, gru, float64\n"):
        build_kill_matrix([golden], [margins_of(golden)], (), selected)
    reason = "no golden here runs both ways"
    undetected = Undetected("reverse_not_reversed", ("gru",), tuple(PRECISIONS), reason, allowed=False)
    assert build_kill_matrix([golden], [margins_of(golden)], [undetected], selected).core == [golden.id]
    with pytest.raises(Refused, match=r"listed as undetected, but a golden detects them: .*h0_ignored"):
        build_kill_matrix(
            [golden],
            [margins_of(golden)],
            [undetected, Undetected("h0_ignored", ("gru",), ("float32",), "a guess", allowed=False)],
            selected,
        )


def test_margins_of_the_backward_pass_are_multiples_of_the_tolerance_of_gradients() -> None:
    golden = certify(gradient_scenario("gru", "plain"))
    assert golden.gradients is not None
    margins = margins_of(golden, backward=True).margins
    assert set(margins["gru_reset_path_dropped"]) == set(golden.gradients.precisions)
    assert min(margins["gru_reset_path_dropped"].values()) > ENOUGH
    assert margins["gradients_in_float32"]["float32"] < ENOUGH < margins["gradients_in_float32"]["float64"]
    assert "lstm_cell_path_dropped" not in margins


def test_a_corpus_that_does_not_detect_a_wrong_gradient_is_refused() -> None:
    golden = certify(gradient_scenario("gru", "plain"))
    with pytest.raises(Refused, match=r"(?s)no golden detects, .*\n  backward_truncated_every_32, gru, float64"):
        build_kill_matrix([golden], [margins_of(golden, backward=True)], (), BACKWARD_DEVIATIONS)


def test_the_core_set_is_minimal_and_prefers_simple_goldens() -> None:
    detected = {"a": {1, 2}, "b": {2, 3}, "c": {1, 2, 3}, "d": {4}, "e": {3, 4}}
    assert kill_matrix.smallest_cover(detected) == ["c", "d"]  # type: ignore[arg-type]


def committed_matrix(name: str = kill_matrix_file.NAME) -> dict[str, Any]:
    return kill_matrix_file.read(find() / name)


@pytest.mark.parametrize(
    ("name", "deviations", "undetected"),
    [
        (kill_matrix_file.NAME, FORWARD.deviations, FORWARD.hidden),
        (kill_matrix_file.BACKWARD_NAME, BACKWARD.deviations, BACKWARD.hidden),
    ],
)
def test_the_committed_matrix_detects_every_deviation_not_listed_as_undetected(
    name: str, deviations: Sequence[Deviation], undetected: Sequence[Undetected]
) -> None:
    matrix, corpus = committed_matrix(name), open_corpus()
    cells = {entry.id: entry.cell for entry in corpus.entries}
    detected = {
        (d["name"], cells[golden_id], precision)
        for d in matrix["deviations"]
        for golden_id, margins in d["margins"].items()
        for precision, margin in zip(matrix["precisions"], margins, strict=True)
        if margin is None or margin >= ENOUGH
    }
    known = exempt(undetected)
    assert len(known) == len(set(known)), "each exception is listed once"
    assert set(combinations(deviations)) == detected | set(known)
    assert not detected & set(known)


def test_the_core_set_detects_as_much_as_all_goldens() -> None:
    matrix, corpus = committed_matrix(), open_corpus()
    core_ids = [entry.id for entry in corpus.entries if "core" in entry.features]
    assert core_ids == matrix["core"]
    for d in matrix["deviations"]:
        for index, precision in enumerate(matrix["precisions"]):
            for cell in d["cells"]:
                margins = {
                    golden_id: margins[index]
                    for golden_id, margins in d["margins"].items()
                    if corpus.entry(golden_id).cell == cell
                }
                detecting = {golden_id for golden_id, margin in margins.items() if margin is None or margin >= ENOUGH}
                assert not detecting or detecting & set(core_ids), (d["name"], cell, precision)


def test_a_changed_margin_is_reported(golden: Golden, tmp_path: Path) -> None:
    by_golden = {golden.id: margins_of(golden).margins}
    matrix = KillMatrix(by_golden, {golden.id: golden.cell})
    encoded = kill_matrix_file.encode(matrix)
    (tmp_path / "a.json").write_bytes(encoded)
    (tmp_path / "b.json").write_bytes(re.sub(rb'"margins":\[(?=\d)', b'"margins":[9', encoded, count=1))
    assert list(kill_matrix_file.differences(tmp_path / "a.json", tmp_path / "a.json")) == []
    changes = list(kill_matrix_file.differences(tmp_path / "a.json", tmp_path / "b.json"))
    assert len(changes) == 1
    assert "/margins/made/for-a-test/0: " in changes[0]
    assert list(kill_matrix_file.differences(tmp_path / "c.json", tmp_path / "a.json")) == ["c.json: is missing"]


def test_small_changes_of_small_margins_are_ignored(golden: Golden, tmp_path: Path) -> None:
    for name, margin in (("none", 0.0), ("little", 0.51), ("more", 0.75)):
        margins = {golden.id: {"h0_ignored": {"float64": margin, "float32": 3.0}}}
        (tmp_path / f"{name}.json").write_bytes(kill_matrix_file.encode(KillMatrix(margins, {golden.id: golden.cell})))
    assert list(kill_matrix_file.differences(tmp_path / "none.json", tmp_path / "little.json")) == []
    (changes,) = kill_matrix_file.differences(tmp_path / "none.json", tmp_path / "more.json")
    assert changes.endswith("/margins/made/for-a-test/0: 0 → 0.75")


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return deviation_page.pages(find())


def test_the_pages_are_up_to_date_and_have_a_section_for_each_deviation(pages: dict[str, str]) -> None:
    docs = Path(__file__).parents[2] / "docs"
    files = [docs / "deviations.md", *(docs / "deviations").iterdir()]
    committed = {file.relative_to(docs).as_posix(): file.read_text("utf-8") for file in files}
    assert pages == committed, "update the pages: make generate"
    names = [d.name for members in EVERY.values() for d in members]
    anchors = [(anchor, name) for name, page in pages.items() for anchor in re.findall(r"^### `(.*)`$", page, re.M)]
    assert sorted(anchor for anchor, _ in anchors) == sorted(names)
    assert [anchor for anchor, page in anchors if deviation_page.page_of(anchor) != page] == []
    lines = [line for page in pages.values() for line in page.splitlines() if "](" not in line]
    assert max(map(len, lines)) <= 160
    entry = pages["deviations/gates.md"].partition("### `lstm_output_without_tanh`")[2].partition("\n### ")[0]
    assert entry.endswith("```diff\n- h' = o * tanh(c')\n+ h' = o * c'\n```\n")


def test_the_index_counts_deviations_that_no_golden_detects(pages: dict[str, str]) -> None:
    index = pages["deviations.md"].partition("## Undetected")[2]
    counts = [[int(n) for n in row.split("|")[2:6]] for row in re.findall(r"^\| \[.*$", index, re.MULTILINE)]
    undetected = [
        combination for h in (*FORWARD.hidden, *BACKWARD.hidden) if not h.allowed for combination in exempt([h])
    ]
    assert sum(map(sum, counts)) == len(undetected)


def test_a_page_without_a_group_is_removed(tmp_path: Path, pages: dict[str, str]) -> None:
    (tmp_path / "deviations").mkdir()
    (tmp_path / "deviations/of-old.md").write_text("# Of old\n")
    deviation_page.write(find(), tmp_path / "deviations.md")
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.md")}
    assert written == pages.keys()
