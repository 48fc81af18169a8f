"""Before certifying, ``generate`` says how long it takes, as predicted from the sizes of the scenarios."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from factories.documented import DOCUMENTED
from factories.scenarios import scenario

from benchmarks import large_goldens
from rnn_goldens import RecurrenceScenario, Scenario
from rnn_goldens.corpus import open_corpus
from rnn_goldens.generator import generate as generation
from rnn_goldens.generator import predicted_cost as estimates
from rnn_goldens.generator.certification_cache import CertificationCache
from rnn_goldens.generator.generate import generate
from rnn_goldens.generator.predicted_cost import duration, estimate, predicted_seconds, work_of
from rnn_goldens.generator.reproducibility import check_values
from rnn_goldens.generator.scenario_base import DeclaredInputs
from rnn_goldens.generator.scenarios import SCENARIOS
from rnn_goldens.golden.recurrences import RECURRENCES

Predict = Callable[[DeclaredInputs], float]


def predicting(monkeypatch: pytest.MonkeyPatch, predict: Predict) -> None:
    monkeypatch.setattr(estimates, "predicted_seconds", predict)


def large(*golden: object) -> Scenario | RecurrenceScenario:
    return large_goldens.scenario(*golden)  # type: ignore[arg-type]


# Predictions.


def test_every_scenario_has_a_prediction() -> None:
    assert all(0.004 < predicted_seconds(one) < 60 for one in SCENARIOS[::10])


@pytest.mark.parametrize("cell", ["lstm", *RECURRENCES])
def test_more_steps_units_and_gradients_take_longer(cell: str) -> None:
    small, *others = (
        predicted_seconds(large(cell, *sizes))
        for sizes in ((20, 8, False), (80, 8, False), (20, 64, False), (20, 8, True))
    )
    assert all(small < other for other in others)


def test_nothing_is_bounded_for_a_relu_of_integers() -> None:
    weights = {"weight_ih_l0": np.ones((2, 3)), "weight_hh_l0": np.eye(2)}
    whole = replace(scenario("rnn_relu", bias=False), weights=weights, x=np.ones((2, 5, 3)))
    assert work_of(whole)["outputs"] == 0
    assert work_of(replace(whole, x=np.full((2, 5, 3), 0.5)))["outputs"] > 0


def test_packed_sequences_have_chunks_of_the_longest() -> None:
    one = large("gated_delta", 64, 4, False)
    assert isinstance(one, RecurrenceScenario)
    packed = replace(one, offsets=list(range(0, 65, 4)))
    assert work_of(packed)["solved for outputs"] < work_of(one)["solved for outputs"] / 10


# What is said.


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "5 s"), (12, "10 s"), (89, "90 s"), (91, "2 min"), (60 * 89, "89 min"), (5410, "1.5 h"), (3600 * 24, "24 h")],
)
def test_a_duration_is_no_more_precise_than_a_prediction(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_short_time_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    predicting(monkeypatch, lambda _: 4.9)
    assert estimate(DOCUMENTED[:2])[1] == ""
    assert estimate([])[1] == ""
    assert estimate(DOCUMENTED[:3])[1] != ""


def test_few_goldens_are_certified_in_one_process_unless_others_save_much_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "cores", lambda: 2)
    largest = DOCUMENTED[1].id
    predicting(monkeypatch, lambda one: 150 if one.id == largest else 10)
    assert estimate(DOCUMENTED[:3])[1] == f"certifying 3 goldens takes about 3 min; the largest, {largest}, about 2 min"
    assert estimate(DOCUMENTED[1:2])[1] == f"certifying {largest} takes about 2 min"
    predicting(monkeypatch, lambda one: 150 if one.id == largest else 90)
    assert estimate(DOCUMENTED[:3])[1] == (
        f"certifying 3 goldens takes about 3 min on 2 cores (6 min of CPU time); the largest, {largest}, about 2 min"
    )


def test_many_goldens_are_certified_on_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "cores", lambda: 4)
    many = [replace(DOCUMENTED[0], id=f"made/number-{k}") for k in range(16)]
    predicting(monkeypatch, lambda _: 3.0)
    assert estimate(many)[1] == (
        "certifying 16 goldens takes about 10 s on 4 cores (50 s of CPU time); the largest, made/number-0, about 5 s"
    )
    predicting(monkeypatch, lambda one: 300.0 if one.id == "made/number-7" else 1.0)
    assert estimate(many)[1].startswith("certifying 16 goldens takes about 5 min on 4 cores (5 min of CPU time); ")


def test_of_other_workers_only_the_whole_work_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    predicting(monkeypatch, lambda _: 60.0)
    many = [replace(DOCUMENTED[0], id=f"made/number-{k}") for k in range(16)]
    with ThreadPoolExecutor(1) as executor:
        assert estimate(many, executor)[1].startswith("certifying 16 goldens takes about 16 min of CPU time; ")


# When it is said.


def test_few_goldens_that_take_long_are_certified_in_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "cores", lambda: 2)
    predicting(monkeypatch, lambda _: 40.0)
    used: list[bool] = []

    def recorded(
        work: Callable[[object], object], items: Sequence[object], *_: object, parallel: bool
    ) -> Iterator[object]:
        used.append(parallel)
        yield from map(work, items)

    monkeypatch.setattr(generation, "in_order", recorded)
    generate(DOCUMENTED[:2], tmp_path / "long")
    generate(DOCUMENTED[:1], tmp_path / "one")
    predicting(monkeypatch, lambda _: 4.0)
    generate(DOCUMENTED[:2], tmp_path / "short")
    assert used == [True, False, False]


def test_generate_says_it_for_what_is_certified_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "cores", lambda: 1)
    predicting(monkeypatch, lambda _: 20.0)
    said: list[str] = []
    corpus, cache = tmp_path / "corpus", CertificationCache(tmp_path / "cache")
    generate(DOCUMENTED, corpus, only=["*/mini-batch"], certified=cache, say=said.append)
    assert said.pop() == "certifying documented/mini-batch takes about 20 s"
    generate(DOCUMENTED[:2], corpus, certified=cache, say=said.append)
    assert said.pop().startswith("certifying documented/")
    generate(DOCUMENTED[:2], corpus, certified=cache, say=said.append)
    assert said == []
    check_values(DOCUMENTED[:2], open_corpus(corpus), say=said.append)
    assert said.pop().startswith("certifying 2 goldens takes about 40 s; the largest, documented/")
