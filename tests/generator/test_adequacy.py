import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_cotangents import asked
from made_scenarios import scenario

from rnn_goldens import Golden
from rnn_goldens.corpus import find, open_corpus
from rnn_goldens.deviations import DEVIATIONS, Deviation
from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
from rnn_goldens.deviations.margins import ENOUGH
from rnn_goldens.generator import adequacy, deviation_page, matrix_file
from rnn_goldens.generator.adequacy import Hidden, KillMatrix, charges, expose, kill_matrix
from rnn_goldens.generator.certify import certify
from rnn_goldens.generator.hidden import HIDDEN
from rnn_goldens.generator.hidden_backward import HIDDEN_BACKWARD
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.golden.precision import PRECISIONS


@pytest.fixture(scope="module")
def golden() -> Golden:
    return certify(scenario("gru", scale=0.25, state=True))


def test_margins_are_multiples_of_the_tolerance_of_each_precision(golden: Golden) -> None:
    margins = expose(golden).margins
    transposed = margins["w_hh_transposed"]
    assert set(transposed) == set(golden.precisions)
    assert transposed["float64"] > transposed["float32"] > transposed["float16"] > transposed["bfloat16"] > 0
    assert margins["h_n_with_extra_axis"]["float32"] == math.inf
    assert "lstm_forget_bias_plus_1" not in margins
    assert "reverse_not_reversed" not in margins


def test_on_an_exact_golden_any_difference_is_enough() -> None:
    margins = expose(certify(scenario(state=True))).margins
    assert set(margins["h0_ignored"].values()) == {math.inf}
    assert set(margins["float32_products"].values()) == {0.0}


def charged(monkeypatch: pytest.MonkeyPatch, *names: str) -> Sequence[Deviation]:
    """Let the catalogue be these deviations, for the GRU alone."""
    few = tuple(replace(d, cells=("gru",)) for d in DEVIATIONS if d.name in names)
    monkeypatch.setattr(adequacy, "DEVIATIONS", few)
    return few


def test_a_corpus_that_lets_a_deviation_pass_is_refused(golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    few = charged(monkeypatch, "h0_ignored", "reverse_not_reversed")
    with pytest.raises(Refused, match=r"not adequate: .*\n  reverse_not_reversed, gru, float64\n"):
        kill_matrix([golden], [expose(golden)], (), few)
    hidden = Hidden("reverse_not_reversed", ("gru",), tuple(PRECISIONS), "no golden here runs both ways")
    assert kill_matrix([golden], [expose(golden)], [hidden], few).core == [golden.id]
    with pytest.raises(Refused, match=r"listed as hidden, but some golden exposes them: .*h0_ignored"):
        kill_matrix([golden], [expose(golden)], [hidden, Hidden("h0_ignored", ("gru",), ("float32",), "a guess")], few)


def test_a_wrong_way_back_is_measured_by_the_tolerance_of_gradients() -> None:
    golden = certify(asked("gru", "plain"))
    assert golden.gradients is not None
    margins = expose(golden, backward=True).margins
    assert set(margins["gru_reset_path_dropped"]) == set(golden.gradients.precisions)
    assert min(margins["gru_reset_path_dropped"].values()) > ENOUGH
    assert margins["gradients_in_float32"]["float32"] < ENOUGH < margins["gradients_in_float32"]["float64"]
    assert "lstm_cell_path_dropped" not in margins


def test_a_corpus_that_lets_a_wrong_gradient_pass_is_refused() -> None:
    golden = certify(asked("gru", "plain"))
    with pytest.raises(Refused, match=r"(?s)not adequate: .*\n  backward_truncated_every_32, gru, float64"):
        kill_matrix([golden], [expose(golden, backward=True)], (), BACKWARD_DEVIATIONS)


def test_what_a_precision_allows_is_measured_as_well(golden: Golden) -> None:
    margins = expose(golden).margins["bfloat16_products"]
    assert set(margins) == set(golden.precisions)
    assert margins["float32"] > ENOUGH > margins["bfloat16"] > 0


def test_the_core_set_is_the_smallest_that_exposes_all_simple_goldens_first() -> None:
    exposed = {"a": {1, 2}, "b": {2, 3}, "c": {1, 2, 3}, "d": {4}, "e": {3, 4}}
    assert adequacy.smallest_cover(exposed) == ["c", "d"]  # type: ignore[arg-type]


def committed_matrix(name: str = matrix_file.NAME) -> dict[str, Any]:
    return matrix_file.read(find("v1") / name)


@pytest.mark.parametrize(
    ("name", "deviations", "hidden"),
    [
        (matrix_file.NAME, DEVIATIONS, HIDDEN),
        (matrix_file.BACKWARD_NAME, BACKWARD_DEVIATIONS, HIDDEN_BACKWARD),
    ],
)
def test_the_committed_matrix_exposes_every_deviation_in_every_cell_and_precision(
    name: str, deviations: Sequence[Deviation], hidden: Sequence[Hidden]
) -> None:
    matrix, corpus = committed_matrix(name), open_corpus("v1")
    cells = {entry.id: entry.cell for entry in corpus.entries}
    exposed = {
        (d["name"], cells[golden_id], precision)
        for d in matrix["deviations"]
        for golden_id, margins in d["margins"].items()
        for precision, margin in zip(matrix["precisions"], margins, strict=True)
        if margin is None or margin >= ENOUGH
    }
    known = [charge for h in hidden for charge in h.charges]
    assert len(known) == len(set(known)), "each exception is listed once"
    assert set(charges(deviations)) == exposed | set(known)
    assert not exposed & set(known)


def test_the_core_goldens_alone_expose_as_much_as_all() -> None:
    matrix, corpus = committed_matrix(), open_corpus("v1")
    assert [entry.id for entry in corpus.select(features=["core"])] == matrix["core"]
    kept = {entry.id for entry in corpus.select(features=["core"])}
    for d in matrix["deviations"]:
        for place, precision in enumerate(matrix["precisions"]):
            for cell in d["cells"]:
                margins = {
                    golden_id: margins[place]
                    for golden_id, margins in d["margins"].items()
                    if corpus.entry(golden_id).cell == cell
                }
                exposing = {golden_id for golden_id, margin in margins.items() if margin is None or margin >= ENOUGH}
                assert not exposing or exposing & kept, (d["name"], cell, precision)


def test_a_margin_that_moved_is_named(golden: Golden, tmp_path: Path) -> None:
    by_golden = {golden.id: expose(golden).margins}
    matrix = KillMatrix(by_golden, {golden.id: golden.cell})
    encoded = matrix_file.encode(matrix)
    (tmp_path / "a.json").write_bytes(encoded)
    (tmp_path / "b.json").write_bytes(re.sub(rb'"margins": \[(?=\d)', b'"margins": [9', encoded, count=1))
    assert list(matrix_file.differences(tmp_path / "a.json", tmp_path / "a.json")) == []
    moved = list(matrix_file.differences(tmp_path / "a.json", tmp_path / "b.json"))
    assert len(moved) == 1
    assert "/margins/made/for-a-test/0: " in moved[0]
    assert list(matrix_file.differences(tmp_path / "c.json", tmp_path / "a.json")) == ["c.json: is missing"]


def test_a_margin_that_is_rounding_may_come_and_go(golden: Golden, tmp_path: Path) -> None:
    for name, margin in (("none", 0.0), ("little", 0.51), ("more", 0.75)):
        margins = {golden.id: {"h0_ignored": {"float64": margin, "float32": 3.0}}}
        (tmp_path / f"{name}.json").write_bytes(matrix_file.encode(KillMatrix(margins, {golden.id: golden.cell})))
    assert list(matrix_file.differences(tmp_path / "none.json", tmp_path / "little.json")) == []
    (moved,) = matrix_file.differences(tmp_path / "none.json", tmp_path / "more.json")
    assert moved.endswith("/margins/made/for-a-test/0: 0 → 0.75")


def test_the_golden_that_is_named_exposes_the_deviation() -> None:
    both = (committed_matrix(), committed_matrix(matrix_file.BACKWARD_NAME))
    enough = {
        d["name"]: {g for g, margins in d["margins"].items() if any(m is None or m >= ENOUGH for m in margins)}
        for document in both
        for d in document["deviations"]
    }
    entries = [entry for page in pages_of_families() for entry in page.split("\n## `")[1:]]
    named = {entry.partition("`")[0]: re.findall(r"seen\s+first\s+in\s+`(.*?)`", entry)[0] for entry in entries}
    assert named.keys() == enough.keys()
    assert [name for name, golden_id in named.items() if golden_id not in enough[name]] == []


def test_the_pages_for_people_are_those_of_the_committed_matrices() -> None:
    docs = Path(__file__).parents[2] / "docs"
    files = [docs / "deviations.md", *(docs / "deviations").iterdir()]
    committed = {file.relative_to(docs).as_posix(): file.read_text("utf-8") for file in files}
    assert deviation_page.pages(find("v1")) == committed, "make generate writes them again"


def test_every_name_can_be_linked_to_and_leads_to_the_page_of_its_family() -> None:
    pages = deviation_page.pages(find("v1"))
    names = [d.name for d in DEVIATIONS] + [d.name for d in BACKWARD_DEVIATIONS]
    links = re.findall(r'<a\s+id="(.*?)"></a>\[`(.*?)`\]\((.*?)#(.*?)\)', pages["deviations.md"])
    assert [{anchor, shown, target} for anchor, shown, _, target in links] == [{name} for name in names]
    assert [name for name, _, file, _ in links if f"\n## `{name}`\n" not in pages[file]] == []


def test_the_pages_for_people_can_be_read_and_show_equations() -> None:
    pages = deviation_page.pages(find("v1"))
    lines = [line for page in pages.values() for line in page.splitlines() if "](" not in line]
    assert max(map(len, lines)) <= 160
    entry = pages["deviations/gates.md"].partition("## `lstm_output_without_tanh`\n")[2].partition("\n## ")[0]
    assert entry.endswith("```diff\n- h' = o * tanh(c')\n+ h' = o * c'\n```\n")


def test_a_page_that_is_no_family_s_any_more_goes(tmp_path: Path) -> None:
    (tmp_path / "deviations").mkdir()
    (tmp_path / "deviations/of-old.md").write_text("# Of old\n")
    deviation_page.write(find("v1"), tmp_path / "deviations.md")
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.md")}
    assert written == deviation_page.pages(find("v1")).keys()


def pages_of_families() -> list[str]:
    return [page for name, page in deviation_page.pages(find("v1")).items() if "/" in name]
