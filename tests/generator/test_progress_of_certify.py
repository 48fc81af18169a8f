"""Progress covers the whole of ``certify``: amounts never go back, and each part has a share by its predicted cost."""

import subprocess
import sys
from dataclasses import replace
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import pytest
from factories.scenarios import SHAPES, changed, chaotic, scenario

from rnn_goldens import RecurrenceScenario, Refused, Scenario, certify
from rnn_goldens.cells.case_graph import Recorded
from rnn_goldens.cells.recurrence_graph import recorded_recurrence
from rnn_goldens.generator import correct_algorithms
from rnn_goldens.generator.scenario_base import DeclaredInputs
from rnn_goldens.progress import reported_to

NEARLY_ALL = 980


def with_cotangents(example: Scenario) -> Scenario:
    out = (*example.stored.x.shape[:-1], example.shape.num_directions * example.shape.hidden_size)
    return replace(example, d_out=np.ones(out), gradient_purpose="Its gradients.")


def recurrence(cell: str, inputs: dict[str, Any], **fields: Any) -> RecurrenceScenario:
    return RecurrenceScenario(id="made/for-a-test", purpose="To be certified.", cell=cell, inputs=inputs, **fields)


def attention(cell: str, step: float, *, gradients: bool, **more: float) -> RecurrenceScenario:
    numbers, sizes = np.random.default_rng(0), {"heads": 1, "query_heads": 1, "d_k": 4, "d_v": 4, **more}
    inputs = {name: numbers.integers(-3, 4, (1, 40, 1, 4)) * step for name in "qkv"}
    given = inputs | ({"beta": np.full((1, 40, 1), 0.375)} if cell == "delta_rule" else {})
    back = {"cotangents": {"d_o": inputs["q"]}, "gradient_purpose": "Its gradients."} if gradients else {}
    return recurrence(cell, given, config=sizes, **back)


def rg_lru() -> RecurrenceScenario:
    """Return a scenario whose last state is the same value as its last output."""
    inputs = {name: np.random.default_rng(0).integers(-8, 9, (1, 24, 2)) / 8 for name in "xri"}
    return recurrence("rg_lru", inputs, config={"d": 2}, weights={"Lambda": [0.5, 1.0]})


def reports_of(example: DeclaredInputs, *, confirm: bool = True) -> list[tuple[str, int]]:
    """Certify a scenario; return the parts and amounts that are reported, whose total is always 1000."""
    reports: list[tuple[str, int, int]] = []
    certify(example, confirm=confirm, progress=lambda *report: reports.append(report))
    assert {total for _, _, total in reports} == {1000}
    return [(part, done) for part, done, _ in reports]


def parts_of(reports: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return the parts in the order in which they run, and the amount that is done when each begins."""
    return [(part, next(run)[1]) for part, run in groupby(reports, lambda report: report[0])]


EXACT = with_cotangents(
    changed(
        scenario("rnn_relu", bias=False, time=20),
        weights={"weight_ih_l0": np.ones((2, 3)), "weight_hh_l0": np.eye(2)},
        x=1 + np.arange(120).reshape(2, 20, 3) % 5,
    )
)
EXAMPLES = {
    **{shape: with_cotangents(scenario("lstm", scale=0.34375, **SHAPES[shape])) for shape in SHAPES},
    "outputs only": scenario("gru", scale=0.25),
    "exact network": EXACT,
    "exact recurrence": attention("linear_attention", 1.0, gradients=True, scale=1.0),
    "recurrence": attention("delta_rule", 0.125, gradients=True),
    "a state that is an output": rg_lru(),
    "a retry": chaotic(),
}


@pytest.mark.parametrize("confirm", [True, False])
@pytest.mark.parametrize("example", EXAMPLES)
def test_amounts_begin_with_zero_never_go_back_and_end_with_done(example: str, confirm: bool) -> None:
    reports = reports_of(EXAMPLES[example], confirm=confirm)
    amounts = [done for _, done in reports]
    assert amounts == sorted(amounts)
    assert reports[0] == ("graph", 0)
    assert reports[-1] == ("done", 1000)
    assert all(part != "done" and done < 1000 for part, done in reports[:-1])
    assert amounts[-2] >= NEARLY_ALL, "no part that is planned may be left out, and no result be counted twice"


@pytest.mark.parametrize("shape", SHAPES)
def test_the_parts_of_a_network_run_in_the_order_of_the_work(shape: str) -> None:
    assert [part for part, _ in parts_of(reports_of(EXAMPLES[shape]))] == [
        "graph", "exact outputs", "tolerance", "confirmation of outputs",
        "exact gradients", "confirmation of gradients", "exact states", "tolerance of states", "done",
    ]  # fmt: skip


def test_each_part_has_a_share_and_each_form_of_a_recurrence_is_a_part() -> None:
    parts = parts_of(reports_of(EXAMPLES["recurrence"]))
    chunks = [f" in chunks of {size}" for size in (1, 16, 32, 40)]
    assert [part for part, _ in parts] == [
        "graph", "exact outputs", "tolerance", *(f"tolerance{size}" for size in chunks), "confirmation of outputs",
        "exact gradients", "tolerance of gradients", *(f"gradients{size}" for size in chunks),
        "confirmation of gradients", "done",
    ]  # fmt: skip
    assert all(begin < end for (_, begin), (_, end) in pairwise(parts))


@pytest.mark.parametrize("example", ["exact network", "exact recurrence"])
def test_an_exact_golden_has_no_tolerance_and_proofs_share_the_work_with_confirmation(example: str) -> None:
    reports = reports_of(EXAMPLES[example])
    assert [part for part, _ in parts_of(reports)] == [
        "graph", "exact outputs", "confirmation of outputs", "exact gradients", "confirmation of gradients", "done",
    ]  # fmt: skip
    shares = dict(parts_of(reports_of(EXAMPLES[example], confirm=False)))
    assert shares["exact gradients"] - shares["exact outputs"] > 100


def test_gradients_that_round_have_a_part_where_outputs_are_exact() -> None:
    rounding = changed(EXACT, d_out=np.full((2, 20, 2), 1 + 2.0**-23), precisions=["float64", "float32"])
    parts = parts_of(reports_of(rounding, confirm=False))
    assert [part for part, _ in parts] == [
        "graph", "exact outputs", "exact gradients", "tolerance of gradients", "done"
    ]  # fmt: skip
    assert all(begin < end for (_, begin), (_, end) in pairwise(parts))


def test_without_confirmation_none_is_planned() -> None:
    for example in ("outputs only", "recurrence"):
        reports = reports_of(EXAMPLES[example], confirm=False)
        assert not [part for part, _ in reports if part.startswith("confirmation")]
        assert reports[-2][1] >= NEARLY_ALL


def test_a_retry_with_more_bits_has_a_share() -> None:
    example = EXAMPLES["a retry"]
    assert certify(example, confirm=False).provenance["answer"].startswith("ball arithmetic with 384 bits")
    proof = [done for part, done in reports_of(example) if part == "exact outputs"]
    first, second = proof[: len(proof) // 2], proof[len(proof) // 2 :]
    assert first[-1] - first[0] > 50
    assert second[-1] - second[0] > 50


@pytest.mark.parametrize("example", ["recurrence", "exact recurrence", "a state that is an output"])
def test_a_report_of_progress_records_no_further_graph(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded: list[object] = []

    def record(*arguments: Any) -> Recorded:
        recorded.append(arguments)
        return recorded_recurrence(*arguments)

    monkeypatch.setattr(correct_algorithms, "recorded_recurrence", record)
    certify(EXAMPLES[example])
    without = len(recorded)
    reports_of(EXAMPLES[example])
    assert len(recorded) == 2 * without > 0


FIRST = """
from rnn_goldens import Scenario, certify
weights = {"weight_ih_l0": [[0.5]], "weight_hh_l0": [[0.25]]}
scenario = Scenario(id="made/first", purpose="To be certified.", cell="rnn_tanh", weights=weights, x=[[[1], [0.5]]])
certify(scenario, progress=lambda part, done, _: print(done, part))
"""


@pytest.mark.slow
def test_the_import_of_torch_has_a_share_in_the_first_golden_of_a_process() -> None:
    done = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, check=True)
    begins = [int(line.split()[0]) for line in done.stdout.splitlines() if line.endswith("confirmation of outputs")]
    assert begins[0] < 100
    assert begins[-1] >= NEARLY_ALL


def test_a_refusal_is_not_done_and_the_next_scenario_begins_with_zero() -> None:
    refused = changed(scenario(bias=False), x=np.zeros((2, 4, 3)))
    reports: list[tuple[str, int, int]] = []
    with reported_to(lambda *report: reports.append(report)):
        with pytest.raises(Refused, match="every output is zero"):
            certify(refused)
        assert "exact outputs" in {part for part, _, _ in reports}
        assert "done" not in {part for part, _, _ in reports}
        reports.clear()
        certify(EXAMPLES["outputs only"])
    assert (reports[0], reports[-1]) == (("graph", 0, 1000), ("done", 1000, 1000))
    assert [done for _, done, _ in reports] == sorted(done for _, done, _ in reports)


def test_work_that_does_not_certify_reports_nothing() -> None:
    reported: list[str] = []
    with reported_to(lambda label, *_: reported.append(label)):
        pass
    certify(EXAMPLES["outputs only"])
    assert not reported
